"""Whatever is pressed in whatever order: no exception, no half state, scene and table tell the same.

The machine runs on slicer-core, started from test_presenter_any_order.py, and in desktop Slicer, started from
Testing/desktop_any_order.py.
"""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.panel.view_state import Action
from PSMAPlanningLib.scene.owned_nodes import CT, LESIONS, PET, VOLUMES
from PSMAPlanningLib.scene.segments import segment_ids, segment_tag
from test_panel.doubles import Panel, node_ids, observer_count
from test_panel.test_presenter import _paint

LESION_IDS = st.sampled_from(["L01", "L02", "L03", "L1", "L99", None])


class AnyOrder(RuleBasedStateMachine):
    """One presenter over one scene.

    app: what holds the scene as `app.scene`, a context manager; another one for desktop Slicer.
    steps: how often anything was pressed so far, in all walks.
    """

    steps = 0

    def __init__(self):
        super().__init__()
        self.app = self.open_app()
        self.app.__enter__()
        self.nodes = node_ids(self.app.scene)
        self.observers = observer_count(self.app.scene)
        self.panel = Panel(self.app)
        self.panel.fill()

    @staticmethod
    def open_app():
        from PSMAPlanningLib.scene.headless import HeadlessSlicer

        return HeadlessSlicer()

    def teardown(self):
        try:
            self.panel.close()
            assert node_ids(self.app.scene) - self.nodes == set()
            assert observer_count(self.app.scene) <= self.observers
        finally:
            self.app.__exit__(None, None, None)

    @property
    def presenter(self):
        return self.panel.presenter

    @rule(lesion=LESION_IDS)
    def select(self, lesion):
        self.presenter.select_lesion(lesion)

    @rule(lesion=LESION_IDS)
    def accept(self, lesion):
        self.presenter.accept(lesion)

    @rule(lesion=LESION_IDS, reason=st.sampled_from(["", "ureter"]))
    def reject(self, lesion, reason):
        self.presenter.reject(reason, lesion)

    @rule(times=st.integers(1, 3))
    def undo(self, times):
        for _ in range(times):
            self.presenter.undo()

    @rule()
    def redo(self):
        self.presenter.redo()

    @rule(lesion=LESION_IDS)
    def begin_edit(self, lesion):
        self.presenter.begin_edit(lesion)

    @rule(part=st.integers(1, 3))
    def draw(self, part):
        if self.panel.view.edit_node is not None:
            mask = self.presenter.case.lesion(self.panel.view.edited).contour.mask
            array = mask.array.copy()
            array[::part] = False
            _paint(self.panel, Mask(array, mask.grid))

    @rule()
    def finish_edit(self):
        self.presenter.finish_edit()

    @rule(suv=st.sampled_from([-1.0, 2.0, 3.0, 5.0]))
    def set_threshold(self, suv):
        self.presenter.set_detection(suv)

    @rule()
    def find(self):
        self.presenter.find_lesions()

    @rule(name=st.sampled_from(["fixed_suv", "recovery", "nobody's"]), is_wanted=st.booleans())
    def choose_rule(self, name, is_wanted):
        self.presenter.choose_rule(name, is_wanted)

    @rule()
    def contour_again(self):
        self.presenter.contour_again()

    @rule(lesions=st.lists(LESION_IDS, max_size=3))
    def merge(self, lesions):
        self.presenter.merge_lesions([lesion for lesion in lesions if lesion is not None])

    @rule(press=st.sampled_from(["split_lesion", "delete_lesion", "leave_undecided", "clear_region"]))
    def revise(self, press):
        getattr(self.presenter, press)()

    @rule(place=st.sampled_from([None, (0.0, 0.0, 0.0), (8.0, -12.0, 93.5), (1e5, 0.0, 0.0)]))
    def add_lesion(self, place):
        self.presenter.add_lesion(place)

    @rule(is_wanted=st.booleans())
    def switch_growing(self, is_wanted):
        if is_wanted:
            self.presenter.begin_growing()
        else:
            self.presenter.end_growing()

    @rule(place=st.sampled_from([(0.0, 0.0, 0.0), (8.0, -12.0, 83.5), (38.0, -12.0, 93.5), (1e5, 0.0, 0.0)]))
    def grow_at(self, place):
        self.presenter.grow_at(place)

    @rule(place=st.sampled_from([(8.0, -12.0, 88.0), (-22.0, -12.0, 93.5)]), lesion=LESION_IDS)
    def grow_lesion(self, place, lesion):
        self.presenter.grow_lesion(place, lesion)

    @rule(
        moved=st.sampled_from([-2.0, -0.1, 0.05, float("nan")]), end=st.sampled_from(["release", "end", ""])
    )
    def drag_in_view(self, moved, end):
        self.presenter.drag_lesion_threshold(moved)
        if end == "release":
            self.presenter.release_lesion_threshold()
        elif end == "end":
            self.presenter.end_lesion_preview()

    @rule(name=st.sampled_from(["consensus", "fixed_suv", "nobody's"]))
    def choose_contour(self, name):
        self.presenter.choose_contour(name)

    @rule(suv=st.sampled_from([-1.0, 2.0, 5.0, 500.0]), is_release=st.booleans())
    def drag_lesion_threshold(self, suv, is_release):
        self.presenter.preview_lesion_threshold(suv)
        if is_release:
            self.presenter.set_lesion_threshold(suv)

    @rule(region=st.sampled_from(["obturator", "bone", "nowhere"]), lesion=LESION_IDS)
    def state_region(self, region, lesion):
        self.presenter.state_region(region, lesion_id=lesion)

    @rule(step=st.sampled_from([-1, 1]))
    def select_neighbor(self, step):
        self.presenter.select_neighbor(step)

    @rule(volume=st.sampled_from(["CTVp", "nobody", None]), dose_gy=st.sampled_from([None, -1.0, 56.0]))
    def prescribe(self, volume, dose_gy):
        self.presenter.prescribe(volume, dose_gy, 28)

    @rule()
    def press_plan(self):
        self.presenter.clear_dose()
        self.presenter.compare_guidelines()

    @rule(suv=st.sampled_from([None, 5.0, -1.0]), is_inverted=st.booleans())
    def show_pet_window(self, suv, is_inverted):
        self.presenter.show_pet_window(suv, is_inverted)

    @rule(place=st.sampled_from(["pelvis", "body", "lesion", "L02", "nowhere"]))
    def look_at(self, place):
        self.presenter.look_at(place)

    @rule(suv=st.sampled_from([0.5, 2.0, 5.0, 500.0]))
    def drag_threshold(self, suv):
        self.presenter.preview_detection(suv)

    @rule()
    def let_threshold_go(self):
        self.presenter.end_preview()

    @rule(millimetres=st.sampled_from([None, 0.0, 3.0, 1e6]))
    def state_uncertainty(self, millimetres):
        self.presenter.state_uncertainty(millimetres)

    @rule()
    def press_what_waits(self):
        for press in ("convert_pet", "dismiss_suv_form", "confirm_same_patient", "register_on_bone"):
            getattr(self.presenter, press)()

    @rule()
    def run_work(self):
        if self.panel.worker.jobs:
            self.panel.worker.jobs.pop().run()

    @rule()
    def cancel(self):
        self.presenter.cancel()

    @rule(role=st.sampled_from([PET, CT, LESIONS, VOLUMES, "CoverageTable", "Contours"]))
    def delete_node(self, role):
        node = self.panel.planning_scene.node(role)
        if node is not None:
            self.panel.scene.RemoveNode(node)

    @rule()
    def delete_edit_node(self):
        if self.panel.view.edit_node is not None:
            self.panel.scene.RemoveNode(self.panel.view.edit_node)

    @rule()
    def choose_nothing(self):
        self.presenter.choose_volumes(None)

    @rule()
    def close_scene_and_fill(self):
        if not self.presenter.work.is_busy:
            self.panel.scene.Clear(0)
            self.nodes = node_ids(self.panel.scene)
            self.panel.fill()

    @invariant()
    def scene_and_rows_agree(self):
        AnyOrder.steps += 1
        view = self.panel.view
        node = self.panel.planning_scene.node(LESIONS)
        shown = {}
        if node is not None:
            for segment_id in segment_ids(node):
                segment = node.GetSegmentation().GetSegment(segment_id)
                shown[segment_id] = segment_tag(segment, "PSMAPlanning.State")
        assert shown == {row.id: row.state for row in view.lesions}
        assert (self.panel.planning_scene.node(PET) is None) == (self.panel.state.pet is None)
        assert view.selected is None or view.selected in {row.id for row in view.lesions}
        assert (view.edited is None) == (view.edit_node is None)
        assert view.is_busy == (view.can(Action.CANCEL))
        assert np.isfinite([row.volume_ml for row in view.lesions]).all()


def any_order_settings(examples, steps):
    """Settings for `examples` walks of `steps` presses each, the same walks every time.

    The first walk of all presses one button again and again; hypothesis begins with the simplest.
    """
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
