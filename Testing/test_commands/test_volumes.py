"""psma-planning volumes: the contract's fields, files, and what is refused."""

import json

import numpy as np
import pydicom
import pytest
from nodal_cases import phantom_of
from PSMAPlanningLib.commands import volumes
from PSMAPlanningLib.dicomrt.planning_series import planning_series
from PSMAPlanningLib.dicomrt.rtstruct_export import prepare_export
from PSMAPlanningLib.errors import GuidelineError, InputError, LandmarkError, OutputError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.phantom import write_dicom
from PSMAPlanningLib.imaging.phantom.file_export import on_grid
from PSMAPlanningLib.imaging.read import read_ct
from PSMAPlanningLib.rtvolumes.guideline_files import load_guideline
from PSMAPlanningLib.rtvolumes.nodal import NodalGenerator
from PSMAPlanningLib.rtvolumes.nodal_anatomy import anatomy_of
from PSMAPlanningLib.structure_export import write_export
from test_commands.command_call import call
from test_dicomrt.ct_on_disk import structure
from test_dicomrt.test_seg_reader import write_seg


@pytest.fixture(scope="module")
def pelvis(tmp_path_factory):
    """A label map of the phantom's organs with its name table."""
    folder = tmp_path_factory.mktemp("pelvis")
    phantom, structures = phantom_of(1), phantom_of(1, structures=True)
    labels = np.zeros(phantom.ct.grid.shape_kji, np.float32)
    names = {}
    # The rectum is also colon in the phantom; a label map holds one of them.
    last_rectum = sorted(structures.items(), key=lambda item: item[0] == "rectum")
    for value, (name, mask) in enumerate(last_rectum, 1):
        labels[on_grid(mask, phantom.ct.grid).array] = value
        names[value] = name
    write_image_file(Image(labels, phantom.ct.grid, Quantity.UNKNOWN), folder / "anatomy.nrrd")
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
    return folder, phantom


def arguments(folder, out, guideline="rtog2009_nodes"):
    anatomy = ["--anatomy", folder / "anatomy.nrrd", "--label-names", folder / "names.json"]
    return [*anatomy, "--guideline", guideline, "--out", out]


def bed_points(phantom):
    points = phantom.landmarks
    right, anterior, _ = points["anastomosis"]
    top = (right, anterior - 35.0, points["symphysis_top"][2] + 33.0)
    placed = {"anastomosis": points["anastomosis"], "penile_bulb_top": points["penile_bulb_top"],
              "seminal_vesicle_bed_top": top}  # fmt: skip
    return [f"--landmark={name}={','.join(map(str, point))}" for name, point in placed.items()]


def test_nodes(pelvis, tmp_path):
    folder, _ = pelvis
    out, marks = tmp_path / "CTVn.nrrd", tmp_path / "marks.json"
    document, text = call(volumes, *arguments(folder, out), "--landmarks-out", marks)
    assert set(document) >= {"volumes", "steps", "warnings"}
    (volume,) = document["volumes"]
    assert set(volume) >= {"name", "volume_ml", "verified", "plausible_ml"}
    assert volume["name"] == "CTVn"
    assert volume["verified"] is False
    assert volume["plausible_ml"] == [85.8, 502]
    (label,) = read_labels(out)
    assert label.mask.volume_ml == pytest.approx(volume["volume_ml"], rel=1e-6)
    assert "NOT VERIFIED" in text and "proposal" in text
    grown = next(step for step in document["steps"] if step["what"] == "grow_vessels")
    assert grown["rests_on"][0]["citation"].startswith("Lawton 2009")
    assert json.loads(marks.read_text(encoding="utf-8"))["landmarks"] == document["landmarks"]
    with pytest.raises(OutputError, match="exists already"):
        call(volumes, *arguments(folder, out))


