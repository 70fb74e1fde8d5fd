"""The lesion x volume table before and after a scene is saved and loaded: the same numbers."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from PSMAPlanningLib.scene.owned_nodes import OwnedNodes
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.restore import restore_case
from PSMAPlanningLib.scene.save import load_scene, save_scene
from PSMAPlanningLib.settings import CoverageSettings

from .cases import DIRECTIONS, coverage_of, small_state

EXACT_MM, OF_MANY_MM, FRACTION = 0.005, 0.05, 0.002
"""A scene file rounds positions in their last digits; nothing that is told of one point may turn on that.

Of the many points behind means and percentiles a few may go by the other of two parts of the surface.
"""
OF_MANY = ("mean_mm", "percentile_95_mm", "margin_95_mm")


def table(state):
    """Every number of every lesion and volume, by lesion, volume and name; computed anew."""
    cache, numbers = CoverageCache(), {}
    for lesion in state.lesions:
        for volume in state.volumes:
            result = cache.of(lesion.contour.mask, lesion.region.peak_ras, volume.filled, CoverageSettings())
            row = {
                "fraction": result.fraction,
                "low": result.fraction_bounds[0],
                "high": result.fraction_bounds[1],
                "centroid_mm": result.centroid_distance_mm,
                "peak_mm": result.peak_distance_mm,
                "margin_95_mm": result.margin_to_95_mm,
                "margin_100_mm": result.margin_to_100_mm,
                "direction": result.direction,
            }
            for each in fields(result.surface_distance_mm):
                row[f"{each.name}_mm"] = getattr(result.surface_distance_mm, each.name)
            numbers.update({(lesion.id, volume.name, name): value for name, value in row.items()})
    return numbers


def assert_same(after, before):
    assert after.keys() == before.keys()
    for key, value in before.items():
        if isinstance(value, str):
            assert after[key] == value, key
        else:
            of_distance = OF_MANY_MM if key[-1] in OF_MANY else EXACT_MM
            tolerance = of_distance if key[-1].endswith("_mm") else FRACTION
            assert after[key] == pytest.approx(value, abs=tolerance), key


def with_contours(state):
    """The bladder by shares of its voxels, as contours give them."""
    target, bladder = state.volumes
    padded = bladder.mask.array.astype(np.float32)
    shares = sum(np.roll(padded, n, axis=axis) for axis in range(3) for n in (-1, 1)) / 6
    return replace(
        state, volumes=(target, replace(bladder, occupancy=OccupancyField(shares, bladder.mask.grid)))
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_saved_and_loaded_the_table_is_the_same(headless, tmp_path, direction):
    state = with_contours(small_state(DIRECTIONS[direction]))
    before = table(state)
    SceneProjection(headless.scene).update(None, state, coverage_of(state))
    path = tmp_path / "case.mrb"
    save_scene(headless.scene, path)
    load_scene(headless.scene, path)
    restored = restore_case(OwnedNodes(headless.scene))
    assert restored.notes == ()
    assert_same(table(restored.state), before)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_rounding_of_positions_turns_nothing_over(direction):
    """Volumes moved by the last digit and cut out of their grid otherwise, as files bring them back."""
    state = small_state(DIRECTIONS[direction])
    random = np.random.default_rng(8)

    def stored(volume):
        cropped = volume.mask.cropped(3)
        nudged = tuple(
            x + 1e-13 * n for x, n in zip(cropped.grid.origin_ras, random.normal(size=3), strict=True)
        )
        return replace(volume, mask=Mask(cropped.array, replace(cropped.grid, origin_ras=nudged)))

    before = table(state)
    for _ in range(5):
        again = replace(state, volumes=tuple(stored(volume) for volume in state.volumes))
        assert_same(table(again), before)
