"""Drawing on a node of its own: what was drawn is found, what was not is not, nothing is left."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.edit_session import REACH_MM, EditSession
from PSMAPlanningLib.scene.owned_nodes import LESIONS, PET
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.segments import oriented_image, segment_ids, segment_tag
from test_scene.cases import DIRECTIONS, ball, coverage_of, small_state


class Editing:
    def __init__(self, headless, direction, lesion_id="L02"):
        self.state = small_state(DIRECTIONS[direction])
        self.projection = SceneProjection(headless.scene)
        self.projection.update(None, self.state, coverage_of(self.state))
        self.mask = next(n.contour.mask for n in self.state.lesions if n.id == lesion_id)
        self.events = []
        pet_node = self.projection.nodes.get(PET)
        self.session = EditSession(
            headless.scene,
            lesion_id,
            self.mask,
            pet_node,
            self.state.pet.grid,
            (1.0, 0.0, 0.0),
            lambda: self.events.append(1),
        )

    def draw(self, mask):
        from slicer import vtkSegmentationConverter

        segmentation = self.session.node.GetSegmentation()
        name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
        segmentation.GetSegment(self.session.lesion_id).AddRepresentation(
            name, oriented_image(mask, mask.grid)
        )
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)


@pytest.fixture(params=DIRECTIONS)
def editing(request, headless):
    editing = Editing(headless, request.param)
    yield editing
    editing.session.close()


def test_nothing_drawn_is_nothing(editing):
    assert editing.session.drawn() is None
    editing.draw(editing.mask)
    assert editing.events
    assert editing.session.drawn() is None


def test_what_was_drawn_is_told_once(editing):
    bigger = ball(editing.mask.grid, np.array(editing.mask.centroid_ras()), 10.0)
    editing.draw(bigger)
    drawn = editing.session.drawn()
    assert drawn.volume_ml == pytest.approx(bigger.volume_ml)
    assert drawn.centroid_ras() == pytest.approx(bigger.centroid_ras(), abs=1e-3)
    assert editing.session.drawn() is None


def test_everything_erased_is_an_empty_mask(editing):
    editing.draw(Mask(np.zeros_like(editing.mask.array), editing.mask.grid))
    assert editing.session.drawn().is_empty


def test_a_contour_put_there_is_no_drawing(editing):
    smaller = ball(editing.mask.grid, np.array(editing.mask.centroid_ras()), 5.0)
    editing.session.show(smaller)
    assert editing.session.drawn() is None
    editing.draw(editing.mask)
    assert editing.session.drawn().volume_ml == pytest.approx(editing.mask.volume_ml)


def test_one_can_draw_beyond_the_contour_but_not_beyond_the_pet(editing):
    from slicer import vtkOrientedImageData, vtkSegmentationConverter

    text = editing.session.node.GetSegmentation().GetConversionParameter(
        vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    )
    geometry = vtkOrientedImageData()
    assert vtkSegmentationConverter.DeserializeImageGeometry(text, geometry, False)
    spacing = np.array(geometry.GetSpacing())
    size_mm = np.array(geometry.GetDimensions()) * spacing
    extent_mm = np.array(editing.mask.grid.shape_kji[::-1]) * spacing
    assert np.all(size_mm <= extent_mm + 2 * REACH_MM + 2 * spacing)
    assert np.all(size_mm > extent_mm)
    grid = editing.state.pet.grid
    assert np.all(size_mm <= np.array(grid.shape_kji[::-1]) * grid.spacing_mm + 2 * spacing)


def test_the_nodes_of_the_case_are_not_touched(editing):
    node = editing.projection.nodes.get(LESIONS)
    before = [
        segment_tag(node.GetSegmentation().GetSegment(i), "PSMAPlanning.State") for i in segment_ids(node)
    ]
    editing.draw(ball(editing.mask.grid, np.array(editing.mask.centroid_ras()), 10.0))
    after = [
        segment_tag(node.GetSegmentation().GetSegment(i), "PSMAPlanning.State") for i in segment_ids(node)
    ]
    assert after == before
    assert node is not editing.session.node
    assert not editing.session.node.GetSaveWithScene()


def test_close_leaves_nothing_even_twice_or_after_deletion(headless):
    editing = Editing(headless, "straight")
    editing.session.close()
    count = headless.scene.GetNumberOfNodes()
    other = EditSession(
        headless.scene,
        "L02",
        editing.mask,
        editing.projection.nodes.get(PET),
        editing.state.pet.grid,
        (1.0, 0.0, 0.0),
        lambda: None,
    )
    headless.scene.RemoveNode(other.node)
    assert other.drawn() is None
    other.show(ball(editing.mask.grid, np.array(editing.mask.centroid_ras()), 5.0))
    other.close()
    other.close()
    displays = headless.scene.GetNumberOfNodes() - count
    assert displays <= 0
