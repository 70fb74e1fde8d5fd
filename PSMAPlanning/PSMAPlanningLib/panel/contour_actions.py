"""What the Contours section does for all lesions: rules and consensus, contouring again."""

from __future__ import annotations

from dataclasses import replace

from ..delineation.rules import RULES
from ..errors import CaseError
from ..progress import Progress, Stage
from ..records import CaseState
from ..settings import RuleSettings
from .contour_again import contour_again
from .lesion_contour_actions import LesionContourActions
from .presenter_core import CONTOUR
from .sample_case import make_surfaces
from .view_state import Action


class ContourActions(LesionContourActions):
    """Actions on how lesions are contoured."""

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
