"""Names to TG-263: exact, alias, type, geometry, user; nothing guessed silently."""

import json
import re
from importlib.resources import files

import numpy as np
import pytest
from PSMAPlanningLib.errors import InputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.rtvolumes.name_mapping import NamedStructure, match_names, overrides_from_document
from PSMAPlanningLib.rtvolumes.name_table import folded, organ_names, target_names
from PSMAPlanningLib.rtvolumes.tg263 import LONGEST_NAME, parse_target, target_name


def match(name, kind=None, mask=None):
    return match_names([NamedStructure(name, kind, mask)])[0]


@pytest.mark.parametrize(
    ("name", "kind", "classifier", "dose", "fractions", "crop"),
    [
        ("CTVsb_7000", "CTV", "sb", 70.0, None, None),
        ("PTVn_4500x25", "PTV", "n", 45.0, 25, None),
        ("PTVn1_6600", "PTV", "n", 66.0, None, None),
        ("GTVsb1_PT1", "GTV", "sb", None, None, None),
        ("PTV!_4500-03", "PTV", None, 45.0, None, 3),
        ("CTV_62p5Gy", "CTV", None, 62.5, None, None),
        ("PTV_High", "PTV", None, None, None, None),
        ("IGTV", "IGTV", None, None, None, None),
    ],
)
def test_target_names_come_apart(name, kind, classifier, dose, fractions, crop):
    parts = parse_target(name)
    assert (parts.kind, parts.classifier, parts.dose_gy, parts.fractions, parts.crop_mm) == (
        kind,
        classifier,
        dose,
        fractions,
        crop,
    )


@pytest.mark.parametrize(
    "name", ["CTV 45", "ptv", "PTV_boost to nodes", "Bladder", "CTVn_4500_and_more", "PTV-3"]
)
def test_what_is_no_target_name(name):
    assert parse_target(name) is None


def test_written_names_are_read_again():
    for kind, classifier, dose, number in (
        ("CTV", "sb", 70.0, None),
        ("PTV", "n", 66.5, 2),
        ("GTV", "n", None, 1),
    ):
        parts = parse_target(target_name(kind, classifier, dose, number))
        assert (parts.kind, parts.classifier, parts.dose_gy, parts.number) == (kind, classifier, dose, number)


@pytest.mark.parametrize(
    ("name", "tg263", "role", "by"),
    [
        ("Bladder", "Bladder", "bladder", "exact"),
        ("CTVsb_7000", "CTVsb_7000", "bed", "exact"),
        ("GTVn1_PT1", "GTVn1_PT1", "lesion", "exact"),
        ("BowelBag", "Bag_Bowel", "bowel", "alias"),
        ("Spc_Bowel", "Bag_Bowel", "bowel", "alias"),
        ("Femoral head left", "Femur_Head_L", "femoral_head", "alias"),
        ("Rt_femoral_head", "Femur_Head_R", "femoral_head", "alias"),
        ("FemoralHeadLt", "Femur_Head_L", "femoral_head", "alias"),
        ("Hüftkopf re", "Femur_Head_R", "femoral_head", "alias"),
        ("Tête fémorale gauche", "Femur_Head_L", "femoral_head", "alias"),
        ("Blase", "Bladder", "bladder", "alias"),
        ("VESSIE", "Bladder", "bladder", "alias"),
        ("Enddarm", "Rectum", "rectum", "alias"),
        ("dunne darm", "Bowel_Small", "bowel", "alias"),
        ("urinary_bladder", "Bladder", "bladder", "alias"),
        ("iliac_vena_left", "V_Iliac_L", "vessel", "alias"),
        ("CTV_Fossa", "CTVsb", "bed", "alias"),
        ("PF_CTV", "CTVsb", "bed", "alias"),
        ("CTV Loge 66", "CTVsb_6600", "bed", "alias"),
        ("CTV_LN", "CTVn", "nodes", "alias"),
        ("PTV nodes 45Gy", "PTVn_4500", "nodes", "alias"),
        ("BODY", "External", "external", "alias"),
    ],
)
def test_names_of_planners(name, tg263, role, by):
    found = match(name)
    assert (found.tg263, found.role, found.matched_by, found.asks) == (tg263, role, by, False)


@pytest.mark.parametrize("name", ["CTV 45", "PTV_68", "CTV70", "PTV", "target", "X1", "ROI-1"])
def test_what_the_name_does_not_tell_is_asked(name):
    found = match(name)
    assert found.asks and found.role is None


def test_a_region_without_kind_asks_for_it():
    found = match("prostate_bed")
    assert (found.role, found.kind, found.tg263, found.asks) == ("bed", None, None, True)
    assert match("prostate_bed", "CTV").tg263 == "CTVsb"


