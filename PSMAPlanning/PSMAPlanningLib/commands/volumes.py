"""psma-planning volumes: proposed CTVs of nodes or prostate bed, from anatomy and a guideline."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..case_frames import PET_FRAME, CaseFrames
from ..errors import FrameOfReferenceError, GuidelineError, InputError, OutputError
from ..imaging.image import Image, Mask
from ..imaging.image_file import suffix_of, write_image_file
from ..imaging.label_file import read_labels
from ..imaging.read import read_ct
from ..output import check_free, staged_file
from ..progress import Progress, Stage, no_progress
from ..rtvolumes.bed import generate_bed
from ..rtvolumes.generated_record import record_of
from ..rtvolumes.guideline import Guideline
from ..rtvolumes.guideline_files import GUIDELINES, load_guideline
from ..rtvolumes.landmarks import Landmarks
from ..rtvolumes.nodal import NodalGenerator
from ..rtvolumes.nodal_anatomy import Anatomy
from ..rtvolumes.steps import GeneratedVolume
from ..volume_files import is_dicom_volumes, read_volume_files
from ..volume_generation import case_anatomy, case_landmarks
from ..volume_import import import_volumes
from .anatomy_arguments import add_anatomy_arguments, label_names
from .generation_arguments import add_landmark_arguments, generation_request
from .pet_arguments import existing

NAME = "volumes"
HELP = (
    "Propose the CTV of pelvic nodes or prostate bed from organ labels, by a published guideline or a file."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    formats = "label map or .seg.nrrd, DICOM SEG, or RTSTRUCT with the --ct it was drawn on"
    add_anatomy_arguments(parser, formats, required=True)
    parser.add_argument(
        "--structure-names", type=existing, metavar="N",
        help='JSON {"name in the file": "TotalSegmentator or CADS name"}, for other segmentations',
    )  # fmt: skip
    parser.add_argument(
        "--ct", type=existing, metavar="C", help="CT of the organs: tells muscle that no label shows"
    )
    parser.add_argument(
        "--guideline", required=True, metavar="NAME", help=f"{', '.join(GUIDELINES)}, or a .json file"
    )
    add_landmark_arguments(parser)
    parser.add_argument("--set", dest="set_values", action="append", default=[], metavar="NUMBER=MM",
                        help="another value for a number of the guideline")  # fmt: skip
    for switch, what in (("para-aortic", "para-aortic nodes"), ("mesorectum", "mesorectal nodes")):
        parser.add_argument(f"--{switch}", action="store_true", help=f"add the {what}")
    parser.add_argument("--out", type=existing, required=True, metavar="F", help="mask (.nrrd .nii.gz .mha)")
    parser.add_argument("--landmarks-out", type=existing, metavar="M", help="write the landmarks (JSON)")
    parser.add_argument("--force", action="store_true", help="replace existing files")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    for path in filter(None, (arguments.out, arguments.landmarks_out)):
        check_free(path, arguments.force)
    if suffix_of(arguments.out) is None:
        raise OutputError(f"{arguments.out} must end in .nrrd, .nii, .nii.gz or .mha.")
    guideline = _guideline(arguments)
    stage = Stage(progress)
    stage.report(0.0, "reading")
    ct = read_ct(arguments.ct) if arguments.ct else None
    anatomy, said = _anatomy(arguments, ct)
    stage.report(0.2, "landmarks")
    landmarks = case_landmarks(anatomy, generation_request(arguments))
    stage.report(0.3, "generating")
    volume, parts = _generated(anatomy, guideline, landmarks, ct)
    stage.report(0.9, "writing")
    with staged_file(arguments.out, arguments.force) as work:
        write_image_file(volume.mask, work)
    if arguments.landmarks_out:
        with staged_file(arguments.landmarks_out, arguments.force) as work:
            work.write_text(json.dumps(landmarks.to_document(), indent=1) + "\n", encoding="utf-8")
    stage.report(1.0, "done")
    document = volume_document(volume, guideline, landmarks, parts)
    document["warnings"] = [*said, *document["warnings"]]
    document["file"] = str(arguments.out)
    return document, _text(document)


def _generated(
    anatomy: Anatomy, guideline: Guideline, landmarks: Landmarks, ct: Image | None
) -> tuple[GeneratedVolume, dict[str, float]]:
    """The volume, and the mL of its parts by TG-263 name."""
    if guideline.kind == "bed":
        return generate_bed(anatomy, guideline, landmarks, ct), {}
    generator = NodalGenerator(anatomy, guideline, ct)
    volume = generator.generate(landmarks)
    return volume, {name: mask.volume_ml for name, mask in generator.parts(landmarks).items()}


def volume_document(
    volume: GeneratedVolume, guideline: Guideline, landmarks: Landmarks, parts: dict[str, float]
) -> dict[str, Any]:
    """What a generated volume is, in plain numbers."""
    record = record_of(volume, guideline).to_document()
    return {
        "volumes": [
            {
                "name": volume.name,
                "volume_ml": volume.mask.volume_ml,
                "status": volume.status,
                **{key: record[key] for key in ("verified", "unverified", "plausible_ml")},
                "parts": [{"name": name, "volume_ml": ml} for name, ml in parts.items()],
            }
        ],
        **{key: record[key] for key in ("guideline", "published", "steps", "findings")},
        "landmarks": landmarks.to_document()["landmarks"],
        "warnings": [finding.sentence for finding in volume.findings],
    }


def _anatomy(arguments: argparse.Namespace, ct: Image | None) -> tuple[Anatomy, tuple[str, ...]]:
    """The organs by role, and what was said about them on the way."""
    structures, said = _structures(arguments, ct)
    table = _json(arguments.structure_names) if arguments.structure_names else {}
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise InputError(f"{arguments.structure_names} must be JSON of names and names.")
    anatomy = case_anatomy(structures, table)
    if not anatomy.masks:
        raise InputError(
            f"{arguments.anatomy} holds no structure with a known name; name its values with --label-names, "
            "or its structures with --structure-names."
        )
    return anatomy, said


def _structures(arguments: argparse.Namespace, ct: Image | None) -> tuple[dict[str, Mask], tuple[str, ...]]:
    path = arguments.anatomy
    if not is_dicom_volumes(path):
        names = label_names(arguments)
        labels = read_labels(path, names)
        return {label.name: label.mask.cropped() for label in labels if not label.mask.is_empty}, ()
    (file,) = read_volume_files((path,), Stage(no_progress))
    uid = ct.frame_of_reference_uid if ct is not None else None
    if uid and file.frame_uid and uid != file.frame_uid:
        raise FrameOfReferenceError(
            f"{path} has another frame of reference than {arguments.ct}; give the CT it was drawn on."
        )
    if file.segments is not None:
        segments = file.segments.segments
        return {s.name: s.mask.cropped() for s in segments if not s.mask.is_empty}, file.segments.warnings
    if ct is None:
        raise InputError(f"{path} holds contours; give the CT they were drawn on with --ct.")
    found = import_volumes((file,), CaseFrames(ct), ct, PET_FRAME, Stage(no_progress), below_voxel=False)
    return {volume.name: volume.mask.cropped() for volume in found.volumes}, found.warnings


def _guideline(arguments: argparse.Namespace) -> Guideline:
    guideline = load_guideline(arguments.guideline)
    for text in arguments.set_values:
        name, separator, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = None
        if not separator or number is None:
            raise GuidelineError(f"--set {text} must be NUMBER=MM, such as vessel_margin=6.")
        guideline = guideline.with_value(name.strip(), number)
    for name in ("para_aortic", "mesorectum"):
        if getattr(arguments, name):
            guideline = guideline.with_switch(name, True)
    return guideline


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}).") from error


def _text(document: dict[str, Any]) -> str:
    (volume,) = document["volumes"]
    mark = "verified" if volume["verified"] else "NOT VERIFIED: " + ", ".join(volume["unverified"])
    lines = [
        f"{volume['name']} (proposal, {document['guideline']['title']}): {volume['volume_ml']:.1f} mL",
        f"numbers it rests on: {mark}",
    ]
    lines += [f"  {part['name']:<18}{part['volume_ml']:>8.1f} mL" for part in volume["parts"]]
    lines.append("published, for comparison only:")
    for each in document["published"]:
        low, high = each["low_ml"], each["high_ml"]
        spread = f" ({low:g} to {high:g})" if low is not None and high is not None else ""
        lines.append(f"  {each['mean_ml']:>7.1f} mL{spread}  {each['what']}" if each["mean_ml"] else "")
    lines.append("landmarks:")
    for mark in document["landmarks"]:
        where = "missing" if mark["point"] is None else f"S {mark['point'][2]:.1f} mm"
        lines.append(f"  {mark['name']:<24}{where:<14}{mark['source']} {mark['reason']}")
    return "\n".join(line for line in lines if line)
