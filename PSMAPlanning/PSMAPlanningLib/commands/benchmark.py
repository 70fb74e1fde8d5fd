"""psma-planning benchmark: every speed claim, ours and its peer timed in one run."""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError, MissingExtraError
from ..progress import Progress, Stage
from . import (
    benchmark_consensus,
    benchmark_coverage,
    benchmark_delineation,
    benchmark_nodal,
    benchmark_panel,
    benchmark_rtstruct,
    benchmark_surfaces,
    benchmark_volumes,
    benchmark_works,
)
from .benchmark_works import Work

WORKS = (
    *benchmark_works.WORKS,
    *benchmark_delineation.WORKS,
    *benchmark_consensus.WORKS,
    *benchmark_volumes.WORKS,
    *benchmark_coverage.WORKS,
    *benchmark_nodal.WORKS,
    *benchmark_rtstruct.WORKS,
    *benchmark_surfaces.WORKS,
    *benchmark_panel.WORKS,
)

NAME = "benchmark"
HELP = "Time every speed claim side by side with its peer; ratios, because machines differ."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs of each side (default 5)")
    parser.add_argument(
        "--only", metavar="WORK", action="append", help=f"one of: {', '.join(work.name for work in WORKS)}"
    )


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    if arguments.repeat < 1:
        raise InputError(f"--repeat is {arguments.repeat}; it must be 1 or more.")
    unknown = set(arguments.only or ()) - {work.name for work in WORKS}
    if unknown:
        raise InputError(
            f"There is no work called {sorted(unknown)[0]!r}; "
            f"known: {', '.join(work.name for work in WORKS)}."
        )
    chosen = [work for work in WORKS if not arguments.only or work.name in arguments.only]
    stage = Stage(progress)
    rows, warnings = [], []
    for number, work in enumerate(chosen):
        stage.report(number / len(chosen), work.name)
        try:
            rows.append(timed(work, arguments.repeat))
        except MissingExtraError as error:
            # Asked for by name it is an error; among all the others it is a row that is not there.
            if arguments.only:
                raise
            warnings.append(str(error))
    stage.report(1.0, "done")
    return {"rows": rows, "warnings": warnings}, "\n".join([_table(rows), *warnings])


def timed(work: Work, repeat: int) -> dict[str, Any]:
    """One row: medians of both sides, run in turns so that a busy moment hits both."""
    with work.prepared() as sides:
        parts = sides.ours if isinstance(sides.ours, Mapping) else {work.name: sides.ours}
        # The first run of each side pays for imports and empty caches.
        for part in parts.values():
            part()
        sides.peer()
        of_parts: dict[str, list[float]] = {name: [] for name in parts}
        peer_s = []
        for _ in range(repeat):
            for name, part in parts.items():
                of_parts[name].append(_seconds(part))
                peer_s.append(_seconds(sides.peer))
        quality = sides.quality() if sides.quality else {}
        peak_bytes = max(_peak_bytes(part) for part in parts.values())
    medians = {name: statistics.median(seconds) for name, seconds in of_parts.items()}
    ours, peer = statistics.median(medians.values()), statistics.median(peer_s)
    fits = work.peak_limit_bytes is None or peak_bytes <= work.peak_limit_bytes
    return {
        "work": work.name,
        "ours_s": ours,
        "peer": work.peer,
        "peer_s": peer,
        "ratio": peer / ours,
        "target": work.target,
        "met": peer / ours >= work.target and fits and bool(quality.get("met", True)),
        "peak_bytes": peak_bytes,
        "peak_limit_bytes": work.peak_limit_bytes,
        "quality": quality,
        "parts_s": medians if len(medians) > 1 else {},
        "includes": work.includes,
    }


def _seconds(side: Callable[[], object]) -> float:
    started = time.perf_counter()
    side()
    return time.perf_counter() - started


def _peak_bytes(side: Callable[[], object]) -> int:
    """Most memory that Python and numpy held beyond what they held before."""
    tracemalloc.start()
    try:
        side()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _table(rows: list[dict[str, Any]]) -> str:
    width = max([len(row["work"]) for row in rows] + [4]) + 2
    lines = [f"{'work':<{width}}{'ours s':>9}{'peer s':>9}{'ratio':>8}{'target':>8}{'MB':>7}  met  peer"]
    for row in rows:
        lines.append(
            f"{row['work']:<{width}}{row['ours_s']:>9.4f}{row['peer_s']:>9.4f}{row['ratio']:>8.3f}"
            f"{row['target']:>8.3f}{row['peak_bytes'] / 1e6:>7.0f}  {'yes' if row['met'] else 'NO ':<3}  "
            f"{row['peer']}"
        )
        lines += [
            f"{'':<{width}}{name}: {value:.6g}" for name, value in row["quality"].items() if name != "met"
        ]
        lines += [f"{'':<{width}}{seconds:>9.4f}  {name}" for name, seconds in row["parts_s"].items()]
    return "\n".join(lines)
