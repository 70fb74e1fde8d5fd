"""What psma-planning benchmark times of the consensus, beside SimpleITK on the same voxels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk

from ..consensus.domain import Domain
from ..consensus.fusion import FusionOptions, fuse
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .benchmark_works import Sides, Work

_INPUTS = 7
_LESIONS = 60
_LESION_EDGE = 40
_SEED = 7
_WHOLE_GRID = FusionOptions(domain=Domain("full"))


def balls(edge: int, radius: float, seed: int) -> list[Mask]:
    """Seven balls that differ by some voxels in place and size, in a cube of `edge` voxels of 1 mm."""
    random = np.random.default_rng(seed)
    grid = VoxelGrid((edge,) * 3, (1.0, 1.0, 1.0))
    axes = np.ogrid[:edge, :edge, :edge]
    masks = []
    for _ in range(_INPUTS):
        centre = edge / 2 + random.uniform(-0.15, 0.15, 3) * radius
        size = radius * random.uniform(0.85, 1.15)
        squares = sum((axis - middle) ** 2 for axis, middle in zip(axes, centre, strict=True))
        masks.append(Mask(squares < size**2, grid))
    return masks


def itk_images(masks: Sequence[Mask]) -> list[sitk.Image]:
    return [sitk.GetImageFromArray(mask.array.view(np.uint8)) for mask in masks]


def itk_staple(images: Sequence[sitk.Image]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability (K, J, I), sensitivity and specificity (N,) by SimpleITK."""
    staple = sitk.STAPLEImageFilter()
    staple.SetForegroundValue(1)
    probability = sitk.GetArrayFromImage(staple.Execute(list(images)))
    return probability, np.array(staple.GetSensitivity()), np.array(staple.GetSpecificity())


@contextmanager
def _staple() -> Iterator[Sides]:
    masks = balls(200, 40.0, _SEED)
    images = itk_images(masks)
    yield Sides(lambda: fuse(masks, "staple", _WHOLE_GRID), lambda: itk_staple(images))


@contextmanager
def _majority() -> Iterator[Sides]:
    masks = balls(200, 40.0, _SEED)
    images = itk_images(masks)
    yield Sides(lambda: fuse(masks, "majority"), lambda: sitk.LabelVoting(images))


@contextmanager
def _patient() -> Iterator[Sides]:
    lesions = [balls(_LESION_EDGE, 4.0 + 0.15 * n, _SEED + n) for n in range(_LESIONS)]
    images = [itk_images(masks) for masks in lesions]

    def ours() -> None:
        for masks in lesions:
            fuse(masks, "staple", _WHOLE_GRID)

    def peer() -> None:
        for of_lesion in images:
            itk_staple(of_lesion)

    yield Sides(ours, peer)


_INCLUDES = "from masks in memory to probability, contour, sensitivity and specificity; same whole grid"

WORKS = (
    Work("staple", "SimpleITK STAPLE, 7 inputs of 200 x 200 x 200", 80.0, _INCLUDES, _staple),
    Work(
        "majority",
        "SimpleITK LabelVoting, 7 inputs of 200 x 200 x 200",
        20.0,
        "from masks in memory to the contour; same whole grid",
        _majority,
    ),
    Work(
        "patient",
        "SimpleITK STAPLE lesion by lesion, 60 lesions, 7 inputs of 40 x 40 x 40",
        30.0,
        _INCLUDES,
        _patient,
    ),
)
