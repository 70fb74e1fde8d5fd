"""What people change about the list of lesions: merge, split, delete, add, region, reference spheres."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import lesion_revision
from ..errors import CaseError, RuleError
from ..lesion_finding import lesion_at
from ..progress import Progress, Stage
from ..records import CaseState, Point
from .presenter_core import PresenterCore
from .running_work import Outcome
from .sample_case import make_surfaces
from .view_state import Action

Revise = Callable[[CaseState], CaseState]


class RevisionActions(PresenterCore):
    """Actions that change which lesions there are and where they lie.

    What contours a lesion anew takes some tenths of a second and runs beside the interface.
    """

    def leave_undecided(self, lesion_id: str | None = None) -> bool:
        """Leave the lesion, or the selected one, for somebody else to decide on."""
        return self._on_lesion(Action.LEAVE_UNDECIDED, lesion_id, lambda i: self.case.leave_undecided(i))

    def merge_lesions(self, lesion_ids: Sequence[str]) -> bool:
        """Start making several lesions one, under the id of the first in the list."""
        ids = self._in_order(lesion_ids)
        change = self.case.change(f"merged: {', '.join(ids)}")
        name = f"merge lesions {', '.join(ids)}"
        return self._revise(Action.MERGE, name, lambda state: lesion_revision.merged(state, ids, change))

    def split_lesion(self, lesion_id: str | None = None) -> bool:
        """Start cutting the lesion, or the selected one, along the saddles of its uptake."""
        chosen = lesion_id or self._selected
        change = self.case.change("split")
        return self._revise(
            Action.SPLIT,
            f"split lesion {chosen}",
            lambda state: lesion_revision.split(state, chosen, change),
            needs_selection=lesion_id is None,
        )

    def delete_lesion(self, lesion_id: str | None = None) -> bool:
        """Take out the lesion, or the selected one, that was added by hand; one that was found is refused."""
        return self._on_lesion(Action.DELETE_LESION, lesion_id, lambda i: self.case.delete_lesion(i))

    def state_region(
        self, region: str, side: str | None = None, structure: str | None = None, lesion_id: str | None = None
    ) -> bool:
        """Say where the lesion, or the selected one, lies. region: a code of `coverage.regions.Region`."""
        return self._on_lesion(
            Action.STATE_REGION, lesion_id, lambda i: self.case.state_region(i, region, side, structure)
        )

    def clear_region(self, lesion_id: str | None = None) -> bool:
        """Let the anatomy tell again where the lesion, or the selected one, lies."""
        return self._on_lesion(Action.STATE_REGION, lesion_id, lambda i: self.case.clear_region(i))

    def add_lesion(self, point_ras: Point | None = None) -> bool:
        """Start contouring a lesion by the case's rules at a point (RAS mm); None: at the crosshair."""

        def start() -> None:
            point = self._point(point_ras)
            found = self.case.change("added by hand")
            self._start_revision("add lesion", lambda state: lesion_at(state, point, found))

        return self._do(Action.ADD_LESION, start)

    def place_reference(
        self, name: str, centre_ras: Point | None = None, radius_mm: float | None = None
    ) -> bool:
        """Place the sphere of a reference region (RAS mm, radius in mm); None: crosshair and usual radius."""

        def place() -> None:
            try:
                self.case.place_reference(name, self._point(centre_ras), radius_mm)
            except RuleError as error:
                raise CaseError(str(error)) from None

        return self._do(Action.PLACE_REFERENCE, place)

    def _point(self, point_ras: Point | None) -> Point:
        point = point_ras if point_ras is not None else self._scene.crosshair_ras()
        if point is None:
            raise CaseError("There is no crosshair yet; hold Shift and move the mouse over a slice.")
        return tuple(float(x) for x in point)

    def _in_order(self, lesion_ids: Sequence[str]) -> list[str]:
        """The ids in the order of the case; those it does not know at the end, to be refused."""
        known = [lesion.id for lesion in self.case.state.lesions if lesion.id in set(lesion_ids)]
        return [*known, *(lesion_id for lesion_id in lesion_ids if lesion_id not in known)]

    def _on_lesion(self, action: Action, lesion_id: str | None, step: Callable[[str], None]) -> bool:
        chosen = lesion_id or self._selected
        return self._do(action, lambda: step(chosen), needs_selection=lesion_id is None)

    def _revise(self, action: Action, name: str, revise: Revise, needs_selection: bool = True) -> bool:
        return self._do(action, lambda: self._start_revision(name, revise), needs_selection)

    def _start_revision(self, name: str, revise: Revise) -> None:
        def compute(state: CaseState, progress: Progress) -> CaseState:
            stage = Stage(progress)
            stage.report(0.0, name)
            try:
                after = revise(state)
            except RuleError as error:
                raise CaseError(str(error)) from None
            make_surfaces(after, stage.part(0.8, 1.0))
            return after

        self._start(name, compute)

    def _take_outcome(self, outcome: Outcome) -> None:
        """Select a lesion that was not there before."""
        former = {lesion.id for lesion in self.case.state.lesions}
        super()._take_outcome(outcome)
        if outcome.error is None and outcome.name == "add lesion":
            added = [lesion for lesion in self.case.state.lesions if lesion.id not in former]
            if added and self.error is None:
                self._select(added[-1].id)
                self._scene.jump_to(added[-1].region.peak_ras)
