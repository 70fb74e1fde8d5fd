"""The digital patient: parameters in, images and truth out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ..grid import VoxelGrid
from ..image import Image, Mask, Quantity
from .anatomy import draw_clips, draw_frame, draw_pelvic_organs, draw_upper_organs, draw_ureters
from .bowel import draw_bowel
from .canvas import Canvas
from .ct import CtScan, body_box, empty_scan
from .filling import members
from .grain import make_grain
from .lesions import LesionPlacer, ball_offsets, check_place, draw_node, standard_lesions
from .parameters import PhantomLesion, PhantomParameters
from .pet import PetScan, add_noise, noise_field
from .physique import Physique
from .planning import make_planning_ct, rigid_matrix
from .skeleton import draw_skeleton
from .tissues import CODES, STRUCTURES, TISSUES
from .uids import uid_of
from .vessels import Vessel, draw_vessels, make_vessels
from .volumes import FEMORAL_HEAD_TOP_Z, bed_top, make_volumes

Progress = Callable[[float, str], None]
_HELPERS = 2
_LOWEST_Z = -165.0
# The limits of the published overlap classes, which the coverage table uses too.
_INSIDE_ABOVE, _OUTSIDE_BELOW = 0.9, 0.1


@dataclass(frozen=True)
class LesionTruth:
    """What is known about one lesion.

    volume_ml: of the exact sphere.
    background_suv: blurred, noise-free uptake at its middle if the lesion were not there.
    coverage: share of its volume inside each standard volume.
    coverage_class: inside (above 90 %), outside (below 10 %) or partial, per standard volume.
    """

    name: str
    region: str
    side: str
    centre_ras: tuple[float, float, float]
    diameter_mm: float
    volume_ml: float
    true_suv: float
    background_suv: float
    coverage: dict[str, float]
    coverage_class: dict[str, str]

    @property
    def contrast(self) -> float:
        """True uptake over local background."""
        return self.true_suv / self.background_suv if self.background_suv > 0 else float("inf")


@dataclass(frozen=True, eq=False)
class Phantom:
    """A patient with known truth.

    labels: one tissue per CT voxel, see `tissue_names`; (K, J, I) uint8 on the CT's grid.
    volumes: CTVsb, PTVsb, CTVn, PTVn on parts of the CT's grid.
    landmarks: named RAS points.
    planning_from_ct: 4 x 4, RAS of the CT to RAS of the planning CT; identity without a planning CT.
    """

    parameters: PhantomParameters
    physique: Physique
    pet: Image
    ct: Image
    labels: np.ndarray
    lesions: tuple[LesionTruth, ...]
    volumes: dict[str, Mask]
    landmarks: dict[str, tuple[float, float, float]]
    planning_ct: Image | None = None
    planning_from_ct: np.ndarray = field(default_factory=lambda: np.eye(4))

    @property
    def tissue_names(self) -> tuple[str, ...]:
        """Name of each label; the position is the label."""
        return tuple(t.name for t in TISSUES)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names `structure` knows: TotalSegmentator's and the phantom's finer ones."""
        return tuple(STRUCTURES)

    def structure(self, name: str) -> Mask:
        """A named structure on the CT's grid."""
        table = np.zeros(256, bool)
        table[list(STRUCTURES[name])] = True
        return Mask(members(self.labels, table), self.ct.grid)

    def lesion_mask(self, name: str, grid: VoxelGrid | None = None) -> Mask:
        """Voxels of a grid (the CT's by default) whose middle lies inside a lesion's sphere."""
        truth = next(lesion for lesion in self.lesions if lesion.name == name)
        grid = grid or self.ct.grid
        mask = np.zeros(grid.shape_kji, bool)
        middle, reach = grid.kji_of(truth.centre_ras), truth.diameter_mm / 2 / np.array(grid.spacing_kji_mm)
        low = np.maximum(np.floor(middle - reach).astype(int), 0)
        high = np.minimum(np.ceil(middle + reach).astype(int) + 1, grid.shape_kji)
        inside = np.stack(
            np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1
        )
        distance = np.linalg.norm(grid.ras_of(inside) - truth.centre_ras, axis=-1)
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = distance <= truth.diameter_mm / 2
        return Mask(mask, grid)

    def true_suv_of(self, tissue: str) -> float:
        """Uptake given to a tissue before the blur."""
        return self.parameters.tracer_data.uptake[TISSUES[CODES[tissue]].uptake]