def test_bed(pelvis, tmp_path):
    folder, phantom = pelvis
    document, _ = call(
        volumes, *arguments(folder, tmp_path / "b.nii.gz", "rtog2010_bed"), *bed_points(phantom)
    )
    assert document["volumes"][0]["name"] == "CTVsb"
    assert document["volumes"][0]["plausible_ml"] == [62.1, 222.2]
    sources = {mark["name"]: mark["source"] for mark in document["landmarks"]}
    assert sources["anastomosis"] == "user"
    assert sources["symphysis_top"] == "automatic"


@pytest.mark.slow
def test_organs_from_rtstruct_and_dicom_seg(pelvis, tmp_path):
    """The same organs as contours on the CT, and as segments, give the same volume as their label map."""
    _, phantom = pelvis
    write_dicom(phantom, tmp_path)
    series = planning_series(tmp_path / "CT")
    needed = ("iliac", "hip", "femur", "sacrum", "vertebrae_L", "urinary_bladder", "iliopsoas")
    # A structure set's names have 16 characters at most.
    short = {"iliac_artery_left": "A_Iliac_L", "iliac_artery_right": "A_Iliac_R"}
    organs = phantom_of(1, structures=True)
    masks = {short.get(name, name): mask for name, mask in organs.items() if name.startswith(needed)}
    export = prepare_export([structure(n, m, "ORGAN") for n, m in masks.items()], series)
    write_export(export, tmp_path / "organs.dcm")
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "CT").glob("*"))]
    slices.sort(key=lambda each: float(each.ImagePositionPatient[2]))
    ct = read_ct(tmp_path / "CT")
    arrays = [on_grid(mask, ct.grid).array.astype(np.uint8) for mask in masks.values()]
    write_seg(tmp_path / "seg.dcm", ct.grid, arrays, labels=tuple(masks), slices=slices)
    found = {}
    for name in ("organs.dcm", "seg.dcm"):
        out = tmp_path / f"{name}.nrrd"
        asked = ["--anatomy", tmp_path / name, "--guideline", "rtog2009_nodes", "--out", out]
        call(volumes, *asked, "--ct", tmp_path / "CT")
        found[name] = read_labels(out)[0].mask
    generator = NodalGenerator(anatomy_of(masks), load_guideline("rtog2009_nodes"), ct)
    expected = generator.generate().mask
    for name, mask in found.items():
        assert mask.volume_ml == pytest.approx(expected.volume_ml, rel=0.03), name
        assert np.allclose(mask.centroid_ras(), expected.centroid_ras(), atol=1.0)
    with pytest.raises(InputError, match="give the CT they were drawn on with --ct"):
        call(volumes, "--anatomy", tmp_path / "organs.dcm", "--guideline", "rtog2009_nodes", "--out",
             tmp_path / "x.nrrd")  # fmt: skip


def test_refusals_leave_nothing_behind(pelvis, tmp_path):
    folder, _ = pelvis
    out = tmp_path / "x.nrrd"
    with pytest.raises(LandmarkError, match="needs the landmarks anastomosis"):
        call(volumes, *arguments(folder, out, "rtog2010_bed"))
    with pytest.raises(GuidelineError, match="no guideline 'rtog'"):
        call(volumes, *arguments(folder, out, "rtog"))
    with pytest.raises(GuidelineError, match="between 0 and 20"):
        call(volumes, *arguments(folder, out), "--set", "vessel_margin=50")
    with pytest.raises(GuidelineError, match="NUMBER=MM"):
        call(volumes, *arguments(folder, out), "--set", "vessel_margin")
    with pytest.raises(LandmarkError, match="NAME=R,A,S"):
        call(volumes, *arguments(folder, out), "--landmark=S1_top=1,2")
    with pytest.raises(OutputError, match="must end in"):
        call(volumes, *arguments(folder, tmp_path / "x.txt"))
    with pytest.raises(InputError, match="no structure with a known name"):
        call(volumes, "--anatomy", folder / "anatomy.nrrd", "--guideline", "rtog2009_nodes", "--out", out)
    assert not list(tmp_path.iterdir())
