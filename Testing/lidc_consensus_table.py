"""The five lung nodules of LIDC-IDRI, four readers each: every consensus and the readers' agreement.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/lidc_consensus_table.py --pictures FOLDER
--data: the folder of the shared data. --pictures: one PNG per nodule, readers and consensus slice by slice
(needs matplotlib).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PSMAPlanningLib.consensus.agreement import Agreement, agreement
from PSMAPlanningLib.consensus.consensus import Consensus, consensus
from PSMAPlanningLib.consensus.fusion import METHODS
from PSMAPlanningLib.consensus.inputs import ContourInput
from PSMAPlanningLib.imaging.label_file import read_labels
from scipy import ndimage

SET = "lidc_4reader_contours"
DRAWN = ("majority", "staple")
MOST_SLICES = 12


@dataclass(frozen=True, eq=False)
class Nodule:
    """One nodule: its readers, every consensus by method, and the readers' agreement."""

    name: str
    readers: tuple[ContourInput, ...]
    fused: dict[str, Consensus]
    compared: Agreement


def nodules(data: Path) -> list[Nodule]:
    """All nodules in the shared data's folder, in the order of their names."""
    found = []
    for folder in sorted(each for each in (data / SET).iterdir() if each.is_dir()):
        paths = sorted(folder.glob("reader*.nrrd"))
        readers = tuple(ContourInput(path.stem, read_labels(path)[0].mask, "reader") for path in paths)
        fused = {method: consensus(readers, method) for method in METHODS}
        found.append(Nodule(folder.name, readers, fused, agreement(readers)))
    return found


def enclosed_voxels(inside: np.ndarray) -> int:
    """Voxels that a contour leaves out but surrounds within their slice: its holes."""
    return sum(int((ndimage.binary_fill_holes(plane) & ~plane).sum()) for plane in inside)


def table(found: Sequence[Nodule]) -> str:
    """Markdown: volumes of readers and consensus, agreement, STAPLE's performance, holes."""
    heads = ["nodule", "readers, mL", *(f"{method}, mL" for method in METHODS)]
    heads += ["conformity index", "mean Dice", "kappa (crop:10)", "HD95, mm", "mean distance, mm"]
    heads += ["STAPLE sensitivity", "holes: readers", "holes: majority, STAPLE"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for nodule in found:
        answer, staple = nodule.compared, nodule.fused["staple"].fusion
        pairs = np.triu_indices(len(answer.names), 1)
        cells = [
            nodule.name,
            ", ".join(f"{reader.mask.volume_ml:.2f}" for reader in nodule.readers),
            *(f"{fused.mask.volume_ml:.2f}" for fused in nodule.fused.values()),
            f"{answer.conformity_index:.3f}",
            f"{answer.mean_dice:.3f}",
            f"{answer.fleiss_kappa:.3f}",
            f"{answer.hd95_mm[pairs].max():.1f}",
            f"{answer.mean_surface_distance_mm[pairs].mean():.2f}",
            ", ".join(f"{value:.2f}" for value in staple.sensitivity),
            ", ".join(str(enclosed_voxels(reader.mask.array)) for reader in nodule.readers),
            ", ".join(str(enclosed_voxels(nodule.fused[method].mask.array)) for method in DRAWN),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(nodule: Nodule, path: Path) -> None:
    """Slices of one nodule: readers as thin lines, majority and STAPLE as thick ones, the dispute shaded."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    masks = [reader.mask.array for reader in nodule.readers]
    union = np.logical_or.reduce(masks)
    slices = np.flatnonzero(union.any(axis=(1, 2)))
    slices = slices[np.linspace(0, len(slices) - 1, min(MOST_SLICES, len(slices))).astype(int)]
    rows, columns = np.flatnonzero(union.any(axis=(0, 2))), np.flatnonzero(union.any(axis=(0, 1)))
    window = (slice(max(0, rows[0] - 4), rows[-1] + 5), slice(max(0, columns[0] - 4), columns[-1] + 5))
    wide = min(4, len(slices))
    figure, axes = pyplot.subplots(-(-len(slices) // wide), wide, squeeze=False, figsize=(4 * wide, 11))
    disputed = nodule.fused["majority"].disputed.array
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, k in zip(axes.ravel(), slices, strict=False):
        axis.imshow(disputed[k][window], cmap="Greys", vmin=0, vmax=3)
        for n, mask in enumerate(masks):
            _line(axis, mask[k][window], f"C{n}", 1.0)
        _line(axis, nodule.fused["majority"].mask.array[k][window], "black", 2.5)
        _line(axis, nodule.fused["staple"].mask.array[k][window], "magenta", 1.5, "dashed")
        axis.set_title(f"slice {k}")
    figure.suptitle(f"{nodule.name}: readers thin, majority black, STAPLE dashed, 10 to 90 % shaded")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    pyplot.close(figure)


def _line(axis: object, plane: np.ndarray, colour: str, width: float, style: str = "solid") -> None:
    if plane.any() and not plane.all():
        axis.contour(plane, levels=[0.5], colors=[colour], linewidths=[width], linestyles=[style])


def _main() -> None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=beside)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    found = nodules(arguments.data)
    print(table(found))
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        for nodule in found:
            picture(nodule, arguments.pictures / f"{nodule.name}.png")


if __name__ == "__main__":
    _main()