def make_phantom(parameters: PhantomParameters | None = None, progress: Progress | None = None) -> Phantom:
    """Draw the patient of these parameters; equal parameters give equal voxels.

    progress: called with the share done (0 to 1) and the name of the next step; may raise to cancel.
    Raises PhantomError when a lesion cannot lie where it was asked for.
    """
    parameters = parameters or PhantomParameters()
    tell = progress or (lambda _share, _step: None)
    body, places, ct_noise, pet_noise = (
        np.random.default_rng(s) for s in np.random.SeedSequence(parameters.seed).spawn(4)
    )
    physique = Physique.drawn(body)
    ct_grid, pet_grid = _grids(parameters, physique)
    wanted = parameters.lesions if parameters.lesions is not None else standard_lesions(places)
    with ThreadPoolExecutor(_HELPERS) as helpers:
        grain = helpers.submit(make_grain, ct_grid, parameters.ct_noise_hu, ct_noise)
        canvas = Canvas(ct_grid, physique, body)
        tell(0.0, "anatomy")
        draw_frame(canvas, physique)
        # From here on nothing is drawn behind the patient: the scanner is made ready beside the drawing.
        empty = helpers.submit(empty_scan, canvas.labels, ct_grid, grain.result())
        vessels, centres = _draw_inside(canvas, physique, wanted, body, places, tell)
        canvas.labels.flags.writeable = False
        tell(0.5, "standard volumes and PET")
        whole = body_box(canvas.labels)
        scan = PetScan(canvas.labels, ct_grid, pet_grid, parameters.tracer_data, parameters.fwhm_mm, whole)
        pet = helpers.submit(_make_pet, scan, parameters, list(zip(wanted, centres, strict=True)), pet_noise)
        drawn = helpers.submit(make_volumes, canvas, physique, vessels)
        numbers = CtScan(canvas.labels, ct_grid, whole, grain.result()).acquire(empty.result(), helpers)
        tell(0.8, "CT")
        (uptake, background), volumes = pet.result(), drawn.result()
    frame = uid_of(parameters, "frame of reference")
    ct = Image(numbers, ct_grid, Quantity.HOUNSFIELD, frame)
    planning, matrix = None, np.eye(4)
    if parameters.planning_offset is not None:
        tell(0.9, "planning CT")
        matrix = rigid_matrix(parameters.planning_offset, ct_grid)
        planning = make_planning_ct(ct, matrix, uid_of(parameters, "planning frame of reference"))
    placed = zip(wanted, centres, strict=True)
    tell(1.0, "done")
    return Phantom(
        parameters=parameters,
        physique=physique,
        pet=Image(uptake, pet_grid, Quantity.SUVBW, frame),
        ct=ct,
        labels=canvas.labels,
        lesions=tuple(_truth(lesion, centre, background, pet_grid, volumes) for lesion, centre in placed),
        volumes=volumes,
        landmarks=_landmarks(physique),
        planning_ct=planning,
        planning_from_ct=matrix,
    )


