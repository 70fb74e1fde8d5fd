"""Projections all around: positions, mirrored halves, the hottest point behind a pixel."""

import numpy as np
import pytest
from PSMAPlanningLib.errors import CancelledError
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.progress import Stage
from PSMAPlanningLib.scene.rotating_mip import ANGLES, MipOutline, outer_points, rotating_mip

from .cases import DIRECTIONS, ball, pet_grid, place

HOT_MM = (40.0, -25.0, 20.0)


def stage():
    return Stage(lambda _fraction, _doing: True)


def hot_spot(direction, radius_mm=8.0):
    grid = pet_grid(DIRECTIONS[direction])
    center = place(grid, HOT_MM)
    body = ball(grid, place(grid, (0, 0, 0)), 70.0).array
    array = np.where(body, 0.5, 0.0)
    array[ball(grid, center, radius_mm).array] = 9.0
    return Image(array.astype(np.float32), grid, Quantity.SUVBW), center


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("angle", [0, 7, 18, 31])
def test_uptake_appears_where_it_is(direction, angle):
    pet, center = hot_spot(direction)
    mip = rotating_mip(pet, stage())
    picture = mip.picture(angle, 9.0)
    dark = np.argwhere(picture.mean(axis=2) < 60)
    # Letters in the upper corners are dark too.
    dark = dark[dark[:, 0] > 30]
    x, y = mip.position_of(center, angle)
    assert dark.mean(axis=0)[::-1] == pytest.approx([x, y], abs=2.5)


@pytest.mark.parametrize("angle", [0, 5, 22])
def test_the_hottest_point_behind_a_pixel(angle):
    pet, center = hot_spot("oblique")
    mip = rotating_mip(pet, stage())
    x, y = mip.position_of(center, angle)
    assert np.linalg.norm(np.array(mip.hottest_at(x, y, angle)) - center) < 9.0


def test_from_the_front_the_patients_right_is_left_and_from_behind_mirrored():
    pet, center = hot_spot("straight")
    mip = rotating_mip(pet, stage())
    width = mip.size[0]
    from_front, from_behind = (mip.position_of(center, angle)[0] for angle in (0, ANGLES // 2))
    assert from_front + from_behind == pytest.approx(width)
    middle_r = mip.axis_ras[0]
    assert (from_front < width / 2) == (center[0] > middle_r)


def test_an_outline_is_drawn_around_the_lesion_in_its_color():
    pet, center = hot_spot("straight")
    mip = rotating_mip(pet, stage())
    mask = ball(pet.grid, center, 8.0)
    plain = mip.picture(3, 9.0).astype(int)
    drawn = mip.picture(3, 9.0, [MipOutline("L1", mask, (1.0, 0.0, 0.0))]).astype(int)
    changed = np.argwhere(np.any(plain != drawn, axis=2))
    x, y = mip.position_of(center, 3)
    assert changed.mean(axis=0)[::-1] == pytest.approx([x, y], abs=2)
    red = (drawn[..., 0] > 200) & (drawn[..., 1] < 60)
    assert red.sum() > 20
    empty = Mask(np.zeros_like(mask.array), mask.grid)
    assert np.array_equal(mip.picture(3, 9.0, [MipOutline("L2", empty, (1, 0, 0))]), plain)


def test_it_can_be_cancelled():
    pet, _ = hot_spot("straight")
    with pytest.raises(CancelledError):
        rotating_mip(pet, Stage(lambda _fraction, _doing: False))


@pytest.mark.parametrize("angle", [0, 4, 13, 29])
def test_the_voxels_at_the_surface_cover_what_all_of_them_do(angle):
    from PSMAPlanningLib.imaging.image import Mask

    pet, center = hot_spot("oblique")
    mip = rotating_mip(pet, stage())
    mask = ball(pet.grid, center, 18.0)
    hollow = Mask(mask.array & ~ball(pet.grid, center, 9.0).array, pet.grid)
    for each in (mask, hollow):
        outer = outer_points(each)
        assert 0 < len(outer) < each.voxels
        assert outer_points(each) is outer
        shadow, left, top = mip._shadow(each, angle)
        x, y = np.floor(mip.position_of(each.points_ras(), angle)).astype(int).T
        assert shadow[y - top, x - left].all()
