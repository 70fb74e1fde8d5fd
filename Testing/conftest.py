"""What every test may ask for: shared data, a headless scene; which tests run where."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """A function from the name of a data set to its folder; the test is skipped when it is absent."""
    folder = Path(os.environ.get("PSMA_TEST_DATA") or REPOSITORY.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in {folder}; PSMA_TEST_DATA may name the folder that has it.")
        return path

    return find


@pytest.fixture
def headless() -> Iterator[Any]:
    """A HeadlessSlicer with an empty scene, closed after the test."""
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from PSMAPlanningLib.scene.headless import HeadlessSlicer

    with HeadlessSlicer() as slicer_app:
        yield slicer_app
