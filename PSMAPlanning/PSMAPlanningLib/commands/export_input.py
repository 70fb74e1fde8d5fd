"""What is to be exported, out of a label map, segmentation, RTSTRUCT or DICOM SEG, with what the file says
of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from ..dicomrt.contour_occupancy import roi_occupancy
from ..dicomrt.export_names import INTERPRETED_TYPES, lesion_name
from ..dicomrt.export_plan import Algorithm, Decision, ExportStructure
from ..dicomrt.planning_series import PlanningSeries
from ..dicomrt.rtstruct_reader import STATUS_OK, StructureSet, read_rtstruct
from ..dicomrt.seg_reader import read_seg, seg_file
from ..errors import FrameOfReferenceError, GridError, InputError, PatientMismatchError
from ..imaging.image_file import suffix_of
from ..imaging.label_file import read_labels
from ..imaging.patient_identity import normal_id
from ..rtvolumes.name_mapping import NamedStructure, NameMatch, match_names

_TAG = "PSMAPlanning."
_DECISIONS = {
    "accepted": Decision.DECIDED,
    "proposed": Decision.NOT_ACCEPTED,
    "undecided": Decision.UNDECIDED,
    "rejected": Decision.REJECTED,
}
"""By the state that this module writes into the tags of lesion segments."""


@dataclass(frozen=True)
class Said:
    """What somebody says about the structures. kinds, names: by the structure's own name."""

    kinds: Mapping[str, str]
    names: Mapping[str, str]
    algorithm: Algorithm


@dataclass(frozen=True)
class _SegmentFacts:
    colour: tuple[int, int, int] | None
    tags: Mapping[str, str]


