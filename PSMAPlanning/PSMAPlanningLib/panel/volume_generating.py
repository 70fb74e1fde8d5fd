"""Volumes of a case by guidelines, and made again when a landmark moves; on plain records, for a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..imaging.image import Image, Mask
from ..progress import Stage
from ..records import CaseState, Point, RtVolume
from ..rtvolumes.bed import NEEDED
from ..rtvolumes.generated_record import GeneratedRecord
from ..rtvolumes.guideline import Guideline, GuidelineLevel
from ..rtvolumes.guideline_files import load_guideline
from ..rtvolumes.landmarks import Landmark, Landmarks
from ..rtvolumes.landmarks_finding import TRANSITIONAL, transitional_candidates
from ..rtvolumes.names import unique_names
from ..rtvolumes.tg263 import LONGEST_NAME
from ..volume_generation import GENERATED, TOP_AT_L4_L5, VolumeGenerator, case_anatomy, switched
from .volume_importing import show_ahead
from .volume_uses import use_of

Moves = Mapping[str, Point]
"""Landmarks by name and where they are put, RAS mm."""


def organs_of(state: CaseState) -> dict[str, Mask]:
    """Organ masks to generate from: volumes that somebody drew go before those of a segmentation."""
    drawn = {
        volume.tg263 or volume.name: volume.mask
        for volume in state.volumes
        if use_of(volume) == "organ" and not volume.asks
    }
    return {**drawn, **{name: mask for name, mask in state.anatomy.items() if name not in drawn}}


class KeptGenerator:
    """The generator of the newest anatomy, with its work: a moved plane then only cuts anew."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], VolumeGenerator] | None = None

    def of(self, state: CaseState) -> VolumeGenerator:
        """A generator of the case with its landmarks. Raises InputError for a case without organ masks."""
        organs = organs_of(state)
        if not organs:
            raise InputError("There are no organ masks; take them from a segmentation first.")
        ct = state.planning_ct if state.planning_ct is not None else state.ct
        kept = self._kept
        if kept is not None and _is_same(kept[0], (ct, *organs.values())):
            generator = kept[1].with_landmarks(state.landmarks) if state.landmarks else kept[1]
        else:
            generator = VolumeGenerator(case_anatomy(organs), ct, state.landmarks)
        self._kept = ((ct, *organs.values()), generator)
        return generator


def with_landmarks_found(state: CaseState, kept: KeptGenerator) -> CaseState:
    """The case with landmarks found in its organs; what the user placed stays."""
    found = kept.of(replace(state, landmarks=None)).landmarks
    return replace(state, landmarks=(state.landmarks or Landmarks()).with_automatic(found))


def with_generated(state: CaseState, guideline: Guideline, kept: KeptGenerator, stage: Stage) -> CaseState:
    """The case with the volume of a guideline, in place of the one that guideline made before.

    Raises GenerationError or LandmarkError where this anatomy cannot carry it.
    """
    stage.report(0.05, f"generating volumes by {guideline.title}")
    generator = kept.of(state)
    volume = generator.volume(guideline)
    show_ahead((volume,), stage.part(0.8, 1.0))
    return replace(state, volumes=_filed(state.volumes, volume), landmarks=generator.landmarks)


def with_moved(
    state: CaseState, moves: Moves, kept: KeptGenerator, own: Mapping[str, Guideline], stage: Stage
) -> tuple[CaseState, tuple[str, ...]]:
    """The case with landmarks put elsewhere and its generated volumes cut anew, and what was left as it is.

    own: guidelines of the user's files by name. Raises LandmarkError or GenerationError where a landmark
    cannot lie.
    """
    landmarks = state.landmarks or kept.of(state).landmarks
    for name, point in moves.items():
        landmarks = landmarks.with_moved(name, point)
    state = replace(state, landmarks=landmarks)
    volumes, said = list(state.volumes), []
    for number, volume in enumerate(state.volumes):
        if volume.generated is None or not volume.origin.startswith(GENERATED):
            continue
        guideline = guideline_of(volume.generated, own)
        if guideline is None or volume.origin != GENERATED:
            why = "was edited by hand" if guideline else "comes from a guideline file that is not open"
            said.append(f"{volume.name} {why} and stays as it is.")
        elif set(moves) & _landmarks_of(guideline):
            stage.report(number / len(volumes), f"{volume.name} anew")
            made = kept.of(state).volume(guideline)
            volumes[number] = replace(made, name=volume.name, prescription=volume.prescription)
    changed = [after for before, after in zip(state.volumes, volumes, strict=True) if after is not before]
    show_ahead(changed, stage)
    return replace(state, volumes=tuple(volumes)), tuple(said)


def guideline_of(record: GeneratedRecord, own: Mapping[str, Guideline]) -> Guideline | None:
    """The guideline that made a volume, switched as it was; None for a file that is not open any more."""
    if record.source == "package":
        guideline = load_guideline(record.guideline)
    elif record.guideline in own:
        guideline = own[record.guideline]
    else:
        return None
    switches = {name: on for name, on in record.switches.items() if name in guideline.switches}
    rested = (each for step in record.steps for each in step.rests_on)
    top = next((each for each in rested if isinstance(each, GuidelineLevel) and each.name == "cranial"), None)
    if top is not None and top.landmark == "L4_L5" and guideline.kind == "nodes":
        switches[TOP_AT_L4_L5] = True
    return switched(guideline, switches)


def asked_candidates(state: CaseState) -> tuple[Landmark, ...]:
    """The levels that could be L5/S1 while nobody has said which one it is; upper one first."""
    marks = state.landmarks
    if marks is None or TRANSITIONAL not in marks.findings or not marks["L5_S1"].is_missing:
        return ()
    return transitional_candidates(case_anatomy(organs_of(state)))


def _landmarks_of(guideline: Guideline) -> set[str]:
    """Names of the landmarks that a guideline's volume follows."""
    names = {level.landmark for level in guideline.levels.values()}
    if guideline.kind == "bed":
        return names | set(NEEDED)
    # The common vessels part at the top of S1 where no label tells; the strips begin at the heads.
    return names | {"S1_top", "femoral_head_top", "symphysis_top"}


def _filed(volumes: Sequence[RtVolume], made: RtVolume) -> tuple[RtVolume, ...]:
    former = [v for v in volumes if v.origin == GENERATED and _guideline_name(v) == _guideline_name(made)]
    if former:
        named = replace(made, name=former[0].name, prescription=former[0].prescription)
        return tuple(named if volume is former[0] else volume for volume in volumes)
    taken = [volume.name for volume in volumes]
    if made.name in taken:
        stem = f"{made.name}_{_guideline_name(made).split('_')[0]}"[:LONGEST_NAME]
        made = replace(made, name=unique_names([*taken, stem])[-1])
    return (*volumes, made)


def _guideline_name(volume: RtVolume) -> str:
    return "" if volume.generated is None else volume.generated.guideline


def _is_same(kept: Sequence[Image | Mask | None], now: Sequence[Image | Mask | None]) -> bool:
    return len(kept) == len(now) and all(a is b for a, b in zip(kept, now, strict=True))
