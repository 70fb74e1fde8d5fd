"""psma-planning boost: PET contours with stated margins, cropped by organs, each loss told."""

import json

import numpy as np
import pytest
from margin_shapes import ball, grid_around, voxels
from phantoms import blurred_spheres
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import boost
from PSMAPlanningLib.errors import InputError, MarginError, OutputError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.segmentation_file import Segment, write_segmentation
from test_commands.command_call import call

GRID = grid_around(22, (1.0, 1.0, 2.0))
MARGINS = ("--ctv-mm", *[3] * 6, "--ptv-mm", *[5] * 6)


@pytest.fixture
def lesions(tmp_path):
    small = Mask(np.roll(voxels(GRID, ball(4)).array, 12, axis=2), GRID)
    segments = [Segment("L1", voxels(GRID, ball(8)).array), Segment("L2", small.array)]
    write_segmentation(segments, GRID, tmp_path / "lesions.seg.nrrd")
    return tmp_path / "lesions.seg.nrrd"


def test_boost_of_each_lesion_even_where_its_file_ends(lesions, tmp_path):
    out = tmp_path / "boost.seg.nrrd"
    document, text = call(boost, lesions, *MARGINS, "--out", out)
    first, second = document["boosts"]
    assert first["ctv_ml"] == pytest.approx(4 / 3 * np.pi * 11**3 / 1000, rel=0.05)
    assert first["ptv_ml"] == pytest.approx(4 / 3 * np.pi * 16**3 / 1000, rel=0.05)
    # L2 lies 10 mm from the edge of its file's voxels; its PTV goes on past them.
    assert second["ptv_ml"] == pytest.approx(4 / 3 * np.pi * 12**3 / 1000, rel=0.1)
    written = {label.name: label.mask.volume_ml for label in read_labels(out)}
    assert list(written) == ["GTV_L1", "CTV_L1", "PTV_L1", "GTV_L2", "CTV_L2", "PTV_L2"]
    assert written["PTV_L1"] == pytest.approx(first["ptv_ml"])
    assert document["status"] == "proposal" and "proposal" in text and document["warnings"] == []


def test_what_organs_take_away_is_told(lesions, tmp_path):
    write_image_file(voxels(GRID, lambda p: p[..., 1] < -6), tmp_path / "rectum.nrrd")
    options = ("--crop", tmp_path / "rectum.nrrd", "--name", "L1", "--out", tmp_path / "o.seg.nrrd")
    document, _ = call(boost, lesions, *MARGINS, *options)
    (row,) = document["boosts"]
    assert row["ptv_cropped_ml"][0]["name"] == "rectum" and row["ptv_cropped_ml"][0]["volume_ml"] > 1
    assert row["gtv_outside_ptv_ml"] > 0.02
    assert "PET contour lie outside" in document["warnings"][0]


def test_bad_input(lesions, tmp_path):
    with pytest.raises(InputError, match="no L9"):
        call(boost, lesions, *MARGINS, "--name", "L9", "--out", tmp_path / "o.seg.nrrd")
    with pytest.raises(OutputError, match=r"\.seg\.nrrd"):
        call(boost, lesions, *MARGINS, "--out", tmp_path / "o.nrrd")
    with pytest.raises(MarginError, match="only grow"):
        call(boost, lesions, "--ctv-mm", *[-1] * 6, "--ptv-mm", *[5] * 6, "--out", tmp_path / "o.seg.nrrd")


def ran(*arguments):
    """The report of psma-planning run; its last argument is the folder."""
    assert main(["run", *map(str, arguments)]) == 0
    return json.loads((arguments[-1] / "report.json").read_text(encoding="utf-8"))


def test_run_names_volumes_and_makes_ptvs_only_with_margins(tmp_path):
    """The two options of run that act on volumes, from the command line to the report."""
    grid = grid_around(50, (4.0, 4.0, 3.0))
    write_image_file(blurred_spheres(grid, [((10, 0, 0), 14, 12)]), tmp_path / "pet.nrrd")
    write_image_file(voxels(grid, ball(24)), tmp_path / "Zielvolumen.nrrd")
    base = ("--pet", tmp_path / "pet.nrrd", "--units", "SUVbw", "--volumes", tmp_path / "Zielvolumen.nrrd")
    (tmp_path / "names.json").write_text(json.dumps({"Zielvolumen": "CTVn"}), encoding="utf-8")
    six = dict.fromkeys(
        ("left_mm", "right_mm", "anterior_mm", "posterior_mm", "superior_mm", "inferior_mm"), 7
    )
    (tmp_path / "margins.json").write_text(json.dumps({"institution": "A", "margins_mm": {"nodes": six}}))
    document = ran(*base, "--out", tmp_path / "plain")
    assert [(v["tg263"], v["asks"]) for v in document["volumes"]] == [(None, True)]
    assert any("Zielvolumen" in warning and "--names" in warning for warning in document["warnings"])
    named = ("--names", tmp_path / "names.json", "--ptv-margins", tmp_path / "margins.json")
    document = ran(*base, *named, "--prescription", "Zielvolumen=50/25", "--out", tmp_path / "named")
    target, planning = document["volumes"]
    assert (target["type"], target["tg263"], target["matched_by"]) == ("CTV", "CTVn", "user")
    assert target["prescription"]["eqd2_gy"][0] == {"alpha_beta_gy": 1.5, "dose_gy": pytest.approx(50.0)}
    assert (planning["type"], planning["tg263"], planning["status"]) == ("PTV", "PTVn", "proposal")
    assert planning["volume_ml"] == pytest.approx(4 / 3 * np.pi * 31**3 / 1000, rel=0.08)
    html = (tmp_path / "named" / "report.html").read_text(encoding="utf-8")
    assert "EQD2" in html and "named by the user" in html and "grown from Zielvolumen by 7/7/7" in html
