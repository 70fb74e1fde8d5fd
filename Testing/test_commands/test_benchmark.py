"""psma-planning benchmark: rows of the contract; seconds are never asserted on."""

import json

import pytest
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import benchmark
from PSMAPlanningLib.commands.benchmark import WORKS
from PSMAPlanningLib.commands.benchmark_works import Sides, Work

FIELDS = {"work", "ours_s", "peer", "peer_s", "ratio", "target", "met", "peak_bytes", "includes"}


def test_a_row_compares_two_sides_in_turns():
    from contextlib import contextmanager

    calls = []

    @contextmanager
    def sides():
        yield Sides(lambda: calls.append("ours"), lambda: calls.append("peer"))

    row = benchmark.timed(Work("w", "p", 0.0, "nothing", sides), repeat=3)
    assert set(row) == FIELDS
    assert calls == ["ours", "peer"] * 4 + ["ours"]
    assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
    assert row["met"] is True


def test_names_are_unique_and_targets_positive():
    assert len({work.name for work in WORKS}) == len(WORKS)
    assert all(work.target > 0 and work.includes and work.peer for work in WORKS)


def test_unknown_work_and_no_runs(capsys):
    assert main(["benchmark", "--only", "everything"]) == 2
    assert "'everything'" in capsys.readouterr().err
    assert main(["benchmark", "--repeat", "0"]) == 2


@pytest.mark.slow
def test_every_work_runs(capsys):
    assert main(["benchmark", "--repeat", "1", "--json"]) == 0
    assert {row["work"] for row in json.loads(capsys.readouterr().out)["rows"]} == {w.name for w in WORKS}
