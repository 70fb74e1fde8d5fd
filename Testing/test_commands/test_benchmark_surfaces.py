"""The benchmark's surfaces row: the work the issue names, and that ours is no worse; no seconds."""

import numpy as np
import pytest
from PSMAPlanningLib.commands.benchmark_surfaces import GRID, WORKS, balls, quality_of
from PSMAPlanningLib.scene.slicer_conversion import default_surfaces, one_layer
from PSMAPlanningLib.scene.surfaces import enclosed_volume_ml, smooth_surface


def test_work_is_that_of_the_issue():
    assert [(work.name, work.target) for work in WORKS] == [("surfaces", 15)]
    lesions = balls()
    assert len(lesions) == 60
    for ball in lesions:
        assert ball.mask.volume_ml == pytest.approx(ball.volume_ml, rel=0.25)
        assert np.linalg.norm(np.array(ball.mask.centroid_ras()) - ball.center_ras) < 1


def test_ours_is_no_worse_in_volume_and_distance(headless):
    lesions = balls(6)
    theirs = default_surfaces(one_layer([ball.mask for ball in lesions], GRID))
    # Slicer's conversion took each lesion for what it is.
    for surface, ball in zip(theirs, lesions, strict=True):
        assert np.linalg.norm(np.array(surface.GetCenter()) - ball.center_ras) < 1.5
        assert 0 < enclosed_volume_ml(surface) < ball.volume_ml
    mine = quality_of([smooth_surface(ball.mask) for ball in lesions], lesions)
    peer = quality_of(theirs, lesions)
    assert all(mine[name] <= peer[name] for name in ("volume error %", "Hausdorff mm"))
