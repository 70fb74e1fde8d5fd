"""Proposed CTVs of a case from its anatomy: which guidelines act, the volumes they give, what must be said.

A generated volume is a proposal: it keeps the steps and numbers that made it, and those that nobody read in
their source keep it out of the patient's sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .errors import GenerationError, InputError, LandmarkError
from .imaging.image import Image, Mask
from .progress import Stage
from .records import CaseState, Point, RtVolume
from .rtvolumes.bed import generate_bed
from .rtvolumes.generated_record import record_of
from .rtvolumes.guideline import Guideline
from .rtvolumes.guideline_files import load_guideline
from .rtvolumes.landmarks import Landmarks
from .rtvolumes.landmarks_finding import find_landmarks
from .rtvolumes.name_mapping import ALIAS, EXACT, NamedStructure, match_names
from .rtvolumes.nodal import NodalGenerator
from .rtvolumes.nodal_anatomy import Anatomy, anatomy_of, is_known
from .rtvolumes.steps import GeneratedVolume
from .rtvolumes.tg263 import LONGEST_NAME
from .settings import Settings

GENERATED = "generated"
TOP_AT_L4_L5 = "top_at_L4_L5"
"""A switch of every nodal guideline that is not in its file: the upper border at the disc L4/5."""
_ROOM_MM = 30.0
"""More than any published margin from CTV to PTV."""


@dataclass(frozen=True)
class GenerationRequest:
    """What was asked for on top of the settings.

    guidelines: names of presets or paths of files; empty: those of the settings, and only where there are no
    other volumes. landmarks: placed by the user, RAS mm in the case's world, later ones go first.
    landmarks_file: JSON of an earlier `volumes --landmarks-out`.
    """

    guidelines: tuple[str, ...] = ()
    landmarks: tuple[tuple[str, Point], ...] = ()
    landmarks_file: Path | None = None


def wanted_guidelines(
    request: GenerationRequest, settings: Settings, has_anatomy: bool, has_volumes: bool
) -> tuple[Guideline, ...]:
    """The guidelines that are to make volumes; none where volumes were given and no guideline was named.

    Raises GuidelineError for an unknown one, InputError when one was named and there is no anatomy.
    """
    if request.guidelines and not has_anatomy:
        raise InputError("--guideline needs the organs of the patient; give them with --anatomy.")
    if not has_anatomy or (has_volumes and not request.guidelines):
        return ()
    names = request.guidelines or settings.volumes.guidelines
    return tuple(load_guideline(name) for name in dict.fromkeys(names))


def case_anatomy(structures: Mapping[str, Mask], names: Mapping[str, str] | None = None) -> Anatomy:
    """The organs by role: by the names of TotalSegmentator, CADS and TG-263, else by TG-263 aliases.

    names: the user's own table, structure name to one of those names; raises GenerationError where it leads
    to none.
    """
    table = dict(names or {})
    unknown = [name for name in structures if name not in table and not is_known(name)]
    for match in match_names([NamedStructure(name) for name in unknown]):
        if match.matched_by in (EXACT, ALIAS) and match.tg263 and is_known(match.tg263):
            table[match.name] = match.tg263
    return anatomy_of(structures, table)


def case_landmarks(anatomy: Anatomy, request: GenerationRequest) -> Landmarks:
    """The landmarks found automatically, and over them those of the user.

    Raises LandmarkError for a landmark that does not exist, InputError for a file that cannot be read.
    """
    landmarks = find_landmarks(anatomy)
    if request.landmarks_file is not None:
        landmarks = read_landmarks(request.landmarks_file).with_automatic(landmarks)
    for name, point in request.landmarks:
        landmarks = landmarks.with_moved(name, point)
    return landmarks


def read_landmarks(path: Path) -> Landmarks:
    """Landmarks from the JSON of an earlier run; raises InputError or LandmarkError naming what is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}).") from error
    return Landmarks.from_document(document)


class VolumeGenerator:
    """Volumes of one patient's anatomy by any guideline; each is made once.

    landmarks: those of the case, None for the automatic ones. ct: in the world of the anatomy.

    To drag a plane: generator = generator.with_moved_landmark(name, point_ras), then make_volumes once more.
    The vessels, strips and organs are taken over, so that only the cut is made anew.
    """

    def __init__(self, anatomy: Anatomy, ct: Image | None = None, landmarks: Landmarks | None = None) -> None:
        self.anatomy = anatomy
        self.ct = ct
        self.landmarks = landmarks or find_landmarks(anatomy)
        self._nodal: NodalGenerator | None = None
        self._made: dict[tuple[str, tuple[tuple[str, bool], ...]], tuple[RtVolume, ...]] = {}

    def with_landmarks(self, landmarks: Landmarks) -> VolumeGenerator:
        """A generator of the same patient with other landmarks, which takes over what they do not touch."""
        other = VolumeGenerator(self.anatomy, self.ct, landmarks)
        other._nodal = self._nodal
        return other

    def with_moved_landmark(
        self, name: str, point_ras: Point, normal_ras: Point | None = None
    ) -> VolumeGenerator:
        """The same with one landmark put elsewhere by the user, RAS mm of the case's world.

        normal_ras: of its plane, towards the head; None keeps the tilt. Raises LandmarkError for a landmark
        that does not exist or a plane that does not face the head. A place outside the anatomy is told by
        make_volumes (LandmarkError).
        """
        return self.with_landmarks(self.landmarks.with_moved(name, point_ras, normal_ras))

    def make_volumes(
        self, preset_name: str, switches: Mapping[str, bool] | None = None
    ) -> tuple[RtVolume, ...]:
        """The volumes of a preset (or a guideline file), with some of its switches set; kept per both.

        switches: those of the guideline's file, and TOP_AT_L4_L5 for nodes. Raises GuidelineError for an
        unknown preset or switch, GenerationError or LandmarkError where this anatomy cannot carry it.
        """
        key = preset_name, tuple(sorted((switches or {}).items()))
        if key not in self._made:
            guideline = switched(load_guideline(preset_name), switches or {})
            self._made[key] = (self.volume(guideline),)
        return self._made[key]

    def volume(self, guideline: Guideline) -> RtVolume:
        """One volume by a guideline; raises GenerationError or LandmarkError where it cannot be made."""
        return rt_volume(self.generated(guideline), guideline)

    def generated(self, guideline: Guideline) -> GeneratedVolume:
        """The same with all that generation knows."""
        if guideline.kind == "bed":
            return generate_bed(self.anatomy, guideline, self.landmarks, self.ct)
        made = self._nodal
        made = made.with_guideline(guideline) if made else NodalGenerator(self.anatomy, guideline, self.ct)
        volume = made.generate(self.landmarks)
        # Only the last one's work is kept: it is some hundred megabytes.
        self._nodal = made
        return volume


