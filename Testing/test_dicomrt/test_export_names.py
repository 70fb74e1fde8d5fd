"""Names that planning systems keep."""

import pytest
from PSMAPlanningLib.dicomrt.export_names import (
    export_names,
    interpreted_type,
    lesion_name,
    plain_name,
    structure_code,
)
from PSMAPlanningLib.rtvolumes.tg263 import parse_target


def test_names_that_fit_stay():
    names = ["GTVn1_PT1", "PTVsb_7000", "Bladder", "PTV!_45", "CTV^x-03"]
    assert export_names(names) == names


def test_long_names_are_cut_and_numbered_where_they_collide():
    made = export_names(
        ["Lymph node left iliac A", "Lymph node left iliac B", "Lymph_node_left", "lymph_NODE_left"]
    )
    assert made[2] == "Lymph_node_left"
    assert len({name.upper() for name in made}) == 4 and max(map(len, made)) <= 16


def test_hundred_equal_names_are_told_apart():
    made = export_names(["the same long name again"] * 100)
    assert len(set(made)) == 100 and max(map(len, made)) <= 16


@pytest.mark.parametrize(
    ("name", "plain"), [("Größe 1", "Gr_e_1"), ("a/b\\c", "a_b_c"), ("", "ROI"), ("µ", "ROI")]
)
def test_odd_characters_become_underscores(name, plain):
    assert plain_name(name) == plain


@pytest.mark.parametrize("role", [None, "nodes", "bed"])
def test_lesion_names_are_tg263(role):
    name = lesion_name(12, role)
    assert parse_target(name).kind == "GTV" and parse_target(name).number == 12


def test_types_and_codes():
    assert (
        interpreted_type("ITV"),
        interpreted_type("gtv"),
        interpreted_type("?"),
        interpreted_type(None),
    ) == (
        "CTV",
        "GTV",
        None,
        None,
    )
    assert structure_code("PTV", "x").value == "228793007"
    assert structure_code("ORGAN", "Rectum").value == "34402009"
    assert structure_code("ORGAN", "Bag_Bowel") is None
