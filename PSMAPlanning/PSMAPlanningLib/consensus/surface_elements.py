"""Area of the surface in each cube between eight voxel centres, by marching cubes through edge midpoints."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

_CORNERS = np.array(list(product((0, 1), repeat=3)))
"""(8, 3) K, J, I of the cube's corners; corner n is bit n of a code."""


def _faces() -> list[tuple[int, int, int, int]]:
    """The corners of the cube's six faces, each in turn around the face."""
    faces = []
    for axis, side in product(range(3), (0, 1)):
        around = []
        for pair in ((0, 0), (0, 1), (1, 1), (1, 0)):
            corner = np.insert(np.array(pair), axis, side)
            around.append(int(corner @ (4, 2, 1)))
        faces.append(tuple(around))
    return faces


_FACES = _faces()


@lru_cache(maxsize=32)
def surface_areas_mm2(spacing_kji_mm: tuple[float, float, float]) -> np.ndarray:
    """(256,) area in mm2 of the surface in a cube, by the code of which of its corners are inside.

    Where two opposite corners of a face are inside, the surface parts them. Lorensen and Cline 1987,
    10.1145/37402.37422.
    """
    spacing = np.array(spacing_kji_mm)
    return np.array([sum(_area(loop, spacing) for loop in _loops(code)) for code in range(256)])


def _loops(code: int) -> list[list[frozenset[int]]]:
    """Closed polygons of the surface; each vertex is the cube edge (a pair of corners) that it halves."""
    links: dict[frozenset[int], list[frozenset[int]]] = {}
    for face in _FACES:
        inside = [bool(code >> corner & 1) for corner in face]
        edges = [frozenset((face[n], face[(n + 1) % 4])) for n in range(4)]
        crossed = [n for n in range(4) if inside[n] != inside[(n + 1) % 4]]
        if len(crossed) == 2:
            pairs = [(edges[crossed[0]], edges[crossed[1]])]
        else:
            pairs = [(edges[n - 1], edges[n]) for n in range(4) if inside[n] and len(crossed) == 4]
        for one, other in pairs:
            links.setdefault(one, []).append(other)
            links.setdefault(other, []).append(one)
    loops = []
    while links:
        vertex = next(iter(links))
        loop = [vertex]
        while True:
            following = links.pop(vertex)
            onward = [v for v in following if v in links]
            if not onward:
                break
            vertex = onward[0]
            loop.append(vertex)
        loops.append(loop)
    return loops


def _area(loop: list[frozenset[int]], spacing: np.ndarray) -> float:
    points = np.array([_CORNERS[list(edge)].mean(axis=0) for edge in loop]) * spacing
    spokes = points - points.mean(axis=0)
    return float(0.5 * np.linalg.norm(np.cross(spokes, np.roll(spokes, -1, axis=0)), axis=1).sum())
