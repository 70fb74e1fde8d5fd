"""The benchmark's rows of revising by hand: the work the issue names; seconds are never asserted on."""

import pytest
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.commands.benchmark_panel import WORKS, DrawnCase
from PSMAPlanningLib.scene.planning_scene import PlanningScene
from test_scene.cases import small_state


def test_works_are_those_of_the_issue():
    assert [(work.name, work.target) for work in WORKS] == [
        ("contour_drawn", 0.01),
        ("threshold_dragged", 0.05),
    ]


def test_each_drawing_is_a_step_that_the_scene_follows(headless):
    case = PlanningCase(start=small_state())
    drawn = DrawnCase(PlanningScene(headless.scene), case)
    volumes = []
    for _ in range(5):
        before = case.state
        drawn.draw()
        assert case.state is not before
        assert case.undo_name.startswith("edit lesion")
        edited = next(lesion for lesion in case.state.lesions if lesion.is_hand_edited)
        volumes.append(edited.contour.mask.volume_ml)
    assert len(set(volumes)) == 4
    assert volumes[0] == pytest.approx(volumes[4])
    drawn.close()
