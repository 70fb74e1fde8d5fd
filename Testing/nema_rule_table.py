"""The six spheres of a measured NEMA image-quality phantom by every rule and the default consensus.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/nema_rule_table.py [--data FOLDER_OF_THE_SHARED_DATA]
The scan has no units: it is scaled to a background of SUV 1. There is no liver: the rules that need one are
left out. Resolution is that of the phantom itself, fitted to its six spheres by the closed form.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PSMAPlanningLib.delineation.avid_regions import AvidRegion, find_avid_regions
from PSMAPlanningLib.delineation.lesion_crop import lesion_crop
from PSMAPlanningLib.delineation.psf_fit import PhantomFit, fit_point_spread
from PSMAPlanningLib.delineation.rule_numbers import rule_numbers
from PSMAPlanningLib.delineation.rules import RULES, delineate
from PSMAPlanningLib.imaging.dicom_series import choose_series, find_series, read_series
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.lesion_consensus import fuse_candidates
from PSMAPlanningLib.settings import ConsensusSettings, ContourSettings, DetectionSettings

CONSENSUS = "default consensus"
MARKS = {"leaks": "!", "collapsed": "*"}
DETECTION_FRACTION = 0.4


@dataclass(frozen=True)
class Row:
    """One sphere by one rule."""

    rule: str
    diameter_mm: float
    volume_ml: float
    flags: tuple[str, ...]

    @property
    def true_ml(self) -> float:
        return math.pi * self.diameter_mm**3 / 6000.0

    @property
    def error_percent(self) -> float:
        return 100.0 * (self.volume_ml / self.true_ml - 1.0)


def rows(data: Path) -> tuple[list[Row], PhantomFit]:
    """Every rule on every sphere, smallest first, and the fit of the phantom."""
    volume = read_series(choose_series(find_series(data / "nema_iq_pet" / "dicom"), "PT", None))
    fit = fit_point_spread(Image(volume.array, volume.grid, Quantity.UNKNOWN))
    background = float(np.mean([sphere.background for sphere in fit.spheres]))
    pet = Image((volume.array / background).astype(np.float32), volume.grid, Quantity.SUVBW)
    faintest = min(_hottest(pet, sphere.centre_ras, sphere.diameter_mm) for sphere in fit.spheres)
    threshold = 1.0 + DETECTION_FRACTION * (faintest - 1.0)
    regions = find_avid_regions(pet, DetectionSettings(threshold_suv=threshold)).regions
    found: list[Row] = []
    for sphere in fit.spheres:
        crop = lesion_crop(pet, regions, _nearest(regions, sphere.centre_ras), ContourSettings())
        results = {
            name: delineate(crop, name, rule_numbers(name, {}, {}, fit.point_spread.fwhm_mm))
            for name, rule in RULES.items()
            if rule.family != "liver"
        }
        found += [Row(name, sphere.diameter_mm, r.mask.volume_ml, r.flags) for name, r in results.items()]
        fused = fuse_candidates([results[rule.name] for rule in ContourSettings().rules], ConsensusSettings())
        found.append(Row(CONSENSUS, sphere.diameter_mm, fused.mask.volume_ml, ()))
    return found, fit


def _hottest(pet: Image, centre_ras: Sequence[float], diameter_mm: float) -> float:
    middle = pet.grid.kji_of(np.array(centre_ras))
    reach = diameter_mm / 2 / np.array(pet.grid.spacing_kji_mm)
    low, high = np.floor(middle - reach).astype(int), np.ceil(middle + reach).astype(int) + 1
    return float(pet.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].max())


def _nearest(regions: Sequence[AvidRegion], centre_ras: Sequence[float]) -> AvidRegion:
    return min(
        regions, key=lambda region: float(np.linalg.norm(np.subtract(region.centroid_ras, centre_ras)))
    )


def overshoot(fit: PhantomFit) -> list[float]:
    """Measured maximum over true uptake of each sphere; above 1 the reconstruction rings at the edges."""
    return [sphere.measured_maximum / fit.uptake for sphere in fit.spheres]


def table(found: Sequence[Row], fit: PhantomFit) -> str:
    """Markdown: volume, and its error against the sphere in percent, by rule and sphere."""
    spheres = list(dict.fromkeys((row.diameter_mm, row.true_ml) for row in found))
    heads = [f"{diameter:g} mm ({true_ml:.2f} mL)" for diameter, true_ml in spheres]
    lines = ["| rule | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for rule in dict.fromkeys(row.rule for row in found):
        cells = [
            f"{row.volume_ml:.2f} ({row.error_percent:+.0f} %)"
            + "".join(sign for flag, sign in MARKS.items() if flag in row.flags)
            for row in found
            if row.rule == rule
        ]
        lines.append(f"| {rule} | " + " | ".join(cells) + " |")
    lines.append(
        f"\nFWHM fitted to the six spheres: {fit.point_spread.fwhm_mm:.2f} mm. "
        f"SUVmax over the fitted true uptake: {', '.join(f'{ratio:.2f}' for ratio in overshoot(fit))}. "
        "! leaks; * collapsed onto a hot spot."
    )
    return "\n".join(lines)


def _main() -> None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=beside)
    print(table(*rows(parser.parse_args().data)))


if __name__ == "__main__":
    _main()
