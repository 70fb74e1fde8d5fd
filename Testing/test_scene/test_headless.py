from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import PSMAPlanningLib
import pytest
from PSMAPlanningLib.errors import MissingExtraError, SceneError
from PSMAPlanningLib.scene import headless as headless_module
from PSMAPlanningLib.scene.headless import HeadlessSlicer

PACKAGE_FOLDER = Path(PSMAPlanningLib.__file__).parents[1]


def test_scene_has_the_color_tables_and_logics_everything_else_needs():
    with HeadlessSlicer() as slicer:
        assert slicer.scene.GetNodeByID("vtkMRMLColorTableNodeInvertedGrey") is not None
        assert set(slicer.logics) == {"colors", "volumes", "segmentations", "subjecthierarchy"}


def test_several_follow_each_other_and_start_empty():
    for _ in range(3):
        with HeadlessSlicer() as slicer:
            assert slicer.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
            slicer.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")


def test_two_at_once_are_refused():
    with HeadlessSlicer(), pytest.raises(SceneError, match="already open"):
        HeadlessSlicer()


def test_slicer_module_is_as_before_afterwards():
    import slicer

    before = getattr(slicer, "mrmlScene", None)
    with HeadlessSlicer() as booted:
        assert slicer.mrmlScene is booted.scene
        assert slicer.modules.segmentations.logic() is booted.logics["segmentations"]
    assert getattr(slicer, "mrmlScene", None) is before


def test_closing_twice_is_closing_once():
    slicer = HeadlessSlicer()
    slicer.close()
    slicer.close()


def test_without_slicer_core_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)
    with pytest.raises(MissingExtraError, match="slicer-core"):
        HeadlessSlicer()
    assert HeadlessSlicer._open is None


def test_inside_desktop_slicer_it_refuses(monkeypatch):
    monkeypatch.setattr(headless_module, "is_desktop", lambda: True)
    with pytest.raises(SceneError, match="mrmlScene"):
        HeadlessSlicer()


def test_nothing_is_complained_about_at_exit():
    program = (
        "from PSMAPlanningLib.scene.headless import HeadlessSlicer\n"
        "for _ in range(2):\n"
        "    with HeadlessSlicer() as slicer:\n"
        "        slicer.scene.AddNewNodeByClass('vtkMRMLSegmentationNode').CreateDefaultDisplayNodes()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE_FOLDER, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
