"""psma-planning benchmark: every speed claim, ours and its peer timed in one run."""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from ..errors import InputError
from ..progress import Progress, Stage
from . import benchmark_consensus, benchmark_works
from .benchmark_works import Work

WORKS = (*benchmark_works.WORKS, *benchmark_consensus.WORKS)

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
    rows = []
    for number, work in enumerate(chosen):
        stage.report(number / len(chosen), work.name)
        rows.append(timed(work, arguments.repeat))
    stage.report(1.0, "done")
    return {"rows": rows}, _table(rows)


def timed(work: Work, repeat: int) -> dict[str, Any]:
    """One row: medians of both sides, run in turns so that a busy moment hits both."""
    with work.prepared() as sides:
        # The first run of each side pays for imports and empty caches.
        sides.ours()
        sides.peer()
        ours_s, peer_s = [], []
        for _ in range(repeat):
            ours_s.append(_seconds(sides.ours))
            peer_s.append(_seconds(sides.peer))
        peak_bytes = _peak_bytes(sides.ours)
    ours, peer = statistics.median(ours_s), statistics.median(peer_s)
    return {
        "work": work.name,
        "ours_s": ours,
        "peer": work.peer,
        "peer_s": peer,
        "ratio": peer / ours,
        "target": work.target,
        "met": peer / ours >= work.target,
        "peak_bytes": peak_bytes,
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
    lines = [f"{'work':<12}{'ours s':>9}{'peer s':>9}{'ratio':>8}{'target':>8}  met  peer"]
    lines += [
        f"{row['work']:<12}{row['ours_s']:>9.3f}{row['peer_s']:>9.3f}{row['ratio']:>8.3f}{row['target']:>8.3f}"
        f"  {'yes' if row['met'] else 'NO ':<3}  {row['peer']}"
        for row in rows
    ]
    return "\n".join(lines)
