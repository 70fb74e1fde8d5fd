"""The body frame and the uptake blobs on blocks whose geometry is known; oblique and turned images."""

import numpy as np
import pytest
from PSMAPlanningLib.delineation.body_frame import body_frame, coarse_pet
from PSMAPlanningLib.delineation.uptake_blobs import blobs, grown, largest_part, opened, smoothed
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from scipy import ndimage
from test_delineation.body_models import STANDING, body_pet, turned


def test_frame_of_a_body_of_blocks():
    frame = body_frame(body_pet())
    assert frame.soft_suv == pytest.approx(0.5, abs=0.02)
    assert frame.half_width_mm == pytest.approx(STANDING.half_width_mm, abs=5)
    assert frame.midline_mm == pytest.approx(np.full(len(frame.midline_mm), STANDING.midline_mm), abs=4)
    assert frame.crotch_mm == pytest.approx(STANDING.crotch_mm, abs=6)
    assert frame.height_mm == pytest.approx(STANDING.height_mm, abs=12)
    right_mm, depth = frame.place(np.array([STANDING.midline_mm + 40, STANDING.front_mm, 300.0]))
    assert right_mm == pytest.approx(40, abs=4)
    assert depth == pytest.approx(1, abs=0.05)


def test_no_crotch_where_the_scan_ends_above_it():
    assert body_frame(body_pet(lowest_mm=STANDING.crotch_mm + 40)).crotch_mm is None


def test_axes_of_the_image_do_not_matter():
    pet = body_pet(organs=[((60, -40, 350), 40, 8)])
    for other in (turned(pet, (2, 1, 0)), turned(pet, (1, 0, 2)), turned(pet, (0, 2, 1))):
        first, second = body_frame(pet), body_frame(other)
        assert second.crotch_mm == pytest.approx(first.crotch_mm, abs=1)
        assert second.soft_suv == pytest.approx(first.soft_suv)
        hot = [frame.coarse.on_pet(frame.coarse.suv > 4) for frame in (first, second)]
        assert hot[1].centroid_ras() == pytest.approx(hot[0].centroid_ras(), abs=0.1)
        assert hot[1].voxels == hot[0].voxels


def test_tiles_hold_whole_voxels():
    pet = body_pet(organs=[((60, -40, 350), 40, 8)], spacing_mm=(2.0, 2.0, 2.0))
    coarse = coarse_pet(pet)
    assert coarse.spacing_mm == pytest.approx((4, 4, 4))
    assert coarse.suv.mean() == pytest.approx(pet.array.mean(), rel=0.02)
    mask = coarse.on_pet(coarse.suv > 4)
    assert mask.centroid_ras() == pytest.approx((60, -40, 350), abs=2)
    assert mask.volume_ml == pytest.approx(np.pi / 6 * 40**3 / 1000, rel=0.15)


def test_no_frame_without_a_body():
    grid = VoxelGrid((30, 30, 30), (4, 4, 4))
    for array in (np.zeros((30, 30, 30)), np.full((30, 30, 30), np.nan), np.ones((30, 30, 30))):
        assert body_frame(Image(array.astype(np.float32), grid, Quantity.SUVBW)) is None
    angle = np.radians(40)
    direction = ((np.cos(angle), 0, np.sin(angle)), (0, 1, 0), (-np.sin(angle), 0, np.cos(angle)))
    oblique = VoxelGrid((30, 30, 30), (4, 4, 4), (0, 0, 0), direction)
    assert body_frame(Image(np.ones((30, 30, 30), dtype=np.float32), oblique, Quantity.SUVBW)) is None


def test_blobs_know_size_and_place():
    frame = body_frame(body_pet(organs=[((60, -40, 350), 60, 8)]))
    found = [b for b in blobs(frame, smoothed(frame), 3.0) if 0.4 < b.level_share < 0.6]
    assert found
    for blob in found:
        assert blob.centre_ras == pytest.approx((60, -40, 350), abs=2)
        assert blob.volume_ml == pytest.approx(np.pi / 6 * 60**3 / 1000, rel=0.15)
        assert blob.extent_mm == pytest.approx((60, 60, 60), abs=9)


def test_opening_takes_bumps_off_and_keeps_the_body():
    k, j, i = np.indices((40, 40, 40))
    ball = (k - 20) ** 2 + (j - 20) ** 2 + (i - 20) ** 2 <= 12**2
    bump = (k - 20) ** 2 + (j - 20) ** 2 + (i - 34) ** 2 <= 4**2
    spacing = (1.0, 1.0, 1.0)
    result = opened(ball | bump, spacing, 6.0)
    assert not (result & bump & ~ball & (i > 34)).any()
    assert np.count_nonzero(result & ball) > 0.95 * np.count_nonzero(ball)
    assert largest_part(ball | (bump & (i > 36))).sum() == ball.sum()
    near = ndimage.distance_transform_edt(~ball) <= 2.0
    assert np.array_equal(grown(ball, spacing, 2.0), near)
    assert near.sum() > ball.sum()
