from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.scene.segments import (
    SegmentContent,
    common_grid,
    onto_grid,
    oriented_image,
    read_segment,
    write_segment,
)

from .cases import DIRECTIONS, ball, pet_grid


def fine_ball(grid, factors, radius=9.0):
    box = tuple(slice(10, 30) for _ in range(3))
    fine = grid.crop(box).refine(factors)
    return ball(fine, grid.ras_of(np.array([20.0, 20.0, 20.0])), radius)


def content(mask, lattice, name="L01"):
    return SegmentContent(name, mask, (1.0, 0.5, 0.0), "", {"PSMAPlanning.Id": name}, lattice)


def a_node(scene):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    return node


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_mask_comes_back_voxel_by_voxel(headless, direction):
    grid = pet_grid(DIRECTIONS[direction])
    mask = fine_ball(grid, (3, 4, 4))
    node = a_node(headless.scene)
    write_segment(node, "L01", content(mask, common_grid([mask], grid)))
    back = read_segment(node, "L01")
    cropped = mask.cropped()
    np.testing.assert_array_equal(back.array, cropped.array)
    assert back.grid.same_as(cropped.grid)


def test_coarser_masks_are_repeated_exactly_on_the_finest_grid():
    grid = pet_grid(DIRECTIONS["oblique"])
    coarse, fine = fine_ball(grid, (1, 2, 2)), fine_ball(grid, (3, 4, 4))
    lattice = common_grid([coarse, fine], grid)
    assert lattice.shape_kji == tuple(n * f for n, f in zip(grid.shape_kji, (3, 4, 4), strict=True))
    brought = onto_grid(coarse, lattice)
    repeated = np.kron(coarse.cropped().array, np.ones((3, 2, 2), dtype=bool))
    np.testing.assert_array_equal(brought.array, repeated)
    assert brought.volume_ml == pytest.approx(coarse.volume_ml)
    np.testing.assert_allclose(brought.centroid_ras(), coarse.centroid_ras(), atol=1e-6)


def test_a_mask_already_on_the_lattice_is_unchanged():
    grid = pet_grid()
    mask = fine_ball(grid, (3, 4, 4))
    np.testing.assert_array_equal(onto_grid(mask, grid.refine((3, 4, 4))).array, mask.cropped().array)


def test_a_segment_is_no_larger_than_its_mask():
    grid = pet_grid()
    mask = fine_ball(grid, (3, 4, 4))
    image = oriented_image(mask, grid.refine((3, 4, 4)))
    assert image.GetNumberOfPoints() == mask.cropped().array.size
    assert image.GetExtent()[0] > 0


def test_overlapping_segments_keep_their_voxels_through_merging(headless):
    grid = pet_grid()
    large, small = fine_ball(grid, (3, 4, 4), 12.0), fine_ball(grid, (3, 4, 4), 6.0)
    lattice = grid.refine((3, 4, 4))
    node = a_node(headless.scene)
    for name, mask in (("large", large), ("small", small)):
        write_segment(node, name, content(mask, lattice, name))
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert read_segment(node, "large").voxels == large.voxels
    assert read_segment(node, "small").voxels == small.voxels


def test_a_segment_can_be_replaced_after_slicer_merged_it(headless):
    grid = pet_grid()
    lattice = grid.refine((3, 4, 4))
    masks = {name: fine_ball(grid, (3, 4, 4), r) for name, r in (("a", 12.0), ("b", 6.0))}
    masks["c"] = onto_grid(ball(grid, grid.ras_of(np.array([40.0, 50.0, 50.0])), 10.0), lattice)
    node = a_node(headless.scene)
    for name, mask in masks.items():
        write_segment(node, name, content(mask, lattice, name))
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    write_segment(node, "c", content(masks["b"], lattice, "c"))
    assert read_segment(node, "c").voxels == masks["b"].voxels
    assert read_segment(node, "a").voxels == masks["a"].voxels


def test_reading_what_is_not_there_names_it(headless):
    with pytest.raises(SceneError, match="L99"):
        read_segment(a_node(headless.scene), "L99")
