"""What the Contours section does: rules and consensus, contouring again, and one lesion's own contour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..delineation.rules import RULES
from ..errors import CaseError
from ..progress import Progress, Stage
from ..records import CaseState
from ..settings import RuleSettings
from .contour_again import contour_again
from .contours_view import ContoursView, contours_view
from .presenter_core import CONTOUR, PresenterCore
from .sample_case import make_surfaces
from .view_state import Action


class ContourActions(PresenterCore):
    """Actions on how lesions are contoured."""

    _contours: tuple[Any, ContoursView] = (None, ContoursView())

    def choose_rule(self, name: str, is_wanted: bool) -> bool:
        """Add a rule to those that lesions are contoured by, or leave it out; one must stay."""
        return self._do(Action.CHOOSE_RULES, lambda: self._choose_rule(name, is_wanted))

    def choose_consensus(self, method: str) -> bool:
        """Choose how the contours of the rules become one."""
        settings = self.case.state.settings
        if method == settings.consensus.method:
            return True
        changed = replace(settings, consensus=replace(settings.consensus, method=method))
        return self._do(
            Action.CHOOSE_RULES, lambda: self._perform("choose consensus method", settings=changed)
        )

    def contour_again(self) -> bool:
        """Start contouring the lesions by the rules chosen; decisions and hand-drawn contours stay."""
        change = self.case.change("contoured again")

        def compute(state: CaseState, progress: Progress) -> CaseState:
            after = contour_again(state, change, Stage(progress).part(0.0, 0.9))
            make_surfaces(after, Stage(progress).part(0.9, 1.0))
            return after

        return self._do(Action.CONTOUR, lambda: self._start(CONTOUR, compute))

    # The contour of one lesion

    def choose_contour(self, name: str, lesion_id: str | None = None) -> bool:
        """Let the lesion, or the selected one, go by "consensus" or by one of its candidates, by name."""
        chosen = lesion_id or self._selected
        return self._do(
            Action.CHOOSE_CONTOUR,
            lambda: self.case.choose_contour(chosen, name),
            needs_selection=lesion_id is None,
        )

    def set_lesion_threshold(self, threshold_suv: float, lesion_id: str | None = None) -> bool:
        """Let the lesion, or the selected one, go by what is at or above a threshold (SUV) at its peak."""
        chosen = lesion_id or self._selected

        def set_threshold() -> None:
            self._live_lesion.end()
            self.case.contour_at_threshold(chosen, threshold_suv)

        return self._do(Action.SET_LESION_THRESHOLD, set_threshold, needs_selection=lesion_id is None)

    def preview_lesion_threshold(self, threshold_suv: float) -> bool:
        """Show in the slices what the selected lesion would be at a threshold (SUV), while it is dragged."""

        def preview() -> None:
            self._live_lesion.at(self.case.lesion(self._selected), self.case.state, threshold_suv)

        return self._do(Action.SET_LESION_THRESHOLD, preview)

    def end_lesion_preview(self) -> bool:
        """Take the preview of a lesion's threshold away."""
        return self._do(None, self._live_lesion.end)

    def _contours_view(self) -> ContoursView:
        """Of the selected lesion, made anew when the lesion, the rules or the selection change."""
        state = self.case.state
        lesion = next((each for each in state.lesions if each.id == self._selected), None)
        if lesion is None or state.pet is None:
            return ContoursView()
        key = (lesion, state.settings)
        if self._contours[0] != key:
            # The colors of their outlines depend on which rules have one.
            rules = tuple(
                candidate.rule
                for each in state.lesions
                for candidate in each.candidates
                if not candidate.mask.is_empty
            )
            self._contours = (key, contours_view(lesion, state, rules))
        return self._contours[1]

    def _choose_rule(self, name: str, is_wanted: bool) -> None:
        settings = self.case.state.settings
        if name not in RULES:
            raise CaseError(f"There is no rule {name!r}; psma-planning rules lists them.")
        rules = settings.contours.rules
        if is_wanted == any(rule.name == name for rule in rules):
            return
        if is_wanted:
            rules = (*rules, RuleSettings(name))
        else:
            rules = tuple(rule for rule in rules if rule.name != name)
        if not rules:
            raise CaseError("Lesions need at least one rule to be contoured by; choose another one first.")
        goes_by = settings.contours.lesion_contour
        if goes_by == name:
            goes_by = "consensus"
        contours = replace(settings.contours, rules=rules, lesion_contour=goes_by)
        word = "add" if is_wanted else "leave out"
        self._perform(f"{word} rule {name}", settings=replace(settings, contours=contours))
