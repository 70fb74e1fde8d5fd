"""Single rules of the nodal CTV on shapes whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import points_of
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.landmarks_ends import head_of
from PSMAPlanningLib.rtvolumes.landmarks_finding import find_landmarks
from PSMAPlanningLib.rtvolumes.nodal_anatomy import anatomy_of
from PSMAPlanningLib.rtvolumes.nodal_extensions import anterolateral
from PSMAPlanningLib.rtvolumes.nodal_inferred import discs
from PSMAPlanningLib.rtvolumes.nodal_space import make_space
from PSMAPlanningLib.rtvolumes.nodal_strips import Side

SHIFT = st.floats(-1.5, 1.5)


def drawn(grid, inside):
    """A mask of the voxels whose middle lies inside; inside takes R, A and S."""
    return Mask(inside(*np.moveaxis(points_of(grid), -1, 0)), grid)


@settings(max_examples=25, deadline=None)
@given(SHIFT, st.floats(22.0, 28.0))
def test_the_top_of_a_femoral_head_lies_between_slices(shift_mm, radius_mm):
    """A head on a neck and a shaft, slices 3 mm apart: half a slice off would be 1.5 mm."""
    grid = VoxelGrid((50, 80, 110), (1.0, 1.0, 3.0), (-130.0, -40.0, -110.0))

    def femur(right, anterior, superior):
        head = (right + 60) ** 2 + anterior**2 + (superior - shift_mm) ** 2 <= radius_mm**2
        trochanter = (np.abs(right + 110) < 14) & (np.abs(anterior) < 16) & (superior < shift_mm + 4)
        neck = (right < -60) & (right > -110) & (np.abs(anterior) < 12) & (np.abs(superior + right / 5) < 12)
        return head | trochanter | (neck & (superior < shift_mm))

    head = head_of(anatomy_of({"femur_left": drawn(grid, femur)}), "left")
    assert head.top_ras[2] == pytest.approx(shift_mm + radius_mm, abs=0.4)


def test_the_fork_is_below_the_last_slice_with_one_aorta():
    grid = VoxelGrid((20, 60, 60), (1.0, 1.0, 4.0), (-30.0, -30.0, 0.0))

    def aorta(right, anterior, superior):
        whole = (right**2 + anterior**2 < 100) & (superior >= 40)
        legs = ((np.abs(right) - 12) ** 2 + anterior**2 < 36) & (superior < 40)
        return whole | legs

    found = find_landmarks(anatomy_of({"aorta": drawn(grid, aorta)}))["aortic_bifurcation"]
    assert found.reason == "last_slice_with_one_aorta"
    assert found.superior_mm == pytest.approx(38.0)


def test_the_disc_on_a_receding_sacrum_is_no_room_for_the_volume():
    """L5 stands 12 mm further forward than S1, so that nothing lies straight below the disc's front."""
    grid = VoxelGrid((80, 70, 70), (1.0, 1.0, 1.0), (-35.0, -35.0, -40.0))
    fifth = drawn(grid, lambda r, a, s: (np.abs(r) < 22) & (a > -5) & (a < 29) & (s > 10) & (s < 38))
    sacrum = drawn(grid, lambda r, a, s: (np.abs(r) < 22) & (a > -17) & (a < 17) & (s > -32) & (s < 0))
    anatomy = anatomy_of({"vertebrae_L5": fifth, "sacrum": sacrum})
    space = make_space(grid, (-34, -34, -39), (34, 34, 39))
    gaps = discs(anatomy, space.exact([fifth, sacrum]), space)

    def is_gap(right, anterior, superior):
        index = [int(np.argmin(np.abs(space.axis(2 - n) - x))) for n, x in
                 enumerate((right, anterior, superior))]  # fmt: skip
        return bool(gaps[tuple(index[::-1])])

    assert is_gap(0, 10, 5)
    assert is_gap(0, 18, 8)
    assert not is_gap(0, 28, 0)
    assert not is_gap(0, 25, -20)


def test_anterolateral_is_a_distance_and_goes_outwards():
    """Ten millimetres along the diagonal, not ten forwards and ten sideways."""
    grid = VoxelGrid((12, 90, 120), (1.0, 1.0, 1.0), (-60.0, -45.0, 0.0))
    artery = {"left": (-30.0, 4.0), "right": (30.0, 4.0)}
    space = make_space(grid, (-59, -44, 0), (59, 44, 11))
    turned = {side: Side.of(space, side, 0.0) for side in artery}
    lumens = {
        side: space.exact(
            [drawn(grid, lambda r, a, s, at=r0, radius=radius: (r - at) ** 2 + a**2 <= radius**2)]
        )
        for side, (r0, radius) in artery.items()
    }
    material = SimpleNamespace(sides=turned, space=space, external_artery=lumens)
    for side, (middle_r, radius) in artery.items():
        grown = anterolateral(material, side, 7.0, 10.0)
        _, j, i = np.nonzero(grown)
        outwards = np.sign(middle_r) * (space.axis(2)[i] - middle_r)
        diagonal = (outwards + space.axis(1)[j]) / np.sqrt(2)
        assert diagonal.max() == pytest.approx(radius + 7 + 10, abs=0.8)
        assert diagonal.min() == pytest.approx(-(radius + 7), abs=0.8)
        assert not grown[lumens["left" if side == "right" else "right"]].any()
