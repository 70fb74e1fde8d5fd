"""What the actions on RT volumes have in common: the form, work with notes, and the section's view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from ..case import PlanningCase
from ..case_prescriptions import stated_prescriptions
from ..imaging.image import Mask
from ..progress import Progress, Stage
from ..records import CaseState, RtVolume
from ..rtvolumes.bed import NEEDED
from ..rtvolumes.eqd2 import eqd2_gy
from ..rtvolumes.guideline import Guideline
from ..scene.owned_nodes import VOLUMES
from ..volume_generation import GENERATED
from .one_patient import OnePatient
from .register_case import UnmovedImages
from .running_work import Outcome
from .view_state import Action, Reason
from .volume_editing import AnyEditing, VolumeEditing
from .volume_generating import KeptGenerator, asked_candidates, organs_of
from .volume_growing import accepted, croppable
from .volume_uses import use_of
from .volumes_form import VolumesForm, guideline_choices
from .volumes_view import GeneratedRow, LandmarkRow, MappingRow, PrescriptionRow, VolumesView

_OFTEN_CROPPED = (
    "rectum",
    "urinary_bladder",
    "bladder",
    "sigmoid",
    "bowel",
    "small_bowel",
    "colon",
    "anal",
    "penile",
)
Compute = Callable[[CaseState, Stage, list[str]], CaseState]
"""Works on a thread; sentences that it appends are shown when it succeeded."""


class VolumesCore(OnePatient):
    """Form, drawing and view of the section; its actions are in the volume_ files beside this one."""

    _images: UnmovedImages

    def __init__(self, *arguments: Any) -> None:
        self._form = VolumesForm()
        self._kept = KeptGenerator()
        self._pending: tuple[str, list[str]] | None = None
        self._grown_from: WeakKeyDictionary[Mask, tuple[str, Mask]] = WeakKeyDictionary()
        self._volumes_shown: tuple[tuple[Any, ...], VolumesView] = ((), VolumesView())
        self._choices: tuple[Any, tuple[Any, ...]] = (None, ())
        super().__init__(*arguments)
        self._drawing = VolumeEditing(self._scene)
        self._editing = AnyEditing(self._scene, self._drawing)
        self._scene.drawing.on_modified = lambda: self.scheduler.soon("volume drawn", self.take_drawn_volume)

    def take_drawn_volume(self) -> bool:
        """Make one command of what was drawn on the volume since the last one."""
        return self._do(None, lambda: self._drawing.take_drawn(self.case, self.work.is_busy))

    def begin_again(self, start: CaseState | PlanningCase | None = None) -> None:
        self._form = VolumesForm(own=self._form.own)
        self._kept = KeptGenerator()
        self._pending = None
        super().begin_again(start)

    # Work

    def _start_volumes(self, name: str, compute: Compute) -> None:
        """Start work on the volumes; what it says is shown under the step's name once it succeeded."""
        said: list[str] = []
        self._pending = (name, said)

        def work(state: CaseState, progress: Progress) -> CaseState:
            return compute(state, Stage(progress), said)

        self._start(name, work)

    def _take_outcome(self, outcome: Outcome) -> None:
        pending, self._pending = self._pending, None
        super()._take_outcome(outcome)
        if pending is not None and outcome.result is not None and outcome.result is self.case.state:
            self._note(pending[0], *pending[1])

    def _note(self, title: str, *said: str) -> None:
        self._form = replace(self._form, notes=(title, *said))

    def _volume(self, name: str | None) -> RtVolume | None:
        return next((volume for volume in self.case.state.volumes if volume.name == name), None)

    @property
    def _selected_volume(self) -> RtVolume | None:
        return self._volume(self._form.selected)

    def _with_volume(self, name: str, former: RtVolume, now: RtVolume) -> None:
        volumes = tuple(now if each is former else each for each in self.case.state.volumes)
        self._perform(name, volumes=volumes)

    # What can be done

    def _blocked(self) -> dict[Action, Reason]:
        blocked = super()._blocked()
        if self.work.is_busy:
            return blocked
        state, volume = self.case.state, self._selected_volume
        if state.pet is None:
            blocked[Action.IMPORT_VOLUMES] = Reason.NO_PET
        if not state.volumes:
            with_volumes = (Action.NAME_VOLUME, Action.CONFIRM_NAMES, Action.REMOVE_VOLUME, Action.DRAW)
            blocked |= dict.fromkeys((*with_volumes, Action.GROW), Reason.NO_VOLUMES)
        elif volume is None:
            blocked |= dict.fromkeys((Action.REMOVE_VOLUME, Action.DRAW), Reason.NO_VOLUME_SELECTED)
            blocked[Action.GROW] = Reason.NO_VOLUME_SELECTED
        elif not volume.is_target or volume.kind == "PTV":
            blocked[Action.GROW] = Reason.NOT_CLINICAL
        elif None in self._form.margins:
            blocked[Action.GROW] = Reason.MARGINS_INCOMPLETE
        if state.volumes and not any(each.asks for each in state.volumes):
            blocked[Action.CONFIRM_NAMES] = Reason.NOTHING_ASKED
        if not accepted(state):
            blocked[Action.BOOST] = Reason.NO_ACCEPTED
        elif None in (self._form.to_clinical_mm, self._form.to_planning_mm):
            blocked[Action.BOOST] = Reason.BOOST_INCOMPLETE
        return blocked | self._blocked_generation(state)

    def _blocked_generation(self, state: CaseState) -> dict[Action, Reason]:
        blocked = {}
        if not state.anatomy and not organs_of(state):
            needs_organs = (Action.FIND_LANDMARKS, Action.GENERATE_NODES, Action.GENERATE_BED)
            blocked |= dict.fromkeys(needs_organs, Reason.NO_ORGANS)
        elif self._bed_missing(state):
            blocked[Action.GENERATE_BED] = Reason.NO_BED_LANDMARKS
        if state.landmarks is None:
            blocked[Action.MOVE_LANDMARK] = Reason.NO_LANDMARKS
        if state.pet is None and state.ct is None and state.planning_ct is None:
            blocked[Action.PLACE] = Reason.NO_PET
        return blocked

    def _bed_missing(self, state: CaseState) -> tuple[str, ...]:
        return NEEDED if state.landmarks is None else state.landmarks.missing_of(NEEDED)

    # What is shown

    def _volumes_view(self) -> VolumesView:
        state, form, scene = self.case.state, self._form, self._scene
        edit_node = scene.drawing.node
        edited = self._drawing.name if edit_node is not None else None
        key = (state, form, edited, edit_node, scene.landmarks.placing, scene.landmarks.is_shown)
        node = scene.node(VOLUMES) if state.volumes else None
        known, view = self._volumes_shown
        # Node and state are compared by identity: equality of large records is never asked.
        if len(known) == len(key) and all(a is b for a, b in zip(known, key, strict=True)):
            return view if view.node is node else replace(view, node=node)
        if self._choices[0] is not form.own:
            self._choices = (form.own, guideline_choices(form.own))
        view = VolumesView(
            node=node,
            rows=tuple(self._mapping_row(volume) for volume in state.volumes),
            selected=form.selected if self._selected_volume is not None else None,
            notes=form.notes,
            margins=form.margins,
            margin_file=form.institution.institution if form.institution else "",
            crop_by=form.cropping.organs + ((form.cropping.within,) if form.cropping.within else ()),
            crop_margin_mm=form.cropping.margin_mm,
            organs=self._croppable_names(state),
            boost_margins=(form.to_clinical_mm, form.to_planning_mm),
            guidelines=self._choices[1],
            chosen_guidelines=form.chosen,
            switches=form.shown_switches(),
            organ_count=len(organs_of(state)),
            landmarks=_landmark_rows(state),
            are_planes_shown=scene.landmarks.is_shown,
            asked_levels=tuple(mark.superior_mm for mark in asked_candidates(state)),
            bed_missing=self._bed_missing(state),
            placing=scene.landmarks.placing,
            generated=tuple(_generated_row(v) for v in state.volumes if _is_generated(v)),
            prescriptions=_prescription_rows(state),
            alpha_beta_gy=state.settings.volumes.alpha_beta_gy,
            edited=edited,
            edit_node=edit_node,
            source_node=scene.drawing.source if edit_node is not None else None,
        )
        self._volumes_shown = (key, view)
        return view

    def _croppable_names(self, state: CaseState) -> tuple[str, ...]:
        bounds = tuple(volume.name for volume in state.volumes if volume.role == "external")
        return (*sorted(croppable(state), key=_crop_order), *bounds)

    def _mapping_row(self, volume: RtVolume) -> MappingRow:
        source = self._grown_from.get(volume.mask)
        now = self._volume(source[0]) if source is not None else None
        return MappingRow(
            volume.name,
            use_of(volume),
            volume.kind,
            volume.tg263,
            volume.matched_by,
            volume.asks,
            volume.mask.volume_ml if volume.occupancy is None else volume.occupancy.volume_ml,
            volume.origin,
            volume.source_file,
            volume.status,
            _is_generated(volume),
            volume.unverified,
            now is not None and now.mask is not source[1],
        )

    def _guideline(self, kind: str) -> Guideline:
        return self._form.guideline(kind)


