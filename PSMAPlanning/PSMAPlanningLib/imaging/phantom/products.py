"""Matrix products in pieces.

The BLAS behind numpy splits larger products between threads of its own, which wait by spinning.
Beside the phantom's helpers that takes twice the time of no threads at all, and a library must not change the
setting for its whole process. Products of the size below stay in the calling thread.
"""

from __future__ import annotations

import numpy as np

_LARGEST = 4 * 65536  # OpenBLAS: up to this many multiplications one thread


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left @ right for matrices, or for stacks of them."""
    rows = max(1, _LARGEST // (left.shape[-1] * right.shape[-1]))
    if rows >= left.shape[-2]:
        return left @ right
    parts = [left[..., first : first + rows, :] @ right for first in range(0, left.shape[-2], rows)]
    return np.concatenate(parts, axis=-2)


def bands(matrix: np.ndarray, height: int) -> list[tuple[slice, slice, np.ndarray]]:
    """A banded matrix in blocks without most of its zeros: rows, columns and weights of each."""
    blocks = []
    for first in range(0, len(matrix), height):
        rows = matrix[first : first + height]
        used = np.flatnonzero(rows.any(axis=0))
        near = slice(int(used[0]), int(used[-1]) + 1)
        blocks.append((slice(first, first + len(rows)), near, np.ascontiguousarray(rows[:, near])))
    return blocks
