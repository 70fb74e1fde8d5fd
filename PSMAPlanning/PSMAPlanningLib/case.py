"""PlanningCase: one patient's images, lesions, volumes and results, and the one history of changes.

The case owns everything; the Slicer scene, the panel and the report are views of it. Each state of the
case is a frozen record, so undo is going back to the record before, and cannot be incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from . import lesion_again, lesion_revision
from .case_dose import CaseDose, case_dose
from .case_patient import CasePatient
from .coverage.dose_coverage import DoseCache
from .coverage.lesion_coverage import CoverageCache, LesionVolumeCoverage
from .coverage.patient_result import PatientResult
from .coverage.regions import PELVIC_BONES, RegionAssignment, stated_region
from .coverage.solid import Solid
from .errors import CaseError
from .imaging.image import Mask
from .lesion_finding import lesion_at, with_reference
from .records import CaseState, Change, Contour, Lesion, LesionState, Point, RtVolume
from .settings import Settings

Observer = Callable[[CaseState, CaseState], None]
"""Called after every change with the state before and the state after."""


@dataclass(frozen=True, eq=False)
class _Step:
    name: str
    before: CaseState
    after: CaseState


class PlanningCase:
    """One patient's planning case.

    who: written beside every decision made through this object.
    now: the clock, exchangeable for tests.
    start: what the case begins with, which undo cannot take back: a case that comes from a saved scene.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        who: str = "unknown",
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        start: CaseState | None = None,
    ) -> None:
        self.who = who
        self._now = now
        self._state = start or CaseState(settings=settings or Settings())
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._observers: list[Observer] = []
        self._coverage = CoverageCache()
        self._dose = DoseCache()
        self._patient = CasePatient(self._coverage)

    # What the case is

    @property
    def state(self) -> CaseState:
        return self._state

    def lesion(self, lesion_id: str) -> Lesion:
        """The lesion of that id; raises CaseError when there is none."""
        for lesion in self._state.lesions:
            if lesion.id == lesion_id:
                return lesion
        raise CaseError(f"There is no lesion {lesion_id!r} in this case; its list may have been recomputed.")

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody decided on every lesion; a case without lesions is not reviewed by itself."""
        lesions = self._state.lesions
        return bool(lesions) and all(lesion.is_decided for lesion in lesions)

    def coverage(self) -> dict[str, dict[str, LesionVolumeCoverage]]:
        """Coverage by lesion id and volume name; only what changed since the last call is computed."""
        return self.coverage_of(self._state)

    def coverage_of(self, state: CaseState) -> dict[str, dict[str, LesionVolumeCoverage]]:
        """Coverage in a state that need not be the case's yet; may be asked on another thread."""
        rows = self._coverage.table(
            [(lesion.contour.mask, lesion.region.peak_ras) for lesion in state.lesions],
            [volume.filled for volume in state.volumes],
            state.settings.coverage,
        )
        names = [volume.name for volume in state.volumes]
        return {
            lesion.id: dict(zip(names, row, strict=True))
            for lesion, row in zip(state.lesions, rows, strict=True)
        }

    def surface_of(self, volume: RtVolume) -> Solid | None:
        """The surface that coverage measures to, made once; None when the volume is empty."""
        return self._coverage.solid(volume.filled)

    def dose(self) -> CaseDose | None:
        """What the dose is to lesions and volumes; None without one. Only what changed is computed."""
        return self.dose_of(self._state)

    def dose_of(self, state: CaseState) -> CaseDose | None:
        """The dose in a state that need not be the case's; may be asked on another thread."""
        return case_dose(state, self.coverage_of(state), self._dose) if state.dose else None

    def patient(self) -> PatientResult:
        """The patient's result; worked out when the state has changed, and then only what changed."""
        return self.patient_of(self._state)

    def patient_of(self, state: CaseState) -> PatientResult:
        """The patient's result in a state that need not be the case's; may be asked on another thread."""
        return self._patient.result(state)

    def assigned_regions(self) -> dict[str, RegionAssignment]:
        """Where each lesion lies, by id: what a user stated, else what the anatomy tells."""
        return self._patient.regions(self._state)

    def known_regions(self) -> dict[str, RegionAssignment]:
        """Those of the regions that were stated or are worked out already; never takes long."""
        return self._patient.known_regions(self._state)

    # The one history

    def perform(self, name: str, after: CaseState) -> None:
        """Replace the state, as one step that undo takes back and shows as `name`."""
        if after is self._state:
            return
        step = _Step(name, self._state, after)
        self._done.append(step)
        self._undone.clear()
        self._go_to(after)

    @property
    def undo_name(self) -> str | None:
        """What undo would take back; None when there is nothing."""
        return self._done[-1].name if self._done else None

    @property
    def redo_name(self) -> str | None:
        return self._undone[-1].name if self._undone else None

    def undo(self) -> str:
        """Take the last step back and return its name; raises CaseError when there is none."""
        if not self._done:
            raise CaseError("There is nothing to undo.")
        step = self._done.pop()
        self._undone.append(step)
        self._go_to(step.before)
        return step.name

    def redo(self) -> str:
        """Do the step that was last taken back; raises CaseError when there is none."""
        if not self._undone:
            raise CaseError("There is nothing to redo.")
        step = self._undone.pop()
        self._done.append(step)
        self._go_to(step.after)
        return step.name

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after each change; returns the function that ends this."""
        self._observers.append(observer)

        def stop() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return stop

    def _go_to(self, after: CaseState) -> None:
        before, self._state = self._state, after
        for observer in tuple(self._observers):
            observer(before, after)

    # What the user adds to the search

    def add_lesion_at(self, point_ras: Point) -> str:
        """Add the lesion at a point (RAS mm), be it below the threshold or listed and not contoured; its id.

        Raises CaseError where a lesion is already, RuleError where nothing stands out.
        """
        after = lesion_at(self._state, point_ras, self.change("added by hand"))
        lesion_id = after.lesions[-1].id
        self.perform(f"add lesion {lesion_id}", after)
        return lesion_id

    def place_reference(self, name: str, centre_ras: Point, radius_mm: float | None = None) -> None:
        """Place the sphere of a reference region (liver, blood_pool ...); None takes the usual radius.

        Placing it where it was proposed confirms it. Raises RuleError for a sphere that cannot be.
        """
        after = with_reference(self._state, name, centre_ras, radius_mm)
        self.perform(f"place reference region {name}", after)

    # What the user changes about the list

    def merge_lesions(self, lesion_ids: Sequence[str]) -> None:
        """Make several lesions one, under the id of the first; see `lesion_revision.merged`."""
        after = lesion_revision.merged(self._state, lesion_ids, self.change("merged"))
        self.perform(f"merge lesions {', '.join(lesion_ids)}", after)

    def split_lesion(self, lesion_id: str) -> None:
        """Cut a lesion along the saddles of its uptake; see `lesion_revision.split`."""
        after = lesion_revision.split(self._state, lesion_id, self.change("split"))
        self.perform(f"split lesion {lesion_id}", after)

    def delete_lesion(self, lesion_id: str) -> None:
        """Take out a lesion that was added by hand; raises CaseError for one that was found."""
        self.perform(f"delete lesion {lesion_id}", lesion_revision.deleted(self._state, lesion_id))

    def choose_contour(self, lesion_id: str, name: str) -> None:
        """Let a lesion go by "consensus" or by one of its candidates, by name."""
        change = self.change(f"{lesion_again.CHOSEN}{name}")
        lesion = lesion_revision.going_by(self._state, lesion_id, name, change)
        self._replace_lesion(lesion, f"lesion {lesion_id} by {name}")

    def contour_at_threshold(self, lesion_id: str, threshold_suv: float) -> None:
        """Let a lesion go by what is at or above a threshold (SUV) and connected to its hottest voxel."""
        change = self.change(f"threshold SUV {threshold_suv:g}")
        lesion = lesion_revision.at_threshold(self._state, lesion_id, threshold_suv, change)
        self._replace_lesion(lesion, f"threshold lesion {lesion_id} at SUV {threshold_suv:g}")

    # Decisions about a lesion

    def accept(self, lesion_id: str) -> None:
        self._decide(lesion_id, LesionState.ACCEPTED, f"accept lesion {lesion_id}")

    def reject(self, lesion_id: str, reason: str) -> None:
        """Reject a lesion; a reason must be given, and stays with it."""
        if not reason.strip():
            raise CaseError("A rejected lesion needs a reason; say why in a few words.")
        self._decide(lesion_id, LesionState.REJECTED, f"reject lesion {lesion_id}", reason.strip())

    def leave_undecided(self, lesion_id: str) -> None:
        self._decide(lesion_id, LesionState.UNDECIDED, f"leave lesion {lesion_id} undecided")

    def edit_contour(self, lesion_id: str, mask: Mask) -> None:
        """Replace a lesion's contour by one drawn by hand; its state stays what it was."""
        if mask.is_empty:
            raise CaseError("The edited contour is empty; reject the lesion instead of erasing it.")
        lesion = self.lesion(lesion_id)
        edited = lesion.with_contour(Contour(mask.cropped(), source="hand"), self.change("hand-edited"))
        self._replace_lesion(edited, f"edit lesion {lesion_id}")

    def state_region(
        self, lesion_id: str, region: str, side: str | None = None, structure: str | None = None
    ) -> None:
        """Say where a lesion lies; goes before the anatomy. Raises RegionError for a region that is none."""
        lesion = self.lesion(lesion_id)
        is_pelvic = structure is not None and structure.casefold() in PELVIC_BONES
        stated = replace(
            lesion,
            stated_region=stated_region(region, side, structure, is_pelvic),
            history=(*lesion.history, self.change(f"region stated: {region}", lesion.rejection_reason)),
        )
        self._replace_lesion(stated, f"state region of lesion {lesion_id}")

    def clear_region(self, lesion_id: str) -> None:
        """Let the anatomy tell a lesion's region again."""
        lesion = self.lesion(lesion_id)
        cleared = replace(
            lesion,
            stated_region=None,
            history=(*lesion.history, self.change("region automatic", lesion.rejection_reason)),
        )
        self._replace_lesion(cleared, f"clear region of lesion {lesion_id}")

    def change(self, what: str, reason: str | None = None) -> Change:
        """A record entry made now by whoever works on this case."""
        return Change(what, self.who, self._now().isoformat(timespec="seconds"), reason)

    def _decide(self, lesion_id: str, state: LesionState, name: str, reason: str | None = None) -> None:
        lesion = self.lesion(lesion_id)
        self._replace_lesion(lesion.with_state(state, self.change(state.value, reason)), name)

    def _replace_lesion(self, lesion: Lesion, name: str) -> None:
        lesions = tuple(lesion if old.id == lesion.id else old for old in self._state.lesions)
        self.perform(name, replace(self._state, lesions=lesions))
