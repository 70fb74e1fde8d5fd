"""The benchmark's consensus rows compare like with like; seconds are never asserted on."""

import numpy as np
import pytest
from PSMAPlanningLib.commands.benchmark_consensus import WORKS, balls, itk_images, itk_staple
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.fusion import FusionOptions, fuse


def test_both_sides_give_the_same_answer():
    masks = balls(40, 9.0, 3)
    probability, sensitivity, specificity = itk_staple(itk_images(masks))
    ours = fuse(masks, "staple", FusionOptions(domain=Domain("full")))
    assert np.abs(ours.probability - probability).max() <= 1e-6
    assert ours.sensitivity == pytest.approx(sensitivity, abs=1e-6)
    assert ours.specificity == pytest.approx(specificity, abs=1e-6)


def test_targets_are_those_of_the_issue():
    assert [(work.name, work.target) for work in WORKS] == [("staple", 80), ("majority", 20), ("patient", 30)]


@pytest.mark.slow
def test_full_size_equals_simpleitk():
    masks = balls(200, 40.0, 7)
    probability, sensitivity, specificity = itk_staple(itk_images(masks))
    ours = fuse(masks, "staple", FusionOptions(domain=Domain("full")))
    assert np.abs(ours.probability - probability).max() <= 1e-6
    assert ours.sensitivity == pytest.approx(sensitivity, abs=1e-6)
    assert ours.specificity == pytest.approx(specificity, abs=1e-6)