def _crop_order(name: str) -> tuple[int, str]:
    """What PTVs are usually kept out of comes first; a segmentation names a hundred organs."""
    plain = name.casefold()
    first = next((n for n, organ in enumerate(_OFTEN_CROPPED) if plain.startswith(organ)), 99)
    return first, plain


def _landmark_rows(state: CaseState) -> tuple[LandmarkRow, ...]:
    if state.landmarks is None:
        return ()
    return tuple(
        LandmarkRow(
            mark.name,
            mark.source.value,
            None if mark.is_missing else mark.superior_mm,
            mark.confidence,
            mark.reason,
        )
        for mark in state.landmarks.placed.values()
    )


def _prescription_rows(state: CaseState) -> tuple[PrescriptionRow, ...]:
    known, rows = stated_prescriptions(state), []
    for volume in state.volumes:
        given = known.get(volume.name)
        if not volume.is_target:
            continue
        if given is None:
            rows.append(PrescriptionRow(volume.name))
            continue
        eqd2 = None
        if given.fractions is not None:
            eqd2 = tuple(
                eqd2_gy(given.dose_gy, given.fractions, ratio)
                for ratio in state.settings.volumes.alpha_beta_gy
            )
        rows.append(PrescriptionRow(volume.name, given.dose_gy, given.fractions, given.source, eqd2))
    return tuple(rows)


def _is_generated(volume: RtVolume) -> bool:
    return volume.generated is not None and volume.origin.startswith(GENERATED)


def _generated_row(volume: RtVolume) -> GeneratedRow:
    record = volume.generated
    return GeneratedRow(
        volume.name,
        record.title,
        volume.mask.volume_ml,
        record.unverified,
        tuple(_step_text(step) for step in record.steps),
        tuple(finding.sentence for finding in record.findings),
        tuple((each.what, each.mean_ml, each.low_ml, each.high_ml) for each in record.published),
    )


def _step_text(step: Any) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in step.numbers.items())
    volume = "" if step.volume_ml is None else f" -> {step.volume_ml:.0f} mL"
    return f"{step.what}: {numbers}{volume}" if numbers else f"{step.what}{volume}"
