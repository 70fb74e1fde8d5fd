from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest
from PSMAPlanningLib.scene import gl_probe


@pytest.fixture(autouse=True)
def _fresh_answer():
    gl_probe.opengl_problem.cache_clear()
    yield
    gl_probe.opengl_problem.cache_clear()


@pytest.mark.parametrize("returncode", [-11, 139, 1])
def test_a_crashed_child_names_the_packages(monkeypatch, returncode):
    crashed = SimpleNamespace(returncode=returncode, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: crashed)
    problem = gl_probe.opengl_problem()
    assert "libegl1 libegl-mesa0 libgl1-mesa-dri" in problem
    assert "mesa-libEGL mesa-dri-drivers" in problem


def test_a_child_that_hangs_is_a_problem_too(monkeypatch):
    def hang(*_, **__):
        raise subprocess.TimeoutExpired("probe", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "could not be tried" in gl_probe.opengl_problem()


def test_it_asks_once_per_process(monkeypatch):
    asked = []

    def answer(*_, **__):
        asked.append(1)
        return SimpleNamespace(returncode=0, stdout="rendered\n", stderr="")

    monkeypatch.setattr(subprocess, "run", answer)
    assert gl_probe.opengl_problem() is None
    assert gl_probe.opengl_problem() is None
    assert len(asked) == 1
