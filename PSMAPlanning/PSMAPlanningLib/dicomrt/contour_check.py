"""What may not be wrong with the contours of a structure set on an image series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from .crossings import crossing_edges
from .findings import ERROR, WARNING, Finding
from .planning_series import PlanningSeries
from .polygon_area import even_odd_area
from .rtstruct_contents import ContourRecord, RoiRecord
from .simplify import Lines

OFF_SLICE_MM = 0.01
"""How far a contour may lie from its slice (issue 9)."""
_LONGEST_DECIMAL = 16
_SAME_CONTOUR_MM = 1e-4


def contour_findings(roi: RoiRecord, series: PlanningSeries) -> Iterator[Finding]:
    """Faults of one structure's contours, each kind once with how many contours have it."""
    if not roi.contours:
        yield Finding("no_contour", WARNING, "The structure has no contour.", roi.called)
        return
    counts, drawn = _single_contours(roi.contours, series)
    slices = [n for n, _ in drawn]
    counts["crossing"], crossing_each_other = _crossings(drawn, series)
    counts["lines_cross"] = crossing_each_other
    counts["twice"] = _copies(drawn)
    counts["gap"] = _gaps(slices)
    for code, count in counts.items():
        if count:
            severity, sentence = _SENTENCES[code]
            yield Finding(code, severity, sentence.format(n=count, s="" if count == 1 else "s"), roi.called)


_SENTENCES = {
    "data": (ERROR, "{n} contour{s} cannot be read as points."),
    "decimal": (ERROR, "{n} contour{s} with numbers of more than 16 bytes, which Eclipse refuses."),
    "few_points": (ERROR, "{n} contour{s} with fewer than 3 points."),
    "open": (WARNING, "{n} contour{s} that are points or open lines and enclose nothing."),
    "point_count": (ERROR, "{n} contour{s} with another number of points than stated."),
    "repeated_end": (WARNING, "{n} contour{s} repeat the first point at the end."),
    "not_planar": (ERROR, "{n} contour{s} not in one plane parallel to the slices."),
    "off_slice": (ERROR, "{n} contour{s} more than 0.01 mm off every slice."),
    "outside": (ERROR, "{n} contour{s} beyond the first or last slice."),
    "outside_picture": (ERROR, "{n} contour{s} reach beyond the pixels of the images."),
    "image": (ERROR, "{n} contour{s} refer to an image that is not in the series."),
    "other_slice": (ERROR, "{n} contour{s} refer to another slice than the one they lie on."),
    "no_image": (WARNING, "{n} contour{s} do not say on which image they lie."),
    "crossing": (ERROR, "{n} contour{s} cross themselves."),
    "lines_cross": (ERROR, "{n} contour{s} cross another of the same structure and slice."),
    "twice": (ERROR, "{n} contour{s} are there twice; by exclusive or they cancel each other."),
    "gap": (WARNING, "{n} slice{s} without contour between others: separate parts, or contours missing."),
}


def _single_contours(
    contours: Sequence[ContourRecord], series: PlanningSeries
) -> tuple[Counter[str], list[tuple[int, np.ndarray]]]:
    """Faults that each contour has by itself; slice and points (row, column) of those that lie on one."""
    counts: Counter[str] = Counter()
    drawn = []
    of_image = {(each.sop_instance_uid, each.frame): n for n, each in enumerate(series.slices)}
    kji_from_lps = _kji_matrix(series)
    for contour in contours:
        points = contour.points_lps
        if points is None:
            counts["data"] += 1
            continue
        counts["decimal"] += (contour.longest_decimal or 0) > _LONGEST_DECIMAL
        counts["point_count"] += contour.stated_points != len(points)
        if not contour.is_closed:
            counts["open"] += 1
            continue
        counts["repeated_end"] += contour.repeats_end
        points = contour.polygon_lps
        if len(points) < 3:
            counts["few_points"] += 1
            continue
        heights = series.heights_of(points)
        nearest = int(np.abs(series.heights_mm - heights[0]).argmin())
        off = np.abs(heights - series.heights_mm[nearest])
        counts["not_planar"] += float(np.ptp(heights)) > 2 * OFF_SLICE_MM
        edges = series.slab_edges_mm
        if heights.min() < edges[0] or heights.max() > edges[-1]:
            counts["outside"] += 1
        elif float(off.max()) > OFF_SLICE_MM and float(np.ptp(heights)) <= 2 * OFF_SLICE_MM:
            counts["off_slice"] += 1
        rows_columns = points @ kji_from_lps[:, :3].T + kji_from_lps[:, 3]
        size = np.array(series.grid.shape_kji[1:])
        counts["outside_picture"] += bool(np.any(rows_columns < -0.51) or np.any(rows_columns > size - 0.49))
        counts.update(_reference_faults(contour, nearest, of_image))
        drawn.append((nearest, rows_columns))
    return counts, drawn


def _kji_matrix(series: PlanningSeries) -> np.ndarray:
    """(2, 4): row and column from LPS millimetres."""
    matrix = np.linalg.inv(series.grid.ijk_to_ras_matrix) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return matrix[[1, 0]]


def _reference_faults(
    contour: ContourRecord, nearest: int, of_image: dict[tuple[str, int | None], int]
) -> Iterator[str]:
    if not contour.images:
        yield "no_image"
        return
    found = [of_image.get(image) for image in contour.images]
    if None in found:
        yield "image"
    elif nearest not in found:
        yield "other_slice"


def _crossings(drawn: Sequence[tuple[int, np.ndarray]], series: PlanningSeries) -> tuple[int, int]:
    """How many contours cross themselves, and how many cross another one on their slice."""
    if not drawn:
        return 0, 0
    size_mm = np.array([series.grid.spacing_mm[1], series.grid.spacing_mm[0]])
    points = np.concatenate([each for _, each in drawn]) * size_mm
    lines = Lines(points, np.concatenate([[0], np.cumsum([len(each) for _, each in drawn])]))
    first, second = crossing_edges(lines, np.array([number for number, _ in drawn]))
    owner = lines.owner
    one, other = owner[first], owner[second]
    return len(np.unique(one[one == other])), len(
        np.unique(np.concatenate([one, other])[np.tile(one != other, 2)])
    )


def _copies(drawn: Sequence[tuple[int, np.ndarray]]) -> int:
    keys = Counter(
        (number, len(points), np.round(np.sort(points, axis=0) / _SAME_CONTOUR_MM).tobytes())
        for number, points in drawn
    )
    return sum(count - 1 for count in keys.values())


def _gaps(slices: Sequence[int]) -> int:
    if not slices:
        return 0
    there = set(slices)
    return max(there) - min(there) + 1 - len(there)


def planned_volume_ml(roi: RoiRecord, series: PlanningSeries) -> float | None:
    """Volume as a planning system sees it: even-odd area times slab thickness; None without closed contours.

    Contours that cross make it wrong; they are errors of their own.
    """
    _, drawn = _single_contours(roi.contours, series)
    if not drawn:
        return None
    groups: dict[int, list[np.ndarray]] = {}
    for number, points in drawn:
        groups.setdefault(number, []).append(points)
    return sum(
        even_odd_area(polygons) * series.pixel_area_mm2 * float(series.slab_thickness_mm[number]) / 1000.0
        for number, polygons in groups.items()
    )
