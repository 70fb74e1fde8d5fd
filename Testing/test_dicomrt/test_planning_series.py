"""The planning CT as it stands in its files, and CTs that no structure set can be bound to."""

import numpy as np
import pytest
from phantoms import points_of
from PSMAPlanningLib.dicomrt.planning_series import planning_series, referenced_series
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import DicomError, InputError, SeriesChoiceError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.structure_export import write_rtstruct
from test_dicomrt.ct_on_disk import axial_grid, ct_datasets, likeness, save, structure

POSITIONS = [(-20.0, -22.0, -15.0 + 3.0 * k) for k in range(12)]


def egg(grid):
    middle = grid.corners_ras().mean(axis=0)
    return Mask(np.linalg.norm((points_of(grid) - middle) / [9, 6, 12], axis=-1) < 1, grid)


def round_trip(grid, folder, **changes):
    series = planning_series(save(ct_datasets(grid, **changes), folder / "ct"))
    mask = egg(series.grid)
    write_rtstruct([structure("CTV", mask, "CTV")], series, folder / "rs.dcm")
    return likeness(read_rtstruct(folder / "rs.dcm").rois[0], mask, series.grid.spacing_mm[2])


@pytest.mark.parametrize(
    ("spacing", "direction"),
    [
        ((1.0, 1.0, 3.0), np.eye(3)),
        ((0.7, 1.3, 2.5), np.eye(3)),
        ((1.0, 1.0, 3.0), np.diag([-1.0, -1.0, 1.0])),
        ((1.0, 1.0, 3.0), np.diag([1.0, -1.0, -1.0])),
        ((1.2, 0.9, 2.0), np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])),
        ((1.0, 1.1, 2.0), np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])),
    ],
    ids=["plain", "not square", "feet to head", "prone, top down", "turned", "sagittal"],
)
def test_contours_lie_where_the_voxels_are(tmp_path, spacing, direction):
    grid = VoxelGrid.from_lps((14, 40, 36), spacing, (-20.0, -22.0, -15.0), direction)
    dice, change = round_trip(grid, tmp_path)
    assert dice >= 0.999 and abs(change) < 0.001


def test_files_in_any_order_are_the_same(tmp_path):
    datasets = ct_datasets(axial_grid())
    series = planning_series(save(datasets[::-1], tmp_path / "ct"))
    assert [each.position_lps[2] for each in series.slices] == [p[2] for p in POSITIONS]
    assert series.slices[0].sop_instance_uid == datasets[0].SOPInstanceUID


def test_slightly_uneven_slices_keep_their_own_heights(tmp_path):
    """As in STS_001: gaps of 3.19, 3.27 and 3.29 mm; each contour lies on its slice all the same."""
    heights = np.cumsum([0.0, 3.27, 3.19, 3.27, 3.29, 3.27, 3.27, 3.19, 3.27, 3.29, 3.27, 3.27])
    datasets = ct_datasets(axial_grid(), positions=[(-20.0, -22.0, z) for z in heights])
    series = planning_series(save(datasets, tmp_path / "ct"))
    write_rtstruct([structure("CTV", egg(series.grid), "CTV")], series, tmp_path / "rs.dcm")
    drawn = {round(float(c[0, 2]), 3) for c in read_rtstruct(tmp_path / "rs.dcm").rois[0].contours}
    assert drawn <= {round(float(z), 3) for z in heights} and len(drawn) > 5


@pytest.mark.parametrize(
    ("positions", "word"),
    [
        (POSITIONS[:5] + POSITIONS[6:], "missing between"),
        ([(x, y + 0.3 * k, z) for k, (x, y, z) in enumerate(POSITIONS)], "gantry tilt"),
        ([(x, y, z + (1.0 if k == 5 else 0.0)) for k, (x, y, z) in enumerate(POSITIONS)], "slice gap"),
        ([*POSITIONS[:-1], POSITIONS[-2]], "same position"),
    ],
    ids=["slice missing", "gantry tilt", "irregular spacing", "doubled"],
)
def test_series_that_is_no_volume_is_refused_in_one_sentence(tmp_path, positions, word):
    grid = axial_grid((len(positions), 40, 44))
    folder = save(ct_datasets(grid, positions=positions), tmp_path / "ct")
    with pytest.raises(DicomError, match=word):
        planning_series(folder)


@pytest.mark.parametrize("keyword", ["FrameOfReferenceUID", "StudyInstanceUID"])
def test_ct_without_an_identifier_is_refused(tmp_path, keyword):
    with pytest.raises(DicomError, match=keyword):
        planning_series(save(ct_datasets(axial_grid(), **{keyword: ""}), tmp_path / "ct"))


def test_slices_of_one_identifier_are_refused(tmp_path):
    datasets = ct_datasets(axial_grid())
    datasets[3].SOPInstanceUID = datasets[2].SOPInstanceUID
    with pytest.raises(DicomError, match="same SOP instance UID"):
        planning_series(save(datasets, tmp_path / "ct"))


def test_two_cts_must_be_chosen_from(tmp_path):
    for name in "ab":
        save(ct_datasets(axial_grid()), tmp_path / name)
    with pytest.raises(SeriesChoiceError, match="--ct-series"):
        planning_series(tmp_path)
    first = ct_datasets(axial_grid())
    save(first, tmp_path / "c")
    assert planning_series(tmp_path, first[0].SeriesInstanceUID).series_uid == first[0].SeriesInstanceUID
    assert (
        referenced_series(tmp_path, first[0].SeriesInstanceUID, None).series_uid == first[0].SeriesInstanceUID
    )
    with pytest.raises(SeriesChoiceError, match="--ct-series"):
        referenced_series(tmp_path, "1.2.3", None)


def test_folder_without_ct_is_said(tmp_path):
    save(ct_datasets(axial_grid(), Modality="MR"), tmp_path / "mr")
    with pytest.raises(InputError, match="no CT series"):
        planning_series(tmp_path)
