"""A frame of the patient's body drawn from the PET itself: midline, front and back, where the legs part.

Positions are told by it in terms that hold for any man, so that rules on uptake need no organ masks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..imaging.grid import Box, VoxelGrid, bounding_box
from ..imaging.image import Image, Mask

COARSE_MM = 5.0
_UPRIGHT = 0.94
"""Cosine: an image turned by more than 20 degrees has no slices a body frame can be read from."""
_BODY_SHARE = 0.25
_AIR_TILES = 2
_TRUNK_AREA_SHARE = 0.6
_MIDLINE_HALF_MM = 12.0
_JOINED_MM = 60.0
_SMALLEST_TRUNK_MM = 150.0
_LARGEST_WIDTH_MM = 700.0
_SMALLEST_WIDTH_MM = 200.0
_BETWEEN_THIGHS_SLICES = 4


@dataclass(frozen=True, eq=False)
class Coarse:
    """The part of the PET with the body in it, in tiles of up to 5 mm, axes along S, A and R, each rising.

    suv: (S, A, R) float32; grid: of the tiles, so its array axes are S, A, R.
    """

    suv: np.ndarray
    grid: VoxelGrid
    _pet_grid: VoxelGrid
    _order: tuple[int, int, int]
    _flips: tuple[bool, bool, bool]
    _factors: tuple[int, int, int]
    _part: Box
    _whole: tuple[int, int, int]

    @property
    def tile_ml(self) -> float:
        return self.grid.voxel_volume_ml

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Tile size along S, A, R."""
        return self.grid.spacing_kji_mm

    def positions(self, tiles: np.ndarray) -> np.ndarray:
        """RAS positions (N, 3) of tile indices (N, 3) along S, A, R."""
        return self.grid.ras_of(tiles)

    def on_pet(self, tiles: np.ndarray) -> Mask | None:
        """A mask of tiles (S, A, R) as voxels of the PET, cropped; None when it is empty."""
        whole = np.zeros(self._whole, dtype=bool)
        whole[self._part] = tiles
        flipped = whole[tuple(slice(None, None, -1) if f else slice(None) for f in self._flips)]
        array = np.transpose(flipped, np.argsort(self._order))
        box = bounding_box(array)
        if box is None:
            return None
        part = array[box]
        for axis, factor in enumerate(self._factors):
            part = np.repeat(part, factor, axis=axis)
        fine = tuple(slice(s.start * f, s.stop * f) for s, f in zip(box, self._factors, strict=True))
        return Mask(part, self._pet_grid.crop(fine))

    def cropped(self, part: Box) -> Coarse:
        """The tiles of a box."""
        inner = tuple(
            slice(p.start + s.start, p.start + s.stop) for p, s in zip(self._part, part, strict=True)
        )
        return replace(self, suv=self.suv[part].copy(), grid=self.grid.crop(part), _part=inner)


@dataclass(frozen=True, eq=False)
class BodyFrame:
    """Where the body is, per S tile of the coarse PET.

    body: (S, A, R) bool; soft_suv: median uptake of the body; midline_mm: R of the midline per S tile;
    back_mm, front_mm: A of the body's surfaces near the midline per S tile; half_width_mm: of the trunk;
    crotch_mm: S where the thighs part; None when that is not in view.
    """

    coarse: Coarse
    body: np.ndarray
    soft_suv: float
    midline_mm: np.ndarray
    back_mm: np.ndarray
    front_mm: np.ndarray
    half_width_mm: float
    crotch_mm: float | None

    @property
    def height_mm(self) -> float:
        """How much of the body is in view along S."""
        return float(np.count_nonzero(self.body.any(axis=(1, 2)))) * self.coarse.spacing_mm[0]

    @property
    def top_mm(self) -> float:
        """S of the highest tile that holds body."""
        highest = int(np.flatnonzero(self.body.any(axis=(1, 2)))[-1])
        return float(self.coarse.grid.ras_of([highest, 0, 0])[2])

    def level(self, s_mm: float) -> int:
        """The S tile of a level."""
        k = round(float(self.coarse.grid.kji_of([self.coarse.grid.origin_ras[0], 0.0, s_mm])[0]))
        return int(np.clip(k, 0, len(self.midline_mm) - 1))

    def place(self, point_ras: np.ndarray) -> tuple[float, float]:
        """Distance to the patient's right of the midline (mm), and depth from back (0) to front (1)."""
        k = self.level(float(point_ras[2]))
        across = max(1.0, self.front_mm[k] - self.back_mm[k])
        return float(point_ras[0] - self.midline_mm[k]), float((point_ras[1] - self.back_mm[k]) / across)


