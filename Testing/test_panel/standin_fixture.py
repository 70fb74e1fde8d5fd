"""The fixture `standin`: desktop Slicer's double with our module loaded, see desktop_standin."""

from __future__ import annotations

from pathlib import Path

import pytest
from desktop_standin import desktop_standin, standin_problem

MODULE_FILE = Path(__file__).resolve().parents[2] / "PSMAPlanning" / "PSMAPlanning.py"


@pytest.fixture
def standin(headless, tmp_path):
    """A stand-in session with the module known but not opened; nothing may have gone wrong in it."""
    problem = standin_problem()
    if problem:
        pytest.skip(problem)
    with desktop_standin(headless, tmp_path) as session:
        session.load_module(MODULE_FILE)
        yield session
        assert session.errors == []
        assert session.answers.waiting == []
