"""CT numbers on the tiles of a body frame, to tell urine from tissue."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Image
from .body_frame import BodyFrame

_SMALLEST_COVER = 0.9


def ct_on_tiles(frame: BodyFrame, ct: Image) -> np.ndarray | None:
    """HU averaged over about a tile at the tiles' centres, (S, A, R); None unless nine tenths of the body lie
    in the CT. The CT must be in the PET's frame of reference."""
    coarse = frame.coarse
    indices = np.argwhere(frame.body)
    kji = ct.grid.kji_of(coarse.positions(indices))
    last = np.array(ct.grid.shape_kji) - 1
    inside = np.all((kji > -0.5) & (kji < last + 0.5), axis=1)
    if np.mean(inside) < _SMALLEST_COVER:
        return None
    # Mean of a 3 x 3 x 3 pattern across the tile: noise of a low-dose CT falls to a fifth.
    offsets = np.stack(np.meshgrid(*([(-1 / 3, 0.0, 1 / 3)] * 3), indexing="ij"), axis=-1).reshape(-1, 3)
    # Both grids are lattices: an offset is the same number of CT voxels at every tile.
    middle, *places = ct.grid.kji_of(coarse.positions(np.array([(0.0, 0.0, 0.0), *offsets])))
    total = np.zeros(len(indices), dtype=np.float32)
    for place in places:
        nearest = np.clip(np.rint(kji + (place - middle)), 0, last).astype(np.intp)
        total += ct.array[tuple(nearest.T)]
    hu = np.full(coarse.suv.shape, -1000.0, dtype=np.float32)
    hu[tuple(indices.T)] = total / len(offsets)
    return hu