def coarse_pet(pet: Image) -> Coarse | None:
    """Means over tiles; None for an image too oblique, or too small to hold a tile."""
    direction = np.array(pet.grid.direction_ras)[:, ::-1]
    order = tuple(int(np.abs(direction[row]).argmax()) for row in (2, 1, 0))
    if sorted(order) != [0, 1, 2] or min(abs(direction[2 - n, a]) for n, a in enumerate(order)) < _UPRIGHT:
        return None
    spacing = pet.grid.spacing_kji_mm
    factors = tuple(max(1, int(COARSE_MM / s + 1e-6)) for s in spacing)
    shape = tuple(n // f for n, f in zip(pet.grid.shape_kji, factors, strict=True))
    if min(shape) < 2:
        return None
    suv = pet.array[tuple(slice(0, n * f) for n, f in zip(shape, factors, strict=True))]
    for axis, factor in enumerate(factors):
        if factor > 1:
            split = (*suv.shape[:axis], suv.shape[axis] // factor, factor, *suv.shape[axis + 1 :])
            suv = suv.reshape(split).mean(axis=axis + 1, dtype=np.float32)
    suv = np.nan_to_num(suv, nan=0.0, posinf=0.0, neginf=0.0)
    flips = tuple(bool(direction[2 - n, a] < 0) for n, a in enumerate(order))
    turned = np.transpose(suv, order)[tuple(slice(None, None, -1) if f else slice(None) for f in flips)]
    first = np.zeros(3)
    for n, axis in enumerate(order):
        at = (shape[axis] - 1) if flips[n] else 0
        first[axis] = at * factors[axis] + (factors[axis] - 1) / 2
    columns = [direction[:, axis] * (-1 if flip else 1) for axis, flip in zip(order, flips, strict=True)]
    grid = VoxelGrid(
        turned.shape,
        tuple(spacing[axis] * factors[axis] for axis in reversed(order)),
        pet.grid.position_of(first),
        tuple(map(tuple, np.array(columns[::-1]).T)),
    )
    tiles = np.ascontiguousarray(turned, dtype=np.float32)
    part = tuple(slice(0, n) for n in tiles.shape)
    return Coarse(tiles, grid, pet.grid, order, flips, factors, part, tiles.shape)


def body_frame(pet: Image) -> BodyFrame | None:
    """The frame of the body in a PET; None where no trunk of a man can be made out."""
    coarse = coarse_pet(pet)
    if coarse is None:
        return None
    body, soft_suv = _body_of(coarse.suv)
    if body is None:
        return None
    around = bounding_box(body, _AIR_TILES)
    coarse, body = coarse.cropped(around), body[around]
    step_s, _, step_r = coarse.spacing_mm
    area = np.count_nonzero(body, axis=(1, 2))
    trunk = area >= _TRUNK_AREA_SHARE * np.percentile(area[area > 0], 90)
    if np.count_nonzero(trunk) * step_s < _SMALLEST_TRUNK_MM:
        return None
    levels = np.arange(len(area))
    right_mm = coarse.grid.ras_of(np.array([[0, 0, r] for r in range(body.shape[2])]))[:, 0]
    across = body.any(axis=1)
    low = np.array([right_mm[row.argmax()] if row.any() else np.nan for row in across])
    high = np.array([right_mm[len(row) - 1 - row[::-1].argmax()] if row.any() else np.nan for row in across])
    half_width_mm = float(np.median((high - low)[trunk])) / 2
    if not _SMALLEST_WIDTH_MM <= 2 * half_width_mm <= _LARGEST_WIDTH_MM:
        return None
    midline_mm = _straight(levels[trunk], ((high + low) / 2)[trunk], levels)
    back_mm, front_mm = _surfaces(coarse, body, midline_mm, right_mm)
    near = np.abs(right_mm[None, :] - midline_mm[:, None]) <= max(_MIDLINE_HALF_MM, 0.75 * step_r)
    joined_mm = (body & near[:, None, :]).any(axis=2).sum(axis=1) * coarse.spacing_mm[1]
    return BodyFrame(
        coarse=coarse,
        body=body,
        soft_suv=soft_suv,
        midline_mm=midline_mm,
        back_mm=back_mm,
        front_mm=front_mm,
        half_width_mm=half_width_mm,
        crotch_mm=_crotch_mm(coarse, joined_mm, area),
    )


def _body_of(suv: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The largest connected part above a quarter of the median uptake of what is not air, and that median."""
    above = suv[suv > 0]
    if above.size == 0:
        return None, 0.0
    # A hundredth of the hottest organ moves a mean: the second step does not see it.
    usual = float(np.median(above[above > 0.3 * min(float(above.mean()), float(np.percentile(above, 90)))]))
    labels, count = ndimage.label(suv > _BODY_SHARE * usual)
    if count == 0:
        return None, usual
    body = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    for k in range(len(body)):
        body[k] = ndimage.binary_fill_holes(body[k])
    return body, float(np.median(suv[body]))


def _straight(at: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A straight line through values by the median of slopes, which arms and tumours do not tilt."""
    half = len(at) // 2
    slope = float(
        np.median((values[half:] - values[: len(values) - half]) / (at[half:] - at[: len(at) - half]))
    )
    return slope * wanted + float(np.median(values - slope * at))


def _surfaces(
    coarse: Coarse, body: np.ndarray, midline_mm: np.ndarray, right_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A of back and front per S tile, within 60 mm of the midline; neighbours' values where it is empty."""
    front_of = coarse.grid.ras_of(np.array([[0, a, 0] for a in range(body.shape[1])]))[:, 1]
    back_mm, front_mm = np.full(len(body), np.nan), np.full(len(body), np.nan)
    for k, plane in enumerate(body):
        rows = np.flatnonzero(plane[:, np.abs(right_mm - midline_mm[k]) <= _JOINED_MM].any(axis=1))
        if rows.size:
            back_mm[k], front_mm[k] = front_of[rows[0]], front_of[rows[-1]]
    known = np.flatnonzero(np.isfinite(back_mm))
    levels = np.arange(len(body))
    return np.interp(levels, known, back_mm[known]), np.interp(levels, known, front_mm[known])


def _crotch_mm(coarse: Coarse, joined_mm: np.ndarray, area: np.ndarray) -> float | None:
    """S above which the body is closed across the midline; None unless thighs apart are in view below."""
    levels = np.flatnonzero(area > 0)
    apart = np.flatnonzero(joined_mm[levels] < 0.5 * np.median(joined_mm[levels]))
    # Only thighs at the caudal end count, not raised arms beside the head.
    lower = levels[apart[apart < len(levels) // 3]]
    if lower.size < _BETWEEN_THIGHS_SLICES or lower[0] > levels[0] + _BETWEEN_THIGHS_SLICES:
        return None
    return float(coarse.grid.ras_of([float(lower[-1]) + 0.5, 0, 0])[2])