def volume_generator(state: CaseState) -> VolumeGenerator:
    """The generator of a case with anatomy, on its planning CT, else the CT of the PET/CT."""
    ct = state.planning_ct if state.planning_ct is not None else state.ct
    return VolumeGenerator(case_anatomy(state.anatomy), ct, state.landmarks)


def generate_volumes(
    generator: VolumeGenerator, guidelines: Sequence[Guideline], taken: Sequence[str], stage: Stage
) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]:
    """A volume per guideline, and what must be said; what the anatomy cannot carry is left out and said.

    taken: names that volumes of the case have already.
    """
    made: list[RtVolume] = []
    said: list[str] = []
    several = len({guideline.kind for guideline in guidelines}) < len(guidelines)
    for number, guideline in enumerate(guidelines):
        stage.report(number / len(guidelines), f"generating volumes by {guideline.title}")
        try:
            volume = generator.volume(guideline)
        except (GenerationError, LandmarkError) as error:
            said.append(f"No volume was generated by {guideline.title}: {error}")
            continue
        names = (*taken, *(each.name for each in made))
        volume = _named(volume, guideline, names, several)
        made.append(volume)
        said.append(proposal_sentence(volume))
    return tuple(made), tuple(said)


def rt_volume(volume: GeneratedVolume, guideline: Guideline) -> RtVolume:
    """A generated volume as a volume of the case."""
    return RtVolume(
        volume.name,
        _with_room(volume.mask),
        volume.kind,
        GENERATED,
        guideline.name,
        volume.status,
        tg263=volume.name,
        role=guideline.kind,
        generated=record_of(volume, guideline),
    )


def proposal_sentence(volume: RtVolume) -> str:
    """What stands beside a generated volume wherever it is used."""
    record = volume.generated
    said = (
        f"{volume.name} was generated from the anatomy by {record.title}: a proposal, to be looked at and "
        "corrected before use."
    )
    if record.unverified:
        said += f" It rests on numbers that were not read in their source: {', '.join(record.unverified)}."
    return said


def switched(guideline: Guideline, switches: Mapping[str, bool]) -> Guideline:
    """A guideline with switches set; raises GuidelineError for one that it does not have."""
    for name, on in switches.items():
        if name == TOP_AT_L4_L5 and guideline.kind == "nodes":
            guideline = guideline.with_level("cranial", "L4_L5") if on else guideline
        else:
            guideline = guideline.with_switch(name, on)
    return guideline


def _with_room(mask: Mask) -> Mask:
    """The mask with room around it for a margin: its grid is our own, so it ends at no image."""
    pad = [math.ceil(_ROOM_MM / spacing) for spacing in mask.grid.spacing_kji_mm]
    shape = tuple(n + 2 * p for n, p in zip(mask.grid.shape_kji, pad, strict=True))
    origin = mask.grid.ras_of(-np.array(pad, dtype=float))
    grid = replace(mask.grid, shape_kji=shape, origin_ras=tuple(float(x) for x in origin))
    return Mask(np.pad(mask.array, [(p, p) for p in pad]), grid)


def _named(volume: RtVolume, guideline: Guideline, taken: Sequence[str], several: bool) -> RtVolume:
    """The volume under a name of its own; the guideline's where several volumes would be called alike."""
    if not several and volume.name not in taken:
        return volume
    stem = f"{volume.name}_{guideline.name.split('_')[0]}"[:LONGEST_NAME]
    name, number = stem, 1
    while name in taken:
        number += 1
        ending = f"_{number}"
        name = stem[: LONGEST_NAME - len(ending)] + ending
    return replace(volume, name=name)


@dataclass(frozen=True, eq=False)
class CaseGeneration:
    """What the anatomy of a case gave. landmarks: None where there is no anatomy."""

    volumes: tuple[RtVolume, ...] = ()
    landmarks: Landmarks | None = None
    warnings: tuple[str, ...] = ()


def generate_for_case(
    structures: Mapping[str, Mask],
    ct: Image | None,
    request: GenerationRequest,
    guidelines: Sequence[Guideline],
    taken: Sequence[str],
    stage: Stage,
) -> CaseGeneration:
    """Landmarks of a case's organs, and the volumes of its guidelines. All in the case's world.

    Raises LandmarkError for a landmark that does not exist, InputError for a file that cannot be read.
    """
    if not structures:
        return CaseGeneration()
    anatomy = case_anatomy(structures)
    landmarks = case_landmarks(anatomy, request)
    generator = VolumeGenerator(anatomy, ct, landmarks)
    volumes, said = generate_volumes(generator, guidelines, taken, stage)
    return CaseGeneration(volumes, landmarks, said)
