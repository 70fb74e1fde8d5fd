"""The whole way from files to a planning case: read, find, contour, fuse.

Each step takes a state and returns a new one, or raises and changes nothing; the panel runs the same
steps one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .anatomy_import import read_anatomy
from .case import PlanningCase
from .errors import InputError
from .imaging.read import read_ct, read_pet
from .imaging.suv import EnteredValues
from .lesion_finding import find_lesions
from .progress import Stage, no_progress
from .records import CaseState
from .settings import Settings
from .volume_import import import_volumes, reference_grid


@dataclass(frozen=True)
class CaseFiles:
    """Where a case comes from; what was entered for values that the PET's header lacks.

    units: "SUVbw" or "Bq/ml", for a PET file without units.
    names: label value to organ name, for an anatomy label map.
    """

    pet: Path
    ct: Path | None = None
    volumes: tuple[Path, ...] = ()
    anatomy: Path | None = None
    units: str | None = None
    pet_series_uid: str | None = None
    ct_series_uid: str | None = None
    entered: EnteredValues = field(default_factory=EnteredValues)
    uncertainty_mm: float | None = None
    names: Mapping[int, str] = field(default_factory=dict)


def read_case(files: CaseFiles, settings: Settings, stage: Stage) -> CaseState:
    """Images and volumes read from files; no lesions yet."""
    if files.uncertainty_mm is not None and not 0 <= files.uncertainty_mm <= 100:
        raise InputError(
            f"The registration uncertainty is {files.uncertainty_mm} mm; it must lie between 0 and 100 mm."
        )
    stage.report(0.0, "reading PET")
    pet = read_pet(files.pet, units=files.units, series_uid=files.pet_series_uid, entered=files.entered)
    ct = None
    if files.ct is not None:
        stage.report(0.4, "reading CT")
        ct = read_ct(files.ct, series_uid=files.ct_series_uid)
    stage.report(0.6, "reading volumes")
    imported = import_volumes(
        files.volumes, reference_grid(pet.image, ct), pet.image, ct, stage.part(0.6, 0.9)
    )
    stage.report(0.9, "reading anatomy")
    anatomy = read_anatomy(files.anatomy, files.names, pet.image.grid) if files.anatomy else {}
    return CaseState(
        settings=settings,
        pet=pet.image,
        suv=pet.suv,
        ct=ct,
        registration=replace(imported.registration, uncertainty_mm=files.uncertainty_mm),
        anatomy=anatomy,
        volumes=imported.volumes,
        warnings=(*pet.all_warnings, *imported.warnings),
    )


def run_chain(files: CaseFiles, settings: Settings, who: str, stage: Stage | None = None) -> PlanningCase:
    """A case read from files, with its lesions found and contoured; nothing is reviewed."""
    case = PlanningCase(settings, who)
    stage = stage or Stage(no_progress)
    case.perform("load images and volumes", read_case(files, settings, stage.part(0.0, 0.4)))
    case.perform("find lesions", find_lesions(case.state, case.change("found"), stage.part(0.4, 1.0)))
    return case
