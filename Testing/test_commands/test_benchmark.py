"""psma-planning benchmark: rows of the contract; seconds are never asserted on."""

import functools
import json
from contextlib import contextmanager

import numpy as np
import pytest
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import benchmark
from PSMAPlanningLib.commands.benchmark import WORKS
from PSMAPlanningLib.commands.benchmark_works import Sides, Work
from PSMAPlanningLib.errors import MissingExtraError

FIELDS = {
    *("work", "ours_s", "peer", "peer_s", "ratio", "target", "met"),
    *("peak_bytes", "peak_limit_bytes", "parts_s", "includes", "quality"),
}


def test_a_row_compares_two_sides_in_turns():
    calls = []

    @contextmanager
    def sides():
        yield Sides(lambda: calls.append("ours"), lambda: calls.append("peer"))

    row = benchmark.timed(Work("w", "p", 0.0, "nothing", sides), repeat=3)
    assert set(row) == FIELDS
    assert calls == ["ours", "peer"] * 4 + ["ours"]
    assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
    assert row["met"] is True


def test_the_median_of_several_parts_counts():
    calls = []

    @contextmanager
    def sides():
        parts = {name: functools.partial(calls.append, name) for name in "abc"}
        yield Sides(parts, lambda: calls.append("peer"))

    row = benchmark.timed(Work("w", "p", 0.0, "nothing", sides), repeat=2)
    assert calls == [*"abc", "peer", *["a", "peer", "b", "peer", "c", "peer"] * 2, *"abc"]
    assert list(row["parts_s"]) == ["a", "b", "c"]
    assert row["ours_s"] == sorted(row["parts_s"].values())[1]


def test_memory_beyond_its_limit_is_not_met():
    @contextmanager
    def sides():
        yield Sides(lambda: np.ones(1_000_000), lambda: None)

    for limit, met in ((None, True), (10_000_000, True), (7_000_000, False)):
        row = benchmark.timed(Work("w", "p", 0.0, "nothing", sides, limit), repeat=1)
        assert row["peak_bytes"] >= 8_000_000
        assert row["met"] is met


def test_a_missing_extra_costs_its_row_only(monkeypatch, capsys):
    @contextmanager
    def present():
        yield Sides(lambda: None, lambda: None)

    @contextmanager
    def absent():
        raise MissingExtraError("The peer is not installed; install it.")
        yield

    works = [Work(name, "p", 0.0, "nothing", sides) for name, sides in (("a", absent), ("b", present))]
    monkeypatch.setattr(benchmark, "WORKS", works)
    assert main(["benchmark", "--repeat", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["work"] for row in document["rows"]] == ["b"]
    assert document["warnings"] == ["The peer is not installed; install it."]
    assert main(["benchmark", "--only", "a"]) == 2


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
    document = json.loads(capsys.readouterr().out)
    missing = {work.name for work in WORKS} - {row["work"] for row in document["rows"]}
    # An extra of its own, which the test command of the README does not install.
    assert missing <= {"components_cc3d"}
    assert len([w for w in document["warnings"] if "connected-components-3d" in w]) == len(missing)
