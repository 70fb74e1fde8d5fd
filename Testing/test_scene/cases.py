"""A small patient: body, bones, an organ, a target, and lesions inside, across and outside the target."""

from __future__ import annotations

import numpy as np
from PSMAPlanningLib.coverage.lesion_coverage import CoverageClass, LesionVolumeCoverage
from PSMAPlanningLib.delineation.avid_regions import AvidRegion
from PSMAPlanningLib.delineation.rules import Delineation
from PSMAPlanningLib.imaging.grid import VoxelGrid, bounding_box
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.records import CaseState, Change, Contour, Lesion, LesionState, RtVolume
from scipy import ndimage

SHAPE_KJI = (50, 60, 60)
SPACING_MM = (4.0, 4.0, 3.0)
CENTER_LOCAL_MM = np.array([118.0, 118.0, 73.5])

# Centers in millimetres from the middle of the grid along I, J, K; radius; SUV; factors of the fine grid.
LESIONS = {
    "L01": ((0.0, 0.0, -10.0), 8.0, 12.0, (3, 4, 4)),
    "L02": ((-30.0, 0.0, 0.0), 9.0, 9.0, (3, 4, 4)),
    "L03": ((60.0, 10.0, 35.0), 7.0, 15.0, (3, 2, 2)),
}
CLASSES = {"L01": "inside", "L02": "partial", "L03": "outside"}

IDENTITY = np.eye(3)
LEFT_HANDED = np.diag([-1.0, 1.0, 1.0])


def oblique_direction(degrees: float = 20.0) -> np.ndarray:
    a = np.radians(degrees)
    turn_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(a / 2), -np.sin(a / 2)], [0, np.sin(a / 2), np.cos(a / 2)]])
    return turn_z @ turn_x


DIRECTIONS = {
    "straight": IDENTITY,
    "oblique": oblique_direction(),
    "left_handed": oblique_direction() @ LEFT_HANDED,
}


def pet_grid(direction: np.ndarray = IDENTITY, origin_ras: tuple = (-110.0, -130.0, 20.0)) -> VoxelGrid:
    return VoxelGrid(SHAPE_KJI, SPACING_MM, origin_ras, tuple(map(tuple, direction)))


def local_mm(grid: VoxelGrid) -> np.ndarray:
    """Position of each voxel along I, J, K from the middle of the patient, (K, J, I, 3)."""
    k, j, i = np.indices(grid.shape_kji)
    spacing = np.array(grid.spacing_mm)
    # The grid may be a crop or a refinement: its own first voxel tells where it is in the parent.
    return np.stack([i, j, k], axis=-1) * spacing


def ball(grid: VoxelGrid, center_ras: np.ndarray, radius_mm: float) -> Mask:
    points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1))
    return Mask(np.linalg.norm(points - center_ras, axis=-1) <= radius_mm, grid)


def place(grid: VoxelGrid, offset_mm: tuple[float, float, float]) -> np.ndarray:
    """RAS of a point given from the middle of the grid along I, J, K."""
    local = CENTER_LOCAL_MM + np.array(offset_mm)
    return grid.ras_of((local / np.array(SPACING_MM))[::-1])


def small_state(
    direction: np.ndarray = IDENTITY, with_ct: bool = True, with_volumes: bool = True
) -> CaseState:
    grid = pet_grid(direction)
    points = local_mm(grid) - CENTER_LOCAL_MM
    body = ((points[..., 0] / 105) ** 2 + (points[..., 1] / 80) ** 2) < 1
    activity = np.where(body, 0.4, 0.02)
    for offset, radius, suv, _ in LESIONS.values():
        activity = activity + np.where(np.linalg.norm(points - offset, axis=-1) <= radius, suv, 0)
    pet = Image(ndimage.gaussian_filter(activity, 1.0).astype(np.float32), grid, Quantity.SUVBW)

    lesions = tuple(_lesion(lesion_id, pet, *LESIONS[lesion_id]) for lesion_id in LESIONS)
    volumes = ()
    if with_volumes:
        ctv = Mask(
            (np.abs(points[..., 0]) < 30) & (np.abs(points[..., 1]) < 25) & (np.abs(points[..., 2]) < 30),
            grid,
        )
        bladder = Mask(np.linalg.norm(points - np.array([0, 40, 10]), axis=-1) < 22, grid)
        volumes = (
            RtVolume("CTVp", ctv, "CTV", "imported", "volumes.nrrd"),
            RtVolume("Bladder", bladder, "ORGAN", "imported", "volumes.nrrd"),
        )
    ct = _ct(body, points, grid) if with_ct else None
    return CaseState(
        pet=pet, ct=ct, lesions=lesions, volumes=volumes, regions=tuple(n.region for n in lesions)
    )


def coverage_of(state: CaseState) -> dict[str, dict[str, LesionVolumeCoverage]]:
    fractions = {"inside": 1.0, "partial": 0.5, "outside": 0.0}

    def one(name: str, lesion_id: str) -> LesionVolumeCoverage:
        name_of_class = CLASSES[lesion_id] if name == "CTVp" else "outside"
        return LesionVolumeCoverage(CoverageClass(name_of_class), fractions[name_of_class], 1.5, 1.0)

    return {lesion.id: {v.name: one(v.name, lesion.id) for v in state.volumes} for lesion in state.lesions}


def _lesion(
    lesion_id: str, pet: Image, offset: tuple, radius: float, suv: float, factors: tuple[int, int, int]
) -> Lesion:
    center = place(pet.grid, offset)
    coarse = ball(pet.grid, center, radius)
    box = bounding_box(coarse.array, 2)
    fine = pet.grid.crop(box).refine(factors)
    inside = pet.array[coarse.array]
    region = AvidRegion(
        lesion_id,
        box,
        Mask(coarse.array[box], pet.grid.crop(box)),
        float(inside.max()),
        float(inside.mean()),
        tuple(center),
        tuple(center),
    )
    consensus = ball(fine, center, radius)
    candidates = (
        Delineation("fixed_suv", {"suv": 3.0}, 3.0, ball(fine, center, radius * 1.2)),
        Delineation("percent_max", {"percent": 41.0}, 0.41 * suv, ball(fine, center, radius * 0.9)),
    )
    return Lesion(
        lesion_id,
        region,
        candidates,
        Contour(consensus, "consensus", "majority", None, ("fixed_suv", "percent_max")),
        LesionState.PROPOSED,
        (Change("proposed", "test", "2026-01-01T00:00:00+00:00"),),
    )


def _ct(body: np.ndarray, points: np.ndarray, grid: VoxelGrid) -> Image:
    hounsfield = np.where(body, 30.0, -1000.0)
    spine = np.hypot(points[..., 0], points[..., 1] + 50) < 14
    hips = np.linalg.norm(np.abs(points) * [1, 1, 1] - [65, 0, 30], axis=-1) < 20
    hounsfield[spine | hips] = 500.0
    return Image(hounsfield.astype(np.int16), grid, Quantity.HOUNSFIELD)
