"""Presses in any order while the scene still follows the last one, a turn of the event loop at a time."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from PSMAPlanningLib.panel import scene_steps
from PSMAPlanningLib.scene.owned_nodes import LESIONS
from test_panel.any_order import any_order_settings
from test_panel.doubles import TurnScheduler
from test_panel.test_volume_any_order import VolumesAnyOrder

PRESSES = st.sampled_from(
    ["accept", "begin_edit", "delete", "fill", "find_lesions", "redo", "reject", "turn", "turn", "undo"]
)


class _Scheduler(TurnScheduler):
    """What is to be called soon is called at once, so that it too meets a scene that is half shown."""

    def soon(self, _name, function):
        function()


class TurnsAnyOrder(VolumesAnyOrder):
    """Every step of a change has a turn of its own, and presses come between any two."""

    def __init__(self):
        super().__init__()
        self.turn_s, scene_steps._TURN_S = scene_steps._TURN_S, 0.0
        self.scheduler = self.presenter.scheduler = _Scheduler()

    def teardown(self):
        try:
            super().teardown()
            assert self.scheduler.turns == []
        finally:
            scene_steps._TURN_S = self.turn_s

    @rule(times=st.integers(1, 8))
    def turn(self, times):
        for _ in range(times):
            self.scheduler.turn()

    @rule(presses=st.lists(PRESSES, min_size=2, max_size=10), number=st.integers(0, 2))
    def hurry(self, presses, number):
        """What is never refused, one press after the other; there always is something to follow."""
        self.presenter.cancel()
        for press in presses:
            lesions = self.presenter.case.state.lesions
            if press == "turn":
                self.scheduler.turn()
            elif press == "fill":
                self.presenter._do(None, self.panel.fill)
            elif press == "delete":
                node = self.panel.planning_scene.node(LESIONS)
                if node is not None:
                    self.panel.scene.RemoveNode(node)
            elif press in ("undo", "redo", "find_lesions"):
                getattr(self.presenter, press)()
            elif number < len(lesions):
                reason = ("ureter",) if press == "reject" else ()
                getattr(self.presenter, press)(*reason, lesion_id=lesions[number].id)

    @rule()
    def look(self):
        assert self.panel.view is not None
        assert not self.presenter.is_changing

    def check_invariants(self, *arguments, **options):
        # Whoever asks for the view has the rest shown; what is pending is to stay so until the next press.
        if not self.presenter.is_changing:
            super().check_invariants(*arguments, **options)


class TestTurnsAnyOrder(TurnsAnyOrder.TestCase):
    settings = any_order_settings(examples=5, steps=60)
