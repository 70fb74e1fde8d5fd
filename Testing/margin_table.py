"""How far grown volumes of random shapes are from the closed form, shape by shape and by kind.

PYTHONPATH=PSMAPlanning:Testing python Testing/margin_table.py --from-mm 20 --to-mm 40 --seeds 20000-20049
    [--input occupancy|distance]

Spheres, boxes and ellipsoids along and turned to grids of 1 x 1 x 3 mm, upright and oblique; six sides.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
from convex_shapes import random_case
from PSMAPlanningLib.rtvolumes.margins import grow_distance, grow_occupancy


def error_percent(seed: int, from_mm: float, to_mm: float, given: str) -> tuple[str, float]:
    """The kind of the seed's shape, and the error of its grown volume in percent."""
    shape, grid, margin = random_case(np.random.default_rng(seed), from_mm, to_mm)
    if given == "distance":
        grown = grow_distance(shape.distance_at, grid, margin, cut_at_image_edge=True)
    else:
        grown = grow_occupancy(shape.occupancy(grid), margin, cut_at_image_edge=True)
    is_oblique = not np.allclose(grid.direction_ras, np.eye(3))
    kind = f"{shape.kind}, {'oblique' if is_oblique else 'upright'} grid"
    return kind, 100 * (grown.volume_ml / shape.grown_ml(margin) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from-mm", type=float, default=20.0)
    parser.add_argument("--to-mm", type=float, default=40.0)
    parser.add_argument("--seeds", default="20000-20049", help="first-last")
    parser.add_argument("--input", choices=("occupancy", "distance"), default="occupancy")
    arguments = parser.parse_args()
    first, last = (int(text) for text in arguments.seeds.split("-"))
    errors: dict[str, list[float]] = defaultdict(list)
    for seed in range(first, last + 1):
        kind, error = error_percent(seed, arguments.from_mm, arguments.to_mm, arguments.input)
        errors[kind].append(error)
        if abs(error) > 1:
            print(f"seed {seed}: {kind}: {error:+.2f} %")
    print("| shape | number | within 1 % | least % | greatest % |\n|---|---|---|---|---|")
    for kind, found in [*sorted(errors.items()), ("all", [e for each in errors.values() for e in each])]:
        within = sum(abs(error) <= 1 for error in found)
        print(f"| {kind} | {len(found)} | {within} | {min(found):+.2f} | {max(found):+.2f} |")


if __name__ == "__main__":
    main()