def _make_pet(
    scan: PetScan,
    parameters: PhantomParameters,
    placed: list[tuple[PhantomLesion, tuple[float, float, float]]],
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The PET with lesions and noise, and without either."""
    background = scan.blurred_uptake()
    uptake = background.copy()
    for lesion, centre in placed:
        scan.add_lesion(uptake, centre, lesion.diameter_mm, lesion.true_suv)
    part = uptake[scan.reach]
    if parameters.noise:
        field = noise_field(part.shape, scan.pet, parameters.noise_fwhm_mm, generator)
        add_noise(part, field, parameters.noise)
    np.maximum(uptake, 0, out=uptake)
    return uptake, background


def _draw_inside(
    canvas: Canvas,
    physique: Physique,
    wanted: tuple[PhantomLesion, ...],
    body: np.random.Generator,
    places: np.random.Generator,
    tell: Progress,
) -> tuple[dict[str, Vessel], list[tuple[float, float, float]]]:
    """Draw all that the frame surrounds; returns the vessels and the RAS middle of each lesion."""
    draw_skeleton(canvas)
    tell(0.25, "organs")
    draw_upper_organs(canvas, body)
    vessels = make_vessels(physique, body)
    draw_vessels(canvas, vessels, body)
    draw_pelvic_organs(canvas, physique, body)
    draw_clips(canvas, vessels, body)
    tell(0.35, "lesions and bowel")
    placer = LesionPlacer(canvas, physique, vessels, places)
    centres = []
    for lesion in wanted:
        centres.append(placer.place(lesion))
        draw_node(canvas, lesion, centres[-1])
    draw_ureters(canvas, np.array(centres).reshape(-1, 3), body)
    draw_bowel(canvas, body)
    for lesion, centre in zip(wanted, centres, strict=True):
        check_place(canvas, lesion, centre)
    return vessels, centres


def _grids(parameters: PhantomParameters, physique: Physique) -> tuple[VoxelGrid, VoxelGrid]:
    """CT and PET grids that do not coincide: other spacing, other origin, other extent."""
    full = parameters.variant == "full"
    low = physique.patient_z(_LOWEST_Z)
    middle = physique.offset_ras
    return (
        _grid(parameters.ct_spacing, (500.0, 500.0, 516.0) if full else (428.0, 320.0, 496.0), low, middle),
        _grid(parameters.pet_spacing, (672.0, 672.0, 513.0) if full else (440.0, 352.0, 492.0), low + 1.3,
              (middle[0] + 1.37, middle[1] - 0.83)),
    )  # fmt: skip


def _grid(spacing: tuple, extent: tuple, low: float, middle: tuple) -> VoxelGrid:
    columns, rows, slices = (round(e / s) for e, s in zip(extent, spacing, strict=True))
    origin = (middle[0] + spacing[0] * (columns - 1) / 2, middle[1] + 8.0 + spacing[1] * (rows - 1) / 2, low)
    return VoxelGrid((slices, rows, columns), spacing, origin, ((-1.0, 0, 0), (0, -1.0, 0), (0, 0, 1.0)))


def _truth(
    lesion: PhantomLesion, centre: tuple, background: np.ndarray, grid: VoxelGrid, volumes: dict[str, Mask]
) -> LesionTruth:
    points = np.array(centre) + ball_offsets(lesion.diameter_mm / 2, 15)
    coverage, classes = {}, {}
    for name, mask in volumes.items():
        nearest = np.rint(mask.grid.kji_of(points)).astype(int)
        held = ((nearest >= 0) & (nearest < mask.array.shape)).all(axis=1)
        share = float(mask.array[tuple(nearest[held].T)].sum() / len(points))
        coverage[name] = share
        classes[name] = (
            "inside" if share > _INSIDE_ABOVE else "outside" if share < _OUTSIDE_BELOW else "partial"
        )
    volume = np.pi / 6 * lesion.diameter_mm**3 / 1000
    return LesionTruth(
        name=lesion.name,
        region=lesion.region,
        side=lesion.side,
        centre_ras=tuple(float(x) for x in centre),
        diameter_mm=lesion.diameter_mm,
        volume_ml=float(volume),
        true_suv=lesion.true_suv,
        background_suv=_value_at(background, grid, centre),
        coverage=coverage,
        coverage_class=classes,
    )


def _value_at(array: np.ndarray, grid: VoxelGrid, point_ras: tuple) -> float:
    kji = grid.kji_of(point_ras)
    low = np.clip(np.floor(kji).astype(int), 0, np.array(array.shape) - 2)
    f = np.clip(kji - low, 0, 1)
    cell = array[tuple(slice(a, a + 2) for a in low)].astype(float)
    for share in f:
        cell = cell[0] * (1 - share) + cell[1] * share
    return float(cell)


def _landmarks(physique: Physique) -> dict[str, tuple[float, float, float]]:
    template = {
        "aortic_bifurcation": (-6, 31, physique.bifurcation_z),
        "L4_L5": (0, 0, 152),
        "L5_S1": (0, -18, 123),
        "S1_top": (0, -22, 119),
        "S3_bottom": (0, -83, 57),
        "femoral_head_top_left": (-86, -5, FEMORAL_HEAD_TOP_Z),
        "femoral_head_top_right": (86, -5, FEMORAL_HEAD_TOP_Z),
        "symphysis_top": (0, 42, 0),
        "anastomosis": (0, 12, -6),
        "penile_bulb_top": (0, -6, -27),
        "seminal_vesicle_bed_top": bed_top(physique),
    }
    return {name: tuple(map(float, physique.to_patient(np.array(point)))) for name, point in template.items()}
