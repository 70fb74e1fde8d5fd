"""PTVs and boosts: actions of the panel. No margin has a default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import MarginError
from ..records import CaseState
from ..rtvolumes.margins import LARGEST_MARGIN_MM, SixMargins
from ..rtvolumes.planning_target import read_institution_margins
from .view_state import Action
from .volume_growing import BOOST_ORIGIN, Cropping, boosts_of, planning_target_of
from .volume_importing import show_ahead, with_added
from .volume_mapping import VolumeMapping

_ENTERED = "entered in the panel"


class VolumeMargins(VolumeMapping):
    """Growing volumes by stated margins, and boosts around accepted lesions."""

    def state_margins(self, margins_mm: Sequence[float | None]) -> bool:
        """Enter right, left, anterior, posterior, superior, inferior in mm; None is not entered."""
        entered = tuple(None if value is None else float(value) for value in margins_mm)
        if entered == self._form.margins:
            return True

        def state() -> None:
            _check(entered, 6)
            # Numbers that somebody changed are not the file's any more.
            self._form = replace(self._form, margins=entered, institution=None)

        return self._do(Action.STATE_MARGINS, state)

    def read_margins(self, path: Path) -> bool:
        """Take the margins from an institution's JSON file, by the role of the selected volume."""

        def read() -> None:
            self._form = replace(self._form, institution=read_institution_margins(path))
            self._take_institution_margin()
            roles = ", ".join(sorted(self._form.institution.margins))
            self._note("margin file", f"{self._form.institution.institution} has margins for: {roles}.")

        return self._do(Action.STATE_MARGINS, read)

    def crop_by(self, organs: Sequence[str], margin_mm: float | None = None) -> bool:
        """Choose what PTVs and boosts must not enter, by name, and how many mm around it; None keeps that.

        An external contour among them bounds the volume instead.
        """
        bounds = {volume.name for volume in self.case.state.volumes if volume.role == "external"}
        within = next((name for name in organs if name in bounds), None)
        away = tuple(name for name in organs if name not in bounds)
        around = self._form.cropping.margin_mm if margin_mm is None else float(margin_mm)
        cropping = Cropping(away, around, within)
        if cropping == self._form.cropping:
            return True

        def choose() -> None:
            _check((around,), 1)
            self._form = replace(self._form, cropping=cropping)

        return self._do(Action.STATE_MARGINS, choose)

    def make_planning_target(self, name: str | None = None) -> bool:
        """Start growing the selected volume, or the one named, by the margins that were entered."""

        def grow() -> None:
            volume = self._require(name or self._form.selected)
            six, cropping = self._form.six, self._form.cropping
            institution = self._form.institution
            source = institution.institution if institution is not None else _ENTERED

            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                stage.report(0.1, f"growing {volume.name}")
                made, sentences = planning_target_of(state, volume.name, six, cropping, source)
                show_ahead((made,), stage.part(0.8, 1.0))
                # Weak keys: what is grown from what is known for as long as the volume is anywhere.
                self._grown_from[made.mask] = (volume.name, volume.mask)
                volumes = with_added(state.volumes, (made,))
                said += [f"{volumes[-1].name}: {made.mask.volume_ml:.1f} mL, {made.origin}.", *sentences[1:]]
                return replace(state, volumes=volumes)

            self._start_volumes(f"make the PTV of {volume.name}", compute)

        return self._do_named(Action.GROW, grow, name)

    def state_boost_margins(self, to_clinical_mm: float | None, to_planning_mm: float | None) -> bool:
        """Enter the margins of boosts in mm, the same on all sides; None is not entered."""
        entered = (to_clinical_mm, to_planning_mm)
        if entered == (self._form.to_clinical_mm, self._form.to_planning_mm):
            return True

        def state() -> None:
            _check(entered, 2)
            self._form = replace(self._form, to_clinical_mm=to_clinical_mm, to_planning_mm=to_planning_mm)

        return self._do(Action.STATE_MARGINS, state)

    def make_boosts(self) -> bool:
        """Start making CTV and PTV around the contour of each accepted lesion, in place of former boosts."""

        def start() -> None:
            to_clinical = SixMargins.uniform(self._form.to_clinical_mm)
            to_planning = SixMargins.uniform(self._form.to_planning_mm)
            cropping = self._form.cropping

            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                stage.report(0.1, "boosts")
                made, sentences = boosts_of(state, to_clinical, to_planning, cropping)
                show_ahead(made, stage.part(0.6, 1.0))
                said += sentences
                kept = tuple(v for v in state.volumes if not v.origin.startswith(BOOST_ORIGIN))
                return replace(state, volumes=with_added(kept, made))

            self._start_volumes("make boosts", compute)

        return self._do(Action.BOOST, start)


def _check(values: Sequence[float | None], count: int) -> None:
    if len(values) != count:
        raise MarginError(f"Give {count} margins in mm, not {len(values)}.")
    for value in values:
        # NaN fails the comparison too.
        if value is not None and not 0.0 <= value <= LARGEST_MARGIN_MM:
            raise MarginError(
                f"A margin of {value:g} mm is not possible; give 0 to {LARGEST_MARGIN_MM:g} mm."
            )