def test_the_type_of_the_file_is_second_to_the_name():
    assert (match("Bladder", "AVOIDANCE").matched_by, match("Bladder", "AVOIDANCE").role) == (
        "exact",
        "bladder",
    )
    found = match("Aussen", "EXTERNAL")
    assert (found.tg263, found.matched_by, found.asks) == ("External", "interpreted_type", True)
    assert match("Ziel", "PTV").matched_by == "interpreted_type"


def blocks(*boxes):
    grid = VoxelGrid((60, 60, 60), (3, 3, 3), (-90, -90, -90))
    array = np.zeros(grid.shape_kji, bool)
    points = grid.ras_of(np.stack(np.indices(grid.shape_kji), -1))
    for low, high in boxes:
        array |= ((points >= low) & (points <= high)).all(axis=-1)
    return Mask(array, grid)


def test_place_tells_bed_from_nodes_and_asks():
    bladder = NamedStructure("Blase", None, blocks(((-30, 0, 0), (30, 40, 50))))
    bed = NamedStructure("CTV 66", None, blocks(((-20, -20, -30), (20, 0, 15))))
    nodes = NamedStructure("CTV 45", None, blocks(((-70, 0, 0), (-40, 40, 80)), ((40, 0, 0), (70, 40, 80))))
    unclear = NamedStructure("PTV 60", None, blocks(((-40, -40, -60), (40, 60, 80))))
    found = match_names([bladder, bed, nodes, unclear])
    assert [(m.tg263, m.role, m.matched_by, m.asks) for m in found[1:]] == [
        ("CTVsb_6600", "bed", "geometry", True),
        ("CTVn_4500", "nodes", "geometry", True),
        (None, None, None, True),
    ]
    assert match_names([bed, nodes])[0].role is None


def test_cort_case(shared_data):
    folder = shared_data("cort_prostate_structures")
    names = ("Bladder", "PTV_56", "PTV_68", "Lymph_Nodes", "Lt_femoral_head", "Penile_bulb")
    found = match_names([NamedStructure(n, None, read_labels(folder / f"{n}.nrrd")[0].mask) for n in names])
    by_name = {m.name: (m.tg263, m.role, m.matched_by) for m in found}
    assert by_name["PTV_56"] == ("PTVn_5600", "nodes", "geometry")
    assert by_name["PTV_68"] == ("PTVsb_6800", "bed", "geometry")
    assert by_name["Lt_femoral_head"][0] == "Femur_Head_L"
    assert by_name["Penile_bulb"][0] == "PenileBulb"


def test_the_user_has_the_last_word():
    structures = [NamedStructure("CTV 45"), NamedStructure("Bladder")]
    table = {"CTV 45": "CTVn_4500", "Bladder": "z_old"}
    nodes, bladder = match_names(structures, table)
    assert (nodes.tg263, nodes.role, nodes.matched_by, nodes.asks) == ("CTVn_4500", "nodes", "user", False)
    assert (bladder.tg263, bladder.role, bladder.matched_by) == ("z_old", None, "user")
    rows = json.loads(json.dumps([m.to_document() for m in (nodes, bladder)]))
    assert overrides_from_document(rows) == table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"Blader": "Bladder"}, "no structure"),
        ({"Bladder": "B" * 17}, "1 to 16"),
        ({"Bladder": ""}, "written"),
    ],
)
def test_tables_that_fit_nothing(table, message):
    with pytest.raises(InputError, match=message):
        match_names([NamedStructure("Bladder")], table)


@pytest.mark.parametrize("document", ["text", [1], {"Bladder": 3}])
def test_documents_that_are_no_table(document):
    with pytest.raises(InputError, match="name table"):
        overrides_from_document(document)


def test_every_name_of_the_table_can_be_written_and_is_found_by_itself():
    names = [organ.tg263 for organ in organ_names()]
    assert len(set(names)) == len(names)
    for organ in organ_names():
        assert len(organ.tg263) <= LONGEST_NAME and " " not in organ.tg263
        assert match(organ.tg263).tg263 == organ.tg263
        for segment in organ.segmentations:
            assert match(segment).tg263 == organ.tg263, segment
    for target in target_names():
        assert all(len(f"{prefix}_7000") <= LONGEST_NAME for prefix in target.prefix.values())


def test_aliases_are_written_folded():
    """An alias with a capital or a space could never match."""
    document = json.loads(files("PSMAPlanningLib.data").joinpath("structure_names.json").read_text("utf-8"))
    for entry in document["organs"] + document["targets"]:
        for alias in entry["aliases"]:
            plain = re.sub(r"\(\?P<\w+>", "(", alias).replace(r"\d", "")
            assert plain == plain.lower() and " " not in plain and plain.isascii(), alias


def test_folding():
    assert folded("CTVFossa") == "ctvfossa" and folded("Rectum-Wall  (1)") == "rectum_wall_1"
    assert folded("BowelBag") == "bowel_bag" and folded("Größe") == "grosse"