def export_structures(path: Path, series: PlanningSeries, said: Said) -> list[ExportStructure]:
    """Every structure of a file, placed in the planning CT's space.

    Raises InputError for a file that is none of these or where a name fits nothing, FrameOfReferenceError
    or PatientMismatchError for DICOM objects that do not belong to the CT.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_file() and suffix_of(path) is not None:
        found = _from_labels(path, said.algorithm)
    elif seg_file(path) is not None:
        found = _from_seg(seg_file(path), series, said.algorithm)
    else:
        found = _from_contours(path, series, said.algorithm)
    known = {each.name for each in found}
    unknown = next((name for name in said.kinds if name not in known), None)
    if unknown is not None:
        raise InputError(
            f"--type names '{unknown}', which is no structure of {path.name}: {', '.join(known)}."
        )
    named = [NamedStructure(each.name, said.kinds.get(each.name, each.kind)) for each in found]
    matches = match_names(named, said.names)
    return [_named(each, match, said) for each, match in zip(found, matches, strict=True)]


def kinds_from(pairs: Sequence[str]) -> dict[str, str]:
    """From NAME=TYPE; raises InputError for a type DICOM does not know."""
    kinds = {}
    for pair in pairs:
        name, sign, kind = pair.rpartition("=")
        if not sign or not name or kind.upper() not in INTERPRETED_TYPES:
            known = ", ".join(INTERPRETED_TYPES[:7])
            raise InputError(f"--type {pair} must be NAME=TYPE, with one of {known} and so on.")
        kinds[name] = kind.upper()
    return kinds


def _named(found: ExportStructure, match: NameMatch, said: Said) -> ExportStructure:
    kind = said.kinds.get(found.name) or found.kind or match.kind
    # Only what is certain renames: a proposal that asks to be confirmed is none.
    name = match.tg263 if match.tg263 and not match.asks and not found.is_lesion else None
    name = said.names.get(found.name) or name or _lesion_name(found)
    return ExportStructure(
        name,
        found.shape,
        kind,
        found.algorithm,
        found.colour,
        found.description,
        found.is_lesion or kind in ("GTV", "IGTV"),
        found.decision,
        found.name,
        found.frame_of_reference_uid,
    )


def _lesion_name(found: ExportStructure) -> str:
    number = re.fullmatch(r"[A-Za-z]+0*(\d+)", found.name, re.ASCII)
    return lesion_name(int(number[1])) if found.is_lesion and number else found.name


def _from_labels(path: Path, algorithm: Algorithm) -> list[ExportStructure]:
    labels = read_labels(path)
    facts = _segment_facts(path)
    found = []
    for number, label in enumerate(labels):
        fact = facts.get(number, _SegmentFacts(None, {}))
        state = fact.tags.get(_TAG + "State")
        found.append(
            ExportStructure(
                label.name,
                label.mask,
                fact.tags.get(_TAG + "Kind") or ("GTV" if state else label.kind),
                _algorithm(fact.tags) or algorithm,
                fact.colour,
                _origin(fact.tags),
                is_lesion=state is not None,
                decision=_DECISIONS.get(state or "accepted", Decision.UNDECIDED),
            )
        )
    return found


def _algorithm(tags: Mapping[str, str]) -> Algorithm | None:
    """None where the file does not say."""
    if tags.get(_TAG + "HandEdited") == "1":
        return Algorithm.SEMIAUTOMATIC
    return Algorithm.AUTOMATIC if tags.get(_TAG + "State") else None


def _origin(tags: Mapping[str, str]) -> str:
    parts = [tags.get(_TAG + key, "") for key in ("Source", "Method")]
    return " ".join(part for part in parts if part)


def _segment_facts(path: Path) -> dict[int, _SegmentFacts]:
    """Colour and tags of each segment of a .seg.nrrd; nothing for label maps."""
    if not path.name.lower().endswith(".seg.nrrd"):
        return {}
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    facts = {}
    for number in range(len(reader.GetMetaDataKeys())):
        prefix = f"Segment{number}_"
        if not reader.HasMetaDataKey(prefix + "ID") and not reader.HasMetaDataKey(prefix + "Name"):
            break
        colour = tags = ""
        if reader.HasMetaDataKey(prefix + "Color"):
            colour = reader.GetMetaData(prefix + "Color")
        if reader.HasMetaDataKey(prefix + "Tags"):
            tags = reader.GetMetaData(prefix + "Tags")
        pairs = (part.split(":", 1) for part in tags.split("|") if ":" in part)
        facts[number] = _SegmentFacts(_colour(colour), dict(pairs))
    return facts


def _colour(text: str) -> tuple[int, int, int] | None:
    parts = re.findall(r"\d*\.?\d+(?:e-?\d+)?", text)
    return tuple(min(255, round(255 * float(part))) for part in parts) if len(parts) == 3 else None


def _from_seg(path: Path, series: PlanningSeries, algorithm: Algorithm) -> list[ExportStructure]:
    found = read_seg(path)
    _require_same(path, found.frame_of_reference_uid, found.header, series)
    frame = found.frame_of_reference_uid
    return [
        ExportStructure(each.name, each.mask, None, algorithm, frame_of_reference_uid=frame)
        for each in found.segments
    ]


def _from_contours(path: Path, series: PlanningSeries, algorithm: Algorithm) -> list[ExportStructure]:
    structures: StructureSet = read_rtstruct(path)
    found = []
    for roi in structures.rois:
        if roi.status != STATUS_OK:
            continue
        frame = roi.frame_of_reference_uid or structures.frame_of_reference_uid
        _require_same(path, frame, structures.header, series)
        try:
            shape = roi_occupancy(roi, series.grid)
        except GridError as error:
            raise InputError(f"{path}: {error}") from None
        found.append(
            ExportStructure(roi.name, shape, roi.kind, algorithm, roi.colour, frame_of_reference_uid=frame)
        )
    if not found:
        raise InputError(f"{path} holds no structure with contours; give another file.")
    return found


def _require_same(path: Path, frame: str | None, header: object, series: PlanningSeries) -> None:
    mine = normal_id(str(header.get("PatientID") or "")) if header is not None else ""
    theirs = normal_id(str(series.header.get("PatientID") or ""))
    if mine and theirs and mine != theirs:
        raise PatientMismatchError(
            f"{path.name} and the CT name different patient IDs; give the files of one patient."
        )
    if frame and frame != series.frame_of_reference_uid:
        raise FrameOfReferenceError(
            f"{path.name} lies in another frame of reference than the CT; "
            "register it to the planning CT first."
        )
