"""A folder of DICOM files as a planning case: its PET, its CT, and what else of the study lies in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pydicom

from ..chain import CaseFiles, read_case
from ..errors import InputError, PatientMismatchError, PlanningError, SuvHeaderError, UnitsError
from ..imaging.dicom_series import find_series
from ..imaging.dicom_values import UNREADABLE
from ..imaging.patient_identity import PET, IdentifiedFile
from ..imaging.read import patient_identity, pet_header, study_info
from ..imaging.suv_form import suv_form
from ..imaging.suv_header import SuvHeader
from ..progress import Stage
from ..records import CaseState
from ..settings import Settings


class SuvNotKnownError(PlanningError):
    """The study's header does not tell the SUV of its PET; header and study are for the form that asks."""

    def __init__(self, sentence: str, header: SuvHeader, study: Study) -> None:
        super().__init__(sentence)
        self.header, self.study = header, study


class PatientNotConfirmedError(PatientMismatchError):
    """Files name different patients, and nobody has confirmed yet that they are one.

    study: the folder they lie in; None for files that came to a case that was there.
    """

    def __init__(self, sentence: str, study: Study | None = None) -> None:
        super().__init__(sentence)
        self.study = study


@dataclass(frozen=True)
class Study:
    """The files of a folder that make a case. warnings: what was left out because nobody can tell."""

    files: CaseFiles
    warnings: tuple[str, ...] = ()

    def with_files(self, **changes: Any) -> Study:
        return replace(self, files=replace(self.files, **changes))


def study_in(folder: Path) -> Study:
    """PET, CT and structure sets in a folder; nothing is chosen where there are several CT.

    Raises InputError when there is no PET or more than one.
    """
    series = [each for each in find_series(folder) if not each.is_localizer]
    pets = [each for each in series if each.modality == "PT"]
    cts = [each for each in series if each.modality == "CT"]
    if len(pets) != 1:
        raise InputError(
            f"The folder holds {len(pets)} PET series; choose the folder that holds the one you mean, and "
            "no other."
        )
    warnings = []
    if len(cts) > 1:
        warnings.append(
            f"The folder holds {len(cts)} CT series and nothing tells which is meant, so none was taken; "
            "load the one you want in Slicer and choose it as CT or planning CT."
        )
    files = CaseFiles(
        pet=folder,
        pet_series_uid=pets[0].uid,
        ct=folder if len(cts) == 1 else None,
        ct_series_uid=cts[0].uid if len(cts) == 1 else None,
        volumes=_structure_sets(folder),
    )
    return Study(files, tuple(warnings))


def read_study(study: Study, settings: Settings, stage: Stage) -> CaseState:
    """The case of a folder, without lesions.

    Raises SuvNotKnownError when the form can supply what the header lacks, PatientNotConfirmedError, and
    the other errors of `read_case`.
    """
    try:
        state = read_case(study.files, settings, stage)
    except (SuvHeaderError, UnitsError) as error:
        header = pet_header(study.files.pet, study.files.pet_series_uid)
        form = suv_form(header, study.files.entered)
        if not any(row.is_open for row in form.rows):
            raise
        raise SuvNotKnownError(str(error), header, study) from error
    except PatientMismatchError as error:
        raise PatientNotConfirmedError(str(error), study) from error
    return replace(state, warnings=(*study.warnings, *state.warnings))


def identities_in(study: Study) -> tuple[IdentifiedFile, ...]:
    """Whose PET the study holds; for comparing, never to be shown."""
    series = [each for each in find_series(study.files.pet) if each.uid == study.files.pet_series_uid]
    headers = [each.files[0].dataset for each in series]
    return tuple(IdentifiedFile(PET, patient_identity(header), study_info(header)) for header in headers)


def _structure_sets(folder: Path) -> tuple[Path, ...]:
    return tuple(
        path for path in sorted(folder.rglob("*")) if path.is_file() and _modality(path) == "RTSTRUCT"
    )


def _modality(path: Path) -> str | None:
    """None for what is no DICOM file."""
    try:
        with path.open("rb") as stream:
            if stream.read(132)[128:] != b"DICM":
                return None
        with pydicom.config.disable_value_validation():
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Modality"])
            return str(header.get("Modality") or "")
    except (OSError, pydicom.errors.InvalidDicomError, *UNREADABLE):
        return None
