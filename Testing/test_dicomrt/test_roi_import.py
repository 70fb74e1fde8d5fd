"""Structures that are odd or broken: each says so, the rest is imported."""

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.contour_faults import crosses_itself, faults_of
from PSMAPlanningLib.dicomrt.roi_import import import_rois
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi, StructureSet, read_rtstruct
from PSMAPlanningLib.errors import InputError
from PSMAPlanningLib.imaging.grid import VoxelGrid

GRID = VoxelGrid((10, 40, 50), (1.0, 1.0, 3.0), (-24.5, -19.5, 0.0))


def square(z, size=5.0, x=0.0):
    s = size
    return np.array([[x - s, -s, z], [x + s, -s, z], [x + s, s, z], [x - s, s, z]])


BOW_TIE = np.array([[-5.0, -5, 3], [5, 5, 3], [5, -5, 3], [-5, 5, 3]])
KEYHOLE = np.vstack([square(3.0, 9), square(3.0, 9)[:1], square(3.0, 4)[[0, 3, 2, 1, 0]], square(3.0, 9)[:1]])
BENT = square(3.0) + np.array([[0, 0, 0], [0, 0, 0], [0, 0, 9], [0, 0, 0]])


def imported(*rois, frame=None, **options):
    return import_rois(StructureSet(frame, None, rois), GRID, **options)


def test_each_structure_has_its_own_status():
    found = imported(
        Roi(1, "Bladder", contours=(square(3.0), square(6.0))),
        Roi(2, "Nothing"),
        Roi(3, "Points", dropped_contours=4),
        Roi(4, "Damaged", damaged_contours=2),
        Roi(5, "Far", contours=(square(300.0),)),
        Roi(6, "Bent", contours=(BENT,)),
        Roi(7, "Speck", contours=(square(3.0, 0.2),)),
    )
    assert [each.status for each in found] == [
        *("ok", "empty", "points_only", "damaged", "unusable", "unusable", "no_voxel")
    ]
    assert found[0].volume_ml == pytest.approx(0.6) and found[0].match.tg263 == "Bladder"
    assert all(each.mask is None and each.volume_ml is None for each in found[1:])
    assert "outside the image" in found[4].problem and "not planar" in found[5].problem


def test_faults_are_counted_and_imported():
    found = imported(
        Roi(1, "A", contours=(BOW_TIE, square(6.0)), dropped_contours=2, damaged_contours=1),
        Roi(2, "A", contours=(square(4.2),)),
        Roi(3, "A name that is much too long", contours=(square(3.0),)),
    )
    assert all(each.status == "ok" for each in found)
    assert found[0].faults == {
        "contours_left_out": 2,
        "contours_damaged": 1,
        "self_crossing": 1,
        "duplicate_name": 1,
    }
    assert found[1].faults == {"off_slices": 1, "duplicate_name": 1}
    assert found[2].faults == {"long_name": 1}


def test_keyholes_do_not_cross_themselves():
    assert crosses_itself(BOW_TIE)
    assert not crosses_itself(KEYHOLE)
    assert not crosses_itself(square(0.0))
    tilted = BOW_TIE @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert crosses_itself(tilted)


def test_oblique_contours_are_not_off_slices():
    turned = square(0.0)[:, [2, 0, 1]]
    assert "off_slices" not in faults_of(Roi(1, "x", contours=(turned,)), GRID)


def test_another_frame_of_reference_is_not_placed():
    rois = (
        Roi(1, "here", contours=(square(3.0),), frame_of_reference_uid="1.2"),
        Roi(2, "there", contours=(square(3.0),), frame_of_reference_uid="1.3"),
        Roi(3, "silent", contours=(square(3.0),)),
    )
    found = imported(*rois, frame_of_reference_uid="1.2")
    assert [each.status for each in found] == ["ok", "other_frame_of_reference", "ok"]


def test_names_can_be_changed():
    (found,) = imported(Roi(1, "CTV 45", contours=(square(3.0),)), overrides={"CTV 45": "CTVn_4500"})
    assert (found.match.tg263, found.match.matched_by) == ("CTVn_4500", "user")
    with pytest.raises(InputError, match="'PTV'"):
        imported(Roi(1, "CTV", contours=(square(3.0),)), overrides={"PTV": "PTVn"})


def test_eclipse_ten_of_sixteen_are_empty(shared_data):
    folder = shared_data("slicerrt_eclipse_prostate")
    grid = VoxelGrid(
        (92, 256, 256), (1.953124, 1.953124, 2.5), (250, 250, -122.5), ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
    )
    found = import_rois(read_rtstruct(folder / "RS_eclipse_prostate_phantom.dcm"), grid)
    assert [each.status for each in found].count("empty") == 10
    names = {each.roi.name: each.match.tg263 for each in found if each.status == "ok"}
    assert names["Femoral Head Lt"] == "Femur_Head_L" and names["BODY"] == "External"
