"""Pictures of an export: drawn beside the interface, stopped between two of them, the scene as it was."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image as PillowImage
from PSMAPlanningLib.errors import CancelledError
from PSMAPlanningLib.scene.owned_nodes import CONTEXT
from test_panel.doubles import Panel, node_ids


@pytest.fixture
def panel(headless, monkeypatch):
    # Four times the pixels are four times the work.
    monkeypatch.setattr("PSMAPlanningLib.scene.picture_3d._SUPERSAMPLING", 1)
    panel = Panel(headless)
    panel.fill()
    yield panel
    panel.close()


def _started(panel, folder):
    assert panel.presenter.export_results(folder, scene=False)
    return panel.worker.jobs[-1]


def test_pictures_of_everything_and_of_each_lesion(panel, tmp_path):
    nodes = node_ids(panel.scene)
    _started(panel, tmp_path).run()
    written = tmp_path / panel.view.plan.written_in
    pictures = sorted(path.name for path in written.glob("*.png"))
    lesions = [f"picture-{lesion}.png" for lesion in ("L01", "L02", "L03")]
    assert pictures == sorted([*lesions, "picture-3d.png", "picture-mip.png"])
    for name in pictures:
        assert np.asarray(PillowImage.open(written / name)).std() > 5, f"{name} is empty."
    assert node_ids(panel.scene) == nodes
    assert panel.planning_scene.node(CONTEXT) is None, "Bones are worked out for the picture only."


def test_the_scene_is_asked_once_and_only_on_the_main_thread(panel, tmp_path):
    job = _started(panel, tmp_path)
    ended = []

    def work():
        job.work(lambda _fraction, _doing: True)
        ended.append(True)

    changed = []
    tags = [
        node.AddObserver("ModifiedEvent", lambda caller, _event: changed.append(caller.GetName()))
        for node in (panel.scene.GetNthNode(n) for n in range(panel.scene.GetNumberOfNodes()))
    ]
    thread = threading.Thread(target=work)
    thread.start()
    steps = 0
    while thread.is_alive():
        thread.join(0.02)
        waiting = len(panel.presenter._main_thread._waiting)
        panel.presenter._main_thread.run_next()
        steps += waiting
    assert ended and steps == 1
    assert tags and changed == [], "No node was touched, so no view had to draw."


@pytest.mark.parametrize("stop_at", ["bones", "3D picture", "projections", "slices of lesion L02"])
def test_cancelled_between_two_pictures_nothing_is_left(panel, tmp_path, stop_at):
    job = _started(panel, tmp_path)
    with pytest.raises(CancelledError):
        job.work(lambda _fraction, doing: doing != stop_at)
    assert list(tmp_path.iterdir()) == []
