"""Rigid registration of the PET's CT to the planning CT on bone, with SimpleITK.

Only bone counts: bladder, rectum and bowel move between two days, and would pull the pelvis along. The
result is never used without being asked for, and its residual is always told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import fft

from ..errors import CancelledError, RegistrationError
from ..progress import Stage, no_progress
from .bone_surface import BONE_HU, bone_surface, coarser, residual
from .image import Image
from .registration import RigidTransform

LARGEST_RESIDUAL_MM = 2.0
"""Above it the registration is refused. A pelvis that was moved and resampled at 3 mm came back to 0.7 mm,
the pelvis of another person to 2.9 mm; it does not prove that two CTs are one patient's."""
_FULL_BONE_HU = 700.0
_SEARCH_SPACING_MM = 8.0
_LEVELS_MM = (6.0, 3.0)
_MASK_MARGIN_MM = 9.0
_SMALLEST_OVERLAP = 0.3
_ITERATIONS = 120


@dataclass(frozen=True)
class BoneRegistration:
    """planning_from_pet: from the frame of the PET's CT to the planning CT's.

    residual_mm: mean distance between the bone surfaces of the two CTs after it, where they overlap.
    """

    planning_from_pet: RigidTransform
    residual_mm: float


def register_bone(planning_ct: Image, pet_ct: Image, stage: Stage | None = None) -> BoneRegistration:
    """The rotation and shift that lay the bones of the PET's CT on those of the planning CT.

    Both in Hounsfield units. A coarse search over shifts (normalised correlation of bone by FFT), then
    mean squares of bone density around the planning CT's bones, Euler angles, regular-step gradient
    descent on two resolutions. All voxels are used and one thread adds them up, so that the same CTs give
    the same transform.

    Raises RegistrationError when the bones do not come together, CancelledError when the stage says so.
    """
    stage = stage or Stage(no_progress)
    stage.report(0.0, "looking for bone")
    surfaces = bone_surface(planning_ct), bone_surface(pet_ct)
    images = {mm: (coarser(planning_ct, mm), coarser(pet_ct, mm)) for mm in _LEVELS_MM}
    stage.report(0.2, "searching the shift")
    # The map of points from the planning CT to the PET's CT, as ITK wants it.
    transform = sitk.Euler3DTransform()
    fixed, moving = images[_LEVELS_MM[0]]
    transform.SetCenter(_bone_centre(fixed))
    transform.SetTranslation(_best_shift(fixed, moving))
    for number, spacing_mm in enumerate(_LEVELS_MM):
        part = stage.part(0.3 + 0.3 * number, 0.6 + 0.3 * number)
        transform = _refined(*images[spacing_mm], transform, spacing_mm, part)
    stage.report(0.9, "measuring the residual")
    result = RigidTransform.from_lps(_matrix(transform)).inverse()
    found = residual(*surfaces, result)
    if not found.is_plausible or found.mean_mm > LARGEST_RESIDUAL_MM:
        raise RegistrationError(
            f"The bones of the two CTs did not come together (mean distance {found.mean_mm:.1f} mm, "
            f"{found.matched_fraction:.0%} of the bone surface matched); check that both show the pelvis of "
            "one patient, or give the registration with --transform."
        )
    stage.report(1.0, "registered")
    return BoneRegistration(result, found.mean_mm)


def _bone(image: sitk.Image) -> sitk.Image:
    """Bone density from 0 (BONE_HU and below) to 1."""
    return sitk.IntensityWindowing(image, BONE_HU / 2, _FULL_BONE_HU, 0.0, 1.0)


def _bone_centre(image: sitk.Image) -> list[float]:
    array = sitk.GetArrayFromImage(_bone(image))
    weight = float(array.sum())
    if weight == 0.0:
        raise RegistrationError(
            "The planning CT shows no bone; give the registration with --transform instead."
        )
    index = [float((array.sum(axis=others) @ np.arange(n)) / weight) for n, others in _axes_ijk(array.shape)]
    return list(image.TransformContinuousIndexToPhysicalPoint(index))


