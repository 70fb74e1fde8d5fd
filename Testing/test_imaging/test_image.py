"""Images and masks: read-only arrays, volumes, centroids, crops."""

import numpy as np
import pytest
from PSMAPlanningLib.errors import GridError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity

GRID = VoxelGrid((5, 6, 7), (2.0, 2.0, 3.0), (1, 2, 3))


def test_arrays_cannot_be_written_to():
    source = np.zeros(GRID.shape_kji, dtype=np.float32)
    image = Image(source, GRID, Quantity.SUVBW)
    with pytest.raises(ValueError, match="read-only"):
        image.array[0, 0, 0] = 1
    source[0, 0, 0] = 1  # the caller's own array stays the caller's


def test_shape_must_fit():
    with pytest.raises(GridError, match="does not fit"):
        Mask(np.zeros((5, 6, 8), dtype=bool), GRID)


def test_volume_and_centroid():
    array = np.zeros(GRID.shape_kji, dtype=bool)
    array[1, 2, 3] = array[1, 2, 5] = True
    mask = Mask(array, GRID)
    assert mask.voxels == 2
    assert mask.volume_ml == pytest.approx(0.024)
    assert mask.centroid_ras() == pytest.approx((1 + 8, 2 + 4, 3 + 3))
    small = mask.cropped()
    assert small.grid.shape_kji == (1, 1, 3)
    assert small.centroid_ras() == pytest.approx(mask.centroid_ras())


def test_empty_mask():
    mask = Mask(np.zeros(GRID.shape_kji, dtype=bool), GRID)
    assert mask.is_empty
    assert mask.cropped() is mask
    with pytest.raises(GridError, match="no centroid"):
        mask.centroid_ras()


def test_any_number_is_a_mask():
    assert Mask(np.full(GRID.shape_kji, 7, dtype=np.int16), GRID).voxels == 5 * 6 * 7
