"""The RT volumes section under presses in any order, mixed with those on lesions: nothing half done."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.panel.volume_uses import USES
from PSMAPlanningLib.scene.landmark_planes import LANDMARK_ATTRIBUTE
from PSMAPlanningLib.scene.owned_nodes import VOLUMES
from PSMAPlanningLib.scene.segments import oriented_image, segment_ids
from test_panel.any_order import AnyOrder, any_order_settings

NAMES = st.sampled_from(["CTVp", "Bladder", "PTVp", "nobody", None])
LANDMARKS = st.sampled_from(["L5_S1", "symphysis_top", "anastomosis", "nobody"])


class VolumesAnyOrder(AnyOrder):
    @rule(name=NAMES)
    def select_volume(self, name):
        self.presenter.select_volume(name)

    @rule(name=NAMES, use=st.sampled_from([*USES, "nobody's"]))
    def use_volume(self, name, use):
        self.presenter.use_volume(name, use)

    @rule(name=NAMES, written=st.sampled_from(["CTVsb_7000", "Rectum", "", "much longer than sixteen"]))
    def name_volume(self, name, written):
        self.presenter.name_volume(name, written)

    @rule()
    def confirm_names(self):
        self.presenter.confirm_names()

    @rule(name=NAMES)
    def remove_volume(self, name):
        self.presenter.remove_volume(name)

    @rule(value=st.sampled_from([None, 0.0, 4.0, -1.0, 1e6, float("nan")]), organ=NAMES)
    def state_margins(self, value, organ):
        self.presenter.state_margins([value] * 6)
        self.presenter.state_boost_margins(value, value)
        self.presenter.crop_by([organ] if organ else [], 2.0)

    @rule(name=NAMES)
    def make_planning_target(self, name):
        self.presenter.make_planning_target(name)

    @rule()
    def make_boosts(self):
        self.presenter.make_boosts()

    @rule(kind=st.sampled_from(["nodes", "bed"]))
    def generate(self, kind):
        self.presenter.generate(kind)
        self.presenter.find_landmarks()

    @rule(name=LANDMARKS, up=st.sampled_from([0.0, 10.0]))
    def set_landmark(self, name, up):
        if name != "nobody":
            self.presenter.set_landmark(name, (0.0, 0.0, up))
        self.presenter.move_landmark(name, (0.0, 0.0, up))

    @rule(name=LANDMARKS)
    def place_landmark(self, name):
        self.presenter.place_landmark(name)

    @rule(is_wanted=st.booleans())
    def show_landmarks(self, is_wanted):
        self.presenter.show_landmarks(is_wanted)

    @rule(name=NAMES)
    def begin_volume_edit(self, name):
        self.presenter.begin_volume_edit(name)

    @rule(part=st.integers(1, 3))
    def draw_on_volume(self, part):
        from slicer import vtkSegmentationConverter

        rt = self.panel.view.rt
        if rt.edit_node is None:
            return
        mask = next(v.mask for v in self.panel.state.volumes if v.name == rt.edited)
        array = mask.array.copy()
        array[::part] = False
        segmentation = rt.edit_node.GetSegmentation()
        segmentation.GetSegment(rt.edited).AddRepresentation(
            vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(),
            oriented_image(Mask(array, mask.grid), mask.grid),
        )
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)

    @rule()
    def finish_volume_edit(self):
        self.presenter.finish_volume_edit()

    @rule()
    def delete_volume_edit_node(self):
        if self.panel.view.rt.edit_node is not None:
            self.panel.scene.RemoveNode(self.panel.view.rt.edit_node)

    @invariant()
    def volumes_and_scene_agree(self):
        rt, state, scene = self.panel.view.rt, self.panel.state, self.panel.planning_scene
        names = [volume.name for volume in state.volumes]
        assert [row.name for row in rt.rows] == names and len(set(names)) == len(names)
        node = scene.node(VOLUMES)
        assert set(names) == (set(segment_ids(node)) if node is not None else set())
        assert rt.selected is None or rt.selected in names
        assert (rt.edited is None) == (rt.edit_node is None)
        assert rt.edited is None or self.panel.view.edited is None
        assert all(row.volume_ml > 0 and np.isfinite(row.volume_ml) for row in rt.rows)
        marks = [n for n in _markups(self.panel.scene) if n.GetAttribute(LANDMARK_ATTRIBUTE)]
        shown = {n.GetAttribute(LANDMARK_ATTRIBUTE) for n in marks if n.GetDisplayNode().GetVisibility()}
        placed = {row.name for row in rt.landmarks if row.superior_mm is not None}
        assert shown == (placed if rt.are_planes_shown else set())


def _markups(scene):
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return [node for node in nodes if node.IsA("vtkMRMLMarkupsNode")]


class TestVolumesAnyOrder(VolumesAnyOrder.TestCase):
    settings = any_order_settings(examples=3, steps=60)