def _axes_ijk(shape_kji: tuple[int, int, int]) -> list[tuple[int, tuple[int, int]]]:
    return [(shape_kji[2], (0, 1)), (shape_kji[1], (0, 2)), (shape_kji[0], (1, 2))]


def _best_shift(fixed: sitk.Image, moving: sitk.Image) -> list[float]:
    """LPS shift from planning to PET points for which bone correlates best, in steps of 8 mm."""
    a, origin_a = _upright(fixed)
    b, origin_b = _upright(moving)
    shape = [fft.next_fast_len(n + m - 1, real=True) for n, m in zip(a.shape, b.shape, strict=True)]

    def correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return fft.irfftn(np.conj(fft.rfftn(x, shape)) * fft.rfftn(y, shape), shape)

    # Each normalised over the part of the two grids that overlaps at that shift.
    ones_a, ones_b = np.ones_like(a), np.ones_like(b)
    product, energy_a, energy_b = correlation(a, b), correlation(a**2, ones_b), correlation(ones_a, b**2)
    enough = (energy_a >= _SMALLEST_OVERLAP * float((a**2).sum())) & (
        energy_b >= min(_SMALLEST_OVERLAP * float((a**2).sum()), 0.5 * float((b**2).sum()))
    )
    score = np.where(enough, product / np.sqrt(np.maximum(energy_a * energy_b, 1e-6)), -1.0)
    lag = np.array(np.unravel_index(int(score.argmax()), score.shape), dtype=float)
    lag = np.where(lag >= np.array(b.shape), lag - np.array(shape), lag)
    return (origin_b - origin_a + lag[::-1] * _SEARCH_SPACING_MM).tolist()


def _upright(image: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """Bone density on axes along L, P and S, with the LPS position of its first voxel."""
    size = np.array(image.GetSize())
    corners = np.array(
        [
            image.TransformContinuousIndexToPhysicalPoint((float(i), float(j), float(k)))
            for i in (0, size[0] - 1)
            for j in (0, size[1] - 1)
            for k in (0, size[2] - 1)
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    reference = sitk.Image(
        [int(n) for n in np.floor((high - low) / _SEARCH_SPACING_MM) + 1], sitk.sitkFloat32
    )
    reference.SetSpacing([_SEARCH_SPACING_MM] * 3)
    reference.SetOrigin(low.tolist())
    smooth = sitk.DiscreteGaussian(_bone(image), (_SEARCH_SPACING_MM / 2) ** 2)
    return sitk.GetArrayFromImage(sitk.Resample(smooth, reference)), low


def _refined(
    fixed: sitk.Image, moving: sitk.Image, start: sitk.Euler3DTransform, spacing_mm: float, stage: Stage
) -> sitk.Euler3DTransform:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.NONE)
    bone = sitk.BinaryThreshold(fixed, BONE_HU, 1e5)
    radius = [max(1, round(_MASK_MARGIN_MM / s)) for s in fixed.GetSpacing()]
    method.SetMetricFixedMask(sitk.BinaryDilate(bone, radius))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=spacing_mm / 2,
        minStep=0.005,
        numberOfIterations=_ITERATIONS,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-8,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    transform = sitk.Euler3DTransform(start)
    method.SetInitialTransform(transform, inPlace=True)
    stopped: list[CancelledError] = []

    def watch() -> None:
        try:
            stage.report(min(1.0, method.GetOptimizerIteration() / _ITERATIONS), "registering bone")
        except CancelledError as error:
            # An exception would not pass through ITK's C++.
            stopped.append(error)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, watch)
    try:
        method.Execute(_bone(fixed), _bone(moving))
    except RuntimeError:
        if not stopped:
            raise RegistrationError(
                "The two CTs do not overlap enough to be registered on bone; give the registration with "
                "--transform."
            ) from None
    if stopped:
        raise stopped[0]
    return transform


def _matrix(transform: sitk.Euler3DTransform) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return matrix
