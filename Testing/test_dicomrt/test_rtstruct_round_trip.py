"""Every structure of the phantom, the pelvis CT and the STS patients out as RTSTRUCT and in again."""

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.export_plan import ExportOptions
from PSMAPlanningLib.dicomrt.planning_series import planning_series
from PSMAPlanningLib.dicomrt.rasterise import rasterise
from PSMAPlanningLib.dicomrt.rtstruct_export import exported_occupancy, prepare_export
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.dicomrt.slab_shares import VOLUME, slab_shares
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image_file import grid_of, read_sitk
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom, write_dicom
from PSMAPlanningLib.structure_export import write_export
from test_dicomrt.ct_on_disk import ct_datasets, likeness, save, structure

SMALL_ML = 0.3


def out_and_in(structures, series, folder):
    """Dice, relative change, volume by name, of masks on the CT's voxels."""
    export = prepare_export(structures, series)
    assert export.errors == ()
    write_export(export, folder / "rs.dcm")
    found = {}
    for roi, planned in zip(read_rtstruct(folder / "rs.dcm").rois, export.rois, strict=True):
        mask = planned.structure.shape
        seen = planned.exported_ml / mask.volume_ml - 1.0
        dice, change = likeness(roi, mask, float(series.slab_thickness_mm[0]))
        found[planned.structure.name] = (dice, change, seen, mask.volume_ml)
    return found


def assert_kept(found):
    assert found
    for name, (dice, change, seen, volume_ml) in found.items():
        if volume_ml >= SMALL_ML:
            assert dice >= 0.98 and abs(change) <= 0.02 and abs(seen) <= 0.02, name


@pytest.mark.slow
def test_phantom(tmp_path):
    phantom = make_phantom(PhantomParameters(seed=2, variant="small"))
    write_dicom(phantom, tmp_path)
    series = planning_series(tmp_path / "CT")
    masks = {name: phantom.structure(name) for name in phantom.structure_names}
    masks |= phantom.volumes
    masks |= {each.name: phantom.lesion_mask(each.name) for each in phantom.lesions}
    structures = [structure(n, m, "ORGAN") for n, m in masks.items() if not m.is_empty]
    assert_kept(out_and_in(structures, series, tmp_path))


@pytest.mark.slow
def test_phantom_lesions_on_fine_voxels(tmp_path):
    """As the consensus makes them: 1 mm voxels between the CT's, slices of 4 mm."""
    phantom = make_phantom(PhantomParameters(seed=2, variant="small"))
    write_dicom(phantom, tmp_path)
    series = planning_series(tmp_path / "CT")
    structures = []
    for each in phantom.lesions:
        corner = np.array(each.centre_ras) - each.diameter_mm / 2 - 1.3
        size = int(each.diameter_mm + 4)
        grid = VoxelGrid((size,) * 3, (1.0, 1.0, 1.0), tuple(corner))
        structures.append(structure(each.name, phantom.lesion_mask(each.name, grid)))
    export = prepare_export(structures, series, ExportOptions(slices=VOLUME))
    assert export.errors == ()
    for planned in export.rois:
        truth = planned.structure.shape
        allowed = 0.02 if truth.volume_ml >= SMALL_ML else 0.05
        assert planned.exported_ml == pytest.approx(truth.volume_ml, rel=allowed), planned.name
        # What each slice's slab holds, against what its contours stand for.
        held = slab_shares(truth, series, VOLUME)
        expected = np.zeros(len(series.slices))
        expected[held.first_slice : held.first_slice + len(held.share)] = held.share.sum(axis=(1, 2))
        field = exported_occupancy(planned, series)
        assert field.volume_ml == pytest.approx(planned.exported_ml, rel=0.02)
        filled = field.fraction.sum(axis=(1, 2), dtype=float)
        np.testing.assert_allclose(filled / filled.sum(), expected / expected.sum(), atol=0.02)


def test_pelvis_ct(shared_data, tmp_path):
    folder = shared_data("pelvis_ct_totalsegmentator")
    labels = [path for path in sorted(folder.rglob("*.nii.gz")) if "ct" not in path.name.lower()]
    assert labels
    grid = None
    structures = []
    for path in labels:
        for label in read_labels(path):
            if label.mask.is_empty:
                continue
            grid = grid or label.mask.grid
            structures.append(structure(label.name, label.mask, "ORGAN"))
    series = planning_series(save(ct_datasets(right_handed(grid)), tmp_path / "ct"))
    assert_kept(out_and_in(structures, series, tmp_path))


def right_handed(grid):
    """The same voxels as DICOM has them: K along the normal of rows and columns."""
    direction = np.array(grid.direction_ras)
    if np.linalg.det(direction) > 0:
        return grid
    last = grid.position_of((grid.shape_kji[0] - 1, 0, 0))
    return VoxelGrid(grid.shape_kji, grid.spacing_mm, last, tuple(map(tuple, direction * [1, 1, -1])))


@pytest.mark.parametrize("patient", ["STS_002", "STS_003", "STS_019"])
def test_sts_patients(shared_data, tmp_path, patient):
    folder = shared_data("ibsi_sts_petct") / patient
    grid = grid_of(read_sitk(folder / "CT_image.nii.gz"))
    series = planning_series(save(ct_datasets(right_handed(grid)), tmp_path / "ct"))
    (label,) = read_labels(folder / "CT_mask.nii.gz")
    assert_kept(out_and_in([structure("GTV", label.mask)], series, tmp_path))


@pytest.mark.parametrize("patient", ["STS_002", "STS_003", "STS_019"])
def test_sts_contours_drawn_on_pet_voxels_keep_their_volume_on_ct_slices(shared_data, tmp_path, patient):
    folder = shared_data("ibsi_sts_petct") / patient
    grid = grid_of(read_sitk(folder / "CT_image.nii.gz"))
    series = planning_series(save(ct_datasets(right_handed(grid)), tmp_path / "ct"))
    (label,) = read_labels(folder / "PET_mask.nii.gz")
    export = prepare_export([structure("GTV", label.mask)], series)
    assert export.errors == ()
    assert export.rois[0].exported_ml == pytest.approx(label.mask.volume_ml, rel=0.02)
    write_export(export, tmp_path / "rs.dcm")
    back = rasterise(read_rtstruct(tmp_path / "rs.dcm").rois[0], label.mask.grid)
    common = np.count_nonzero(back.array & label.mask.array)
    assert 2 * common / (back.voxels + label.mask.voxels) >= 0.98


@pytest.mark.slow
def test_sts_001_from_its_structure_set(shared_data, tmp_path):
    """Drawn in MIM on PET slices with uneven gaps: out again on the same slices."""
    folder = shared_data("sts001_ge_wholebody_pet")
    series = planning_series(folder, modality="PT")
    structures = []
    for roi in read_rtstruct(folder / "rtstruct" / "RS.dcm").rois:
        structures.append(structure(roi.name, rasterise(roi, series.grid)))
    assert_kept(out_and_in(structures, series, tmp_path))
