"""A case as a planning system will see it: what is exported, what its slices do to volume and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .case import PlanningCase
from .chain import CaseFiles
from .coverage.lesion_coverage import LesionVolumeCoverage
from .dicomrt.export_coverage import coverage_after_export
from .dicomrt.export_names import lesion_name
from .dicomrt.export_plan import Algorithm, Decision, ExportOptions, ExportStructure, PlannedRoi
from .dicomrt.planning_series import PlanningSeries, planning_series
from .dicomrt.rtstruct_export import Export, prepare_export
from .errors import DicomError, ExportError, InputError, SeriesChoiceError
from .records import Lesion, LesionState, RtVolume
from .structure_export import write_export
from .volume_generation import GENERATED

FILE_NAME = "rtstruct.dcm"
LESIONS, VOLUMES, CANDIDATES = "lesions", "volumes", "candidates"
_DECISIONS = {
    LesionState.ACCEPTED: Decision.DECIDED,
    LesionState.PROPOSED: Decision.NOT_ACCEPTED,
    LesionState.UNDECIDED: Decision.UNDECIDED,
}


@dataclass(frozen=True)
class CaseExportRequest:
    """ct: folder of the CT that structures go on, None without any; series_uid: where it holds several.

    write: whether a structure set is wanted; include_undecided: with what nobody has accepted, marked so.
    parts: what the structure set holds, of LESIONS, VOLUMES and CANDIDATES (what a consensus was made of).
    colours: red, green, blue 0 to 255 by lesion id or volume name, as on screen.
    """

    ct: Path | None
    series_uid: str | None = None
    option: str = "--ct-series"
    write: bool = False
    include_undecided: bool = False
    parts: frozenset[str] = frozenset({LESIONS, VOLUMES})
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    @classmethod
    def of_files(
        cls, files: CaseFiles, write: bool = False, include_undecided: bool = False
    ) -> CaseExportRequest:
        """For the planning CT where there is one, else the CT of the PET/CT.

        Raises InputError when a structure set is wanted and that CT is no DICOM folder.
        """
        if include_undecided and not write:
            raise InputError("--include-undecided says what --export-rtstruct writes; give both.")
        request = cls(files.ct, files.ct_series_uid, "--ct-series", write, include_undecided)
        if files.planning_ct is not None:
            uid, option = files.planning_ct_series_uid, "--planning-ct-series"
            request = cls(files.planning_ct, uid, option, write, include_undecided)
        if write and not request.has_dicom:
            raise InputError(
                "--export-rtstruct needs the DICOM folder of the planning CT (--planning-ct, or --ct), "
                "because a structure set refers to its files."
            )
        return request

    @property
    def has_dicom(self) -> bool:
        return self.ct is not None and self.ct.is_dir()


def export_case(case: PlanningCase, request: CaseExportRequest, folder: Path) -> dict[str, Any]:
    """What an export of the case holds, as JSON values; writes FILE_NAME into `folder` when that is wanted.

    Per lesion that is not rejected: true and exported volume, coverage by every volume before and after.
    An error stops the file, not the report: it is then in "reason".
    """
    if not request.has_dicom:
        return _without("There is no CT as a DICOM folder, so what a planning system will see is not known.")
    try:
        series = planning_series(request.ct, request.series_uid, option=request.option)
    except (InputError, DicomError, SeriesChoiceError) as error:
        return _without(str(error))
    lesions = [each for each in case.state.lesions if each.state is not LesionState.REJECTED]
    structures = [_lesion_structure(each) for each in lesions]
    structures += [_volume_structure(each) for each in case.state.volumes]
    settings = case.state.settings.export
    seen = prepare_export(structures, series, ExportOptions.from_settings(settings, include_undecided=True))
    wanted = seen
    is_all = request.include_undecided and request.parts == {LESIONS, VOLUMES} and not request.colours
    if request.write and not is_all:
        options = ExportOptions.from_settings(settings, request.include_undecided)
        wanted = prepare_export(_chosen(structures, lesions, request), series, options)
    written, reason = _written(wanted, folder / FILE_NAME) if request.write else (False, _NOT_ASKED)
    # Without a file to write, that somebody must decide is no finding about it.
    checks = [each for each in wanted.findings if request.write or each.code != "undecided"]
    names = {roi.name for roi in wanted.rois} if written else set()
    return {
        "slices": settings.slices,
        "file": FILE_NAME if written else None,
        "reason": reason,
        "lesions": _lesion_documents(case, lesions, seen, series, names),
        "exported": [
            {"name": roi.name, "source_name": roi.structure.original_name, "description": roi.description}
            for roi in wanted.rois
            if written
        ],
        "checks": [each.to_document() for each in checks],
    }


_NOT_ASKED = "No structure set was asked for (--export-rtstruct)."


def export_warnings(document: Mapping[str, Any], request: CaseExportRequest) -> list[str]:
    """What the reader must know: a file that was wanted and is missing, classes that change."""
    said = []
    if request.write and document["file"] is None:
        said.append(f"No structure set was written: {document['reason']}")
    changed = [each["id"] for each in document["lesions"] if each["class_changes"]]
    if changed:
        said.append(
            f"The coverage class of {', '.join(changed)} changes on the slices of the CT: look at it under "
            "'As a planning system will see it'."
        )
    return said


def _without(reason: str) -> dict[str, Any]:
    return {"slices": None, "file": None, "reason": reason, "lesions": [], "exported": [], "checks": []}


def _written(export: Export, path: Path) -> tuple[bool, str | None]:
    try:
        write_export(export, path)
    except ExportError as error:
        return False, str(error)
    return True, None


def _chosen(
    structures: Sequence[ExportStructure], lesions: Sequence[Lesion], request: CaseExportRequest
) -> list[ExportStructure]:
    """The parts that were asked for, in their colours."""
    kept = [each for each in structures if (LESIONS if each.is_lesion else VOLUMES) in request.parts]
    if CANDIDATES in request.parts:
        kept += [each for lesion in lesions for each in _candidate_structures(lesion)]
    return [replace(each, colour=request.colours.get(each.original_name, each.colour)) for each in kept]


def _candidate_structures(lesion: Lesion) -> list[ExportStructure]:
    """The contours a consensus was made of, for comparison: CONTROL, never a target."""
    return [
        ExportStructure(
            f"{lesion.id}_{candidate.rule}",
            candidate.mask,
            "CONTROL",
            Algorithm.AUTOMATIC,
            description=f"candidate contour of {lesion.id} by {candidate.rule}",
            decision=_DECISIONS[lesion.state],
            source_name=f"{lesion.id} {candidate.rule}",
        )
        for candidate in lesion.candidates
        if not candidate.mask.is_empty
    ]


def _lesion_structure(lesion: Lesion) -> ExportStructure:
    contour = lesion.contour
    return ExportStructure(
        lesion_name(int(lesion.id.lstrip("L"))),
        contour.mask,
        "GTV",
        Algorithm.SEMIAUTOMATIC if lesion.is_hand_edited else Algorithm.AUTOMATIC,
        description=" ".join(filter(None, (contour.source, contour.method))),
        is_lesion=True,
        decision=_DECISIONS[lesion.state],
        source_name=lesion.id,
    )


def _volume_structure(volume: RtVolume) -> ExportStructure:
    made = volume.origin == GENERATED
    return ExportStructure(
        volume.tg263 if volume.tg263 and not volume.asks else volume.name,
        volume.filled,
        volume.kind,
        # Who drew an imported one is not known; a person chose it.
        Algorithm.AUTOMATIC if made else Algorithm.SEMIAUTOMATIC,
        description="" if made else f"from {volume.source_file}",
        decision=Decision.DECIDED if volume.status == "ok" else Decision.NOT_ACCEPTED,
        source_name=volume.name,
    )


def _lesion_documents(
    case: PlanningCase,
    lesions: Sequence[Lesion],
    seen: Export,
    series: PlanningSeries,
    exported: set[str],
) -> list[dict[str, Any]]:
    rois = {roi.structure.original_name: roi for roi in seen.rois if roi.structure.is_lesion}
    volumes = [roi for roi in seen.rois if not roi.structure.is_lesion]
    drawn = [rois[lesion.id] for lesion in lesions]
    peaks = [lesion.region.peak_ras for lesion in lesions]
    after = coverage_after_export(drawn, peaks, volumes, series, case.state.settings.coverage)
    before = case.coverage()
    documents = []
    for lesion, roi in zip(lesions, drawn, strict=True):
        found = after.get(roi.name, {})
        compared = {
            volume.structure.original_name: _compared(
                before[lesion.id][volume.structure.original_name], found.get(volume.name)
            )
            for volume in volumes
        }
        documents.append(
            {
                **_sizes(lesion, roi),
                "exported": roi.name in exported,
                "coverage": compared,
                "class_changes": any(each["changes"] for each in compared.values()),
            }
        )
    return documents


def _sizes(lesion: Lesion, roi: PlannedRoi) -> dict[str, Any]:
    true_ml = roi.drawn.volume_ml
    return {
        "id": lesion.id,
        "name": roi.name,
        "state": lesion.state.value,
        "slices": len({each.slice_number for each in roi.contours}),
        "volume_ml": true_ml,
        "exported_volume_ml": roi.exported_ml,
        "volume_change_percent": 100.0 * (roi.exported_ml / true_ml - 1.0) if true_ml else None,
    }


def _compared(before: LesionVolumeCoverage, after: LesionVolumeCoverage | None) -> dict[str, Any]:
    """Classes and fractions; null after export for a lesion that no slice shows."""
    classes = [c and c.coverage_class and c.coverage_class.value for c in (before, after)]
    return {
        "before": classes[0],
        "after": classes[1],
        "fraction_before": before.fraction,
        "fraction_after": after.fraction if after else None,
        "changes": classes[0] != classes[1],
    }
