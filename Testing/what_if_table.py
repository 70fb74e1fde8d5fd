"""What each guideline would miss: the real pelvis CT with planted lesions, as a table and a picture.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/what_if_table.py [--data FOLDER] [--picture F.png]
The places were chosen on the CT by eye, by what lies beside them, before any volume was generated. The
patient still has his prostate: bed landmarks were put where anastomosis and vesicles would be.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nodal_cases import real_structures
from PSMAPlanningLib.case_what_if import WhatIfInputs, what_if_columns, what_if_document
from PSMAPlanningLib.coverage.patient_result import PatientLesion, Target
from PSMAPlanningLib.coverage.patient_sentence import region_words
from PSMAPlanningLib.coverage.regions import Region, RegionAssignment
from PSMAPlanningLib.coverage.regions_anatomy import RegionAnatomy
from PSMAPlanningLib.coverage.regions_assign import assign_regions
from PSMAPlanningLib.coverage.what_if import Question, WhatIfColumn
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask
from PSMAPlanningLib.imaging.read import read_ct
from PSMAPlanningLib.report.what_if_card import cell_words, what_if_name
from PSMAPlanningLib.settings import RegionSettings
from PSMAPlanningLib.volume_generation import GenerationRequest, VolumeGenerator, case_anatomy, case_landmarks

SET = "pelvis_ct_totalsegmentator"
RADIUS_MM = 4.0
"""Nodes that PSMA PET finds in early recurrence have a median of 6 to 8 mm."""
LANDMARKS = (
    ("anastomosis", (0.0, 141.0, 110.0)),
    ("penile_bulb_top", (0.0, 128.0, 90.0)),
    ("seminal_vesicle_bed_top", (0.0, 116.0, 142.0)),
)
_COLOURS = {
    "rtog2009_nodes": "tab:orange", "nrg2021_nodes": "tab:green", "pivotal2015_nodes": "tab:cyan",
    "rtog2010_bed": "magenta",
}  # fmt: skip
PLANNED = {"bed": "rtog2010_bed", "nodes": "rtog2009_nodes"}


@dataclass(frozen=True)
class Planted:
    """regions: what a reader of the CT may call the place."""

    regions: tuple[str, ...]
    side: str | None
    centre_ras: tuple[float, float, float]


PLANTED = {
    "anastomosis": Planted(("anastomosis",), None, (3, 139, 111)),
    "vesicles": Planted(("retrovesical",), None, (10, 118, 130)),
    "obturator L": Planted(("obturator", "external_iliac"), "left", (-50, 150, 163)),
    "obturator behind R": Planted(("obturator",), "right", (48, 112, 151)),
    "external iliac R": Planted(("external_iliac",), "right", (45, 176, 181)),
    "internal iliac L": Planted(("internal_iliac",), "left", (-38, 122, 187)),
    "presacral": Planted(("presacral",), None, (5, 86, 199)),
    "mesorectal R": Planted(("mesorectal",), None, (22, 82, 151)),
    "common iliac R": Planted(("common_iliac",), "right", (27, 162, 224)),
    "common iliac L high": Planted(("common_iliac",), "left", (-33, 168, 253)),
    "para-aortic L": Planted(("retroperitoneal",), "left", (-31, 172, 301)),
    "inguinal R": Planted(("inguinal",), "right", (62, 203, 106)),
    "ilium L": Planted(("bone",), "left", (-57, 80, 238)),
    "vertebra L3": Planted(("bone",), None, (-4, 140, 310)),
}


@dataclass(frozen=True, eq=False)
class PlantedCase:
    """The patient with everything the table is made of."""

    ct: Image
    lesions: dict[str, Mask]
    regions: dict[str, RegionAssignment]
    generator: VolumeGenerator
    columns: tuple[WhatIfColumn, ...]


def planted_case(folder: Path, asked: tuple[Question, ...] | None = None) -> PlantedCase:
    """Volumes, regions and columns; folder: of the data set, asked: None for the usual questions."""
    structures = real_structures(lambda _: folder)
    ct = read_ct(folder / "ct.nii.gz")
    anatomy = case_anatomy(structures)
    landmarks = case_landmarks(anatomy, GenerationRequest(landmarks=LANDMARKS))
    generator = VolumeGenerator(anatomy, ct, landmarks)
    lesions = {name: ball_mask(planted.centre_ras) for name, planted in PLANTED.items()}
    regions = assign_regions(lesions, RegionAnatomy(structures, landmarks), RegionSettings())
    planned = [
        (role, Target(volume.name, volume.filled, "CTV", volume.unverified))
        for role, preset in PLANNED.items()
        for volume in generator.make_volumes(preset)
    ]
    counted = [PatientLesion(name, mask, PLANTED[name].centre_ras) for name, mask in lesions.items()]
    inputs = WhatIfInputs(counted, regions, planned, generator)
    return PlantedCase(ct, lesions, regions, generator, what_if_columns(inputs, asked))


def ball_mask(centre_ras: tuple[float, float, float]) -> Mask:
    """A ball on voxels of 1 mm."""
    reach = int(RADIUS_MM) + 2
    low = np.array(centre_ras, float) - reach
    offset = np.arange(2 * reach + 1) - reach
    squared = offset[:, None, None] ** 2 + offset[None, :, None] ** 2 + offset[None, None, :] ** 2
    return Mask(squared <= RADIUS_MM**2, VoxelGrid(squared.shape, (1.0, 1.0, 1.0), tuple(low)))


def table(case: PlantedCase) -> str:
    """Lesions by columns; * marks columns on numbers nobody verified."""
    columns = what_if_document(case.columns)
    told = [column for column in columns if column["failed"] is None]
    lines = [f"{n:>2}  {what_if_name(c)}{' *' if c['hatched'] else ''}" for n, c in enumerate(told, start=1)]
    lines += [f"    {what_if_name(c)}: {c['failed']}" for c in columns if c["failed"] is not None]
    short = {"covered": "in", "own target": "own", "outside": "out"}
    lines.append(
        f"\n{'planted':<20}{'region found':<30}" + "".join(f"{n:>8}" for n in range(1, len(told) + 1))
    )
    for name in case.lesions:
        words = region_words(case.regions[name])
        cells = []
        for column in told:
            kind, _, rest = cell_words(column["lesions"][name]).partition(", ")
            inside = kind.removesuffix(" inside")
            cells.append(inside if inside != kind else short.get(kind, kind) + rest.replace(" mm ", ""))
        lines.append(f"{name:<20}{words:<30}" + "".join(f"{cell:>8}" for cell in cells))
    lines.append(f"{'not covered':<50}" + "".join(f"{len(c['missed']):>8}" for c in told))
    counts = Counter(_agreement(case.regions[name], planted) for name, planted in PLANTED.items())
    lines.append("regions as planted: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
    return "\n".join(lines)


def _agreement(found: RegionAssignment, planted: Planted) -> str:
    if found.region is Region.UNKNOWN:
        return f"unknown ({found.why})"
    return "right" if found.region.value in planted.regions else f"wrong ({found.region.value})"


def draw(case: PlantedCase, path: Path) -> None:
    """A slice through every lesion with the volumes of three presets and the bed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    drawn = [(preset, "", colour) for preset, colour in _COLOURS.items()]
    drawn += [("rtog2009_nodes", "mesorectum", "yellow"), ("nrg2021_nodes", "para_aortic", "lime")]
    columns = 5
    rows = -(-len(PLANTED) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.4 * columns, 4.1 * rows))
    grid = case.ct.grid
    corner = grid.ras_of((0, 0, 0))
    right, front = (grid.ras_of(np.eye(3)[n]) - corner for n in (2, 1))
    r = corner[0] + right[0] * np.arange(grid.shape_kji[2])
    a = corner[1] + front[1] * np.arange(grid.shape_kji[1])
    for axis, (name, planted) in zip(axes.ravel(), PLANTED.items(), strict=False):
        k = int(np.rint(grid.kji_of(np.array(planted.centre_ras, float))[0]))
        axis.pcolormesh(r, a, case.ct.array[k], cmap="gray", vmin=-150, vmax=250)
        for preset, switch, colour in drawn:
            (volume,) = case.generator.make_volumes(preset, {switch: True} if switch else {})
            _outline(axis, volume.mask, planted.centre_ras[2], colour, "dotted" if switch else "solid")
        _outline(axis, case.lesions[name], planted.centre_ras[2], "red", "solid")
        # As radiologists look: the patient's right on the left.
        axis.set_xlim(planted.centre_ras[0] + 70, planted.centre_ras[0] - 70)
        axis.set_ylim(planted.centre_ras[1] - 65, planted.centre_ras[1] + 65)
        axis.set_title(f"{name}: {region_words(case.regions[name])}", fontsize=9)
        axis.set_aspect("equal")
        axis.set_axis_off()
    for axis in axes.ravel()[len(PLANTED) :]:
        axis.set_axis_off()
    handles = [plt.Line2D([], [], color=c, label=f"{p} {s}", ls=":" if s else "-") for p, s, c in drawn]
    axes.ravel()[-1].legend(handles=handles, loc="center")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def _outline(axis: object, mask: Mask, height_mm: float, colour: str, style: str) -> None:
    grid = mask.grid
    k = int(np.rint((height_mm - grid.origin_ras[2]) / grid.spacing_kji_mm[0]))
    if 0 <= k < grid.shape_kji[0] and mask.array[k].any():
        r = grid.origin_ras[0] + grid.direction_ras[0][0] * grid.spacing_mm[0] * np.arange(grid.shape_kji[2])
        a = grid.origin_ras[1] + grid.direction_ras[1][1] * grid.spacing_mm[1] * np.arange(grid.shape_kji[1])
        axis.contour(r, a, mask.array[k], [0.5], colors=[colour], linewidths=1.2, linestyles=style)


def main() -> None:
    data = Path(os.environ.get("PSMA_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data, help="folder of the test data")
    parser.add_argument("--picture", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    case = planted_case(arguments.data / SET)
    print(table(case))
    if arguments.picture:
        draw(case, arguments.picture)


if __name__ == "__main__":
    main()
