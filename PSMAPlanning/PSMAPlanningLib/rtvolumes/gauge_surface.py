"""How much of each node's cell lies within the margin, from the squared distance in margins."""

from __future__ import annotations

import numpy as np

from .gauge import SMALLEST_MARGIN_MM, Sides


def fraction_within(
    squared: np.ndarray, spacing_kji_mm: tuple[float, float, float], sides_kji: tuple[Sides, Sides, Sides]
) -> np.ndarray:
    """Share, (K, J, I) float32, of the cell around each node where the squared distance is at most 1.

    On a grid line the squared distance is a parabola in the offset from the structure's end plus the part
    across the line, so its values at the two nodes around the surface give the place of the surface exactly.
    The places on the three lines through a node are the intercepts of the plane that cuts its cell.
    """
    inside = squared <= 1
    inverse_squares = np.zeros(squared.shape, dtype=np.float32)
    widths = np.zeros(squared.shape, dtype=np.float32)
    for axis, (step_mm, sides) in enumerate(zip(spacing_kji_mm, sides_kji, strict=True)):
        distance = _distance_along(squared, inside, axis, step_mm, sides)
        inverse = np.square(1 / distance)
        inverse_squares += inverse
        widths += inverse * np.float32(step_mm**2)
    cut = inverse_squares > 0
    # Distance to the plane over the cell's width along its normal (a box seen as a slab of its variance).
    ratio = np.divide(1.0, np.sqrt(widths), out=np.full(squared.shape, np.inf, np.float32), where=cut)
    return np.clip(np.where(inside, 0.5 + ratio, 0.5 - ratio), 0.0, 1.0).astype(np.float32)


def _distance_along(
    squared: np.ndarray, inside: np.ndarray, axis: int, step_mm: float, sides: Sides
) -> np.ndarray:
    """Distance in mm from each node to the surface on its line, inf where it is not within one step."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    low, high = tuple(low), tuple(high)
    nearest = np.full(squared.shape, np.inf, dtype=np.float32)
    below, above = sides
    for within, beyond, margin in ((low, high, above), (high, low, below)):
        edges = inside[within] & ~inside[beyond]
        at = _crossing_mm(squared[within][edges], squared[beyond][edges], step_mm, margin)
        for part, distance in ((within, at), (beyond, step_mm - at)):
            view = nearest[part]
            # 1e-4 mm, so that a node on the surface has a direction too.
            view[edges] = np.minimum(view[edges], np.maximum(distance, 1e-4))
    return nearest


def _crossing_mm(within: np.ndarray, beyond: np.ndarray, step_mm: float, margin_mm: float) -> np.ndarray:
    """Distance from the node within to the place where the squared distance is 1.

    Beyond the structure's end b the squared distance is ((x - b) / margin)^2 + across; before it, `across`.
    """
    margin = max(margin_mm, SMALLEST_MARGIN_MM)
    rise = np.square(margin) * (beyond - within)
    end_between = rise <= step_mm**2
    end = np.where(
        end_between,
        step_mm - np.sqrt(np.maximum(rise, 0)),
        -(rise - step_mm**2) / (2 * step_mm),
    )
    across = np.where(end_between, within, within - np.square(end / margin))
    reach = margin * np.sqrt(np.clip(1 - across, 0, 1))
    crossing = np.clip(end + reach, 0, step_mm)
    if margin_mm < SMALLEST_MARGIN_MM:
        # Without a margin the end is that of the seed which reaches furthest, and that one may lie further
        # across than the margin body: beside the structure only the step is certain, so half of it is taken.
        crossing = np.where(within > 0, 0.5 * step_mm, crossing)
    return crossing.astype(np.float32)
