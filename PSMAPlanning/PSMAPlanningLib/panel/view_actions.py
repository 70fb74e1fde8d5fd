"""What the views show beside the case itself: the PET's look, bones, the selected lesion's missed part.

Nothing here is a step of the history. What takes longer than a moment is worked out beside the interface.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..coverage.lesion_coverage import cover
from ..coverage.lesion_samples import sample_lesion
from ..coverage.solid import Solid, UnionOfSolids
from ..errors import CaseError
from ..progress import Progress, Stage
from ..records import CaseState, Lesion, LesionState, RtVolume, headline_volumes
from ..scene import framing
from ..scene.appearance import COVERAGE_COLORS
from ..scene.context import ContextContent, context_of
from ..scene.lesion_focus import ruler_of
from ..scene.missed_part import missed_part
from ..scene.owned_nodes import CONTEXT, CT, PET, PLANNING_CT
from ..scene.pet_look import PetLook
from ..scene.rotating_mip import MipOutline, RotatingMip, rotating_mip
from ..scene.surfaces import surface_for_display
from .presenter_core import PresenterCore
from .scene_steps import Steps
from .side_work import SideWork
from .views_view import BODY, LESION, PELVIS, ViewsView

_MIP, _CONTEXT, _MISSED = "projections", "context", "missed part"
_LIFT_MM = 0.02
"""More than the depth buffer of a view needs to tell two surfaces apart, less than anyone sees."""


class ViewActions(PresenterCore):
    """Actions on what Slicer's views show.

    side: where what takes longer than a moment is worked out.
    """

    def __init__(self, *arguments: Any) -> None:
        self.side = SideWork()
        self._look: PetLook | None = None
        self._wants_mip = False
        self._mip: tuple[Any, RotatingMip | None] = (None, None)
        self._context: tuple[Any, ContextContent | None] = (None, None)
        self._missed: tuple[Any, Any] = (None, None)
        self._views_made: tuple[Any, ViewsView] = (None, ViewsView())
        super().__init__(*arguments)

    # Actions

    def show_pet_window(self, highest_suv: float | None = None, is_inverted: bool | None = None) -> bool:
        """Show the PET from SUV 0 to `highest_suv`, inverted gray or hot, over the CT; None keeps either."""

        def show() -> None:
            if highest_suv is not None and not highest_suv > 0:
                raise CaseError(f"The SUV window ends at {highest_suv:g}; it must end above 0.")
            pet = self._scene.node(PET)
            if pet is None:
                raise CaseError("There is no PET whose window could be set; choose one first.")
            given = {"highest_suv": highest_suv, "is_inverted": is_inverted}
            former = self._look or PetLook(is_inverted=self.case.state.ct is None)
            self._look = replace(former, **{k: v for k, v in given.items() if v is not None})
            ct = self._scene.node(CT) or self._scene.node(PLANNING_CT)
            self._scene.show_pet_look(pet, ct, self._look)

        return self._do(None, show)

    def look_at(self, target: str) -> bool:
        """Bring slices and 3D cameras to "pelvis", "body", "lesion" (the selected one) or a lesion's id."""

        def look() -> None:
            bounds = self._bounds_of(target)
            if bounds is None:
                raise CaseError(f"There is nothing to look at for {target!r}: {_WHY.get(target, _EMPTY)}.")
            self._scene.look_at(*bounds)

        return self._do(None, look)

    def show_context(self, is_shown: bool) -> bool:
        """Show the bones of the CT, or the body's outline without one, as a faint surface in 3D."""

        def show() -> None:
            if not is_shown:
                self.side.drop(_CONTEXT)
                self._scene.show_context(None)
                return
            state = self.case.state
            key = state.ct or state.planning_ct or state.pet
            if key is None:
                raise CaseError("There is no CT and no PET whose surface could be shown; load them first.")
            if self._context[0] is key:
                self._scene.show_context(self._context[1])
                return

            def deliver(content: ContextContent | None) -> None:
                self._context = (key, content)
                if (self.case.state.ct or self.case.state.planning_ct or self.case.state.pet) is key:
                    self._do(None, lambda: self._scene.show_context(content))

            ct, pet = state.ct or state.planning_ct, state.pet
            self.side.start(_CONTEXT, lambda progress: _context(ct, pet, progress), deliver)

        return self._do(None, show)

    def want_mip(self, is_wanted: bool) -> bool:
        """Have the PET's projections worked out, and again for another PET, while somebody looks at them."""

        def want() -> None:
            self._wants_mip = is_wanted
            self._follow_mip()

        return self._do(None, want)

    def jump_to(self, point_ras: tuple[float, float, float]) -> bool:
        """Bring all views to a RAS point."""
        return self._do(None, lambda: self._scene.jump_to(point_ras))

    # Following the case

    def drop_all(self) -> None:
        self.side.drop_all()
        self._missed = self._mip = (None, None)
        super().drop_all()

    def _select(self, lesion_id: str | None) -> None:
        super()._select(lesion_id)
        self._follow_selection()

    def _showing(self) -> Steps:
        yield from super()._showing()
        yield
        self._follow_selection()
        self._follow_mip()

    def _follow_mip(self) -> None:
        pet = self.case.state.pet
        if self._mip[0] is pet or not self._wants_mip:
            return
        self._mip = (pet, None)
        if pet is None:
            self.side.drop(_MIP)
            return

        def deliver(mip: RotatingMip | None) -> None:
            self._mip = (pet, mip)
            self._emit()

        self.side.start(_MIP, lambda progress: rotating_mip(pet, Stage(progress)), deliver)

    def _follow_selection(self) -> None:
        """The ruler at once, the missed part when it is worked out."""
        lesion = next((one for one in self.case.state.lesions if one.id == self._selected), None)
        if lesion is None or lesion.state is LesionState.REJECTED or lesion.contour.mask.is_empty:
            self._forget_missed()
            self._scene.show_focus(None, None)
            return
        volumes = headline_volumes(self.case.state.volumes)
        coverage = self.case.coverage()[lesion.id]
        fractions = [coverage[volume.name].fraction or 0.0 for volume in volumes]
        is_partial = any(fraction > 0 for fraction in fractions) and not any(
            coverage[volume.name].is_covered for volume in volumes
        )
        key = (lesion.contour.mask, *(volume.filled for volume in volumes)) if is_partial else None
        is_known = key is not None and _same(key, self._missed[0])
        self._scene.show_focus(
            ruler_of(lesion, self.case.state.volumes, coverage), self._missed[1] if is_known else None
        )
        if key is None:
            self._forget_missed()
        elif not is_known:
            self._start_missed(key, lesion, volumes, max(fractions), sum(f > 0 for f in fractions) > 1)

    def _start_missed(
        self, key: Any, lesion: Lesion, volumes: tuple[RtVolume, ...], fraction: float, of_several: bool
    ) -> None:
        case, state = self.case, self.case.state
        self._missed = (key, None)

        def compute(_progress: Progress) -> Any:
            solids = [case.surface_of(volume) for volume in volumes]
            return _missed_of(lesion, [s for s in solids if s is not None], state, fraction, of_several)

        def deliver(surface: Any) -> None:
            self._missed = (key, surface)
            self._do(None, self._follow_selection)

        self.side.start(_MISSED, compute, deliver)

    def _forget_missed(self) -> None:
        """What is under way is of no use any more; what was worked out may be asked for again."""
        if self.side.is_under_way(_MISSED):
            self.side.drop(_MISSED)
            self._missed = (None, None)

    # What is shown

    def _views_view(self) -> ViewsView:
        state = self.case.state
        has_context = self._scene.node(CONTEXT) is not None
        is_coming = self.side.is_under_way(_CONTEXT)
        mip = self._mip[1] if self._mip[0] is state.pet else None
        key = (state, self._selected, self._look, has_context, is_coming, mip)
        if self._views_made[0] is None or not _same(key, self._views_made[0]):
            targets = {t for t in (PELVIS, BODY, LESION) if self._bounds_of(t) is not None}
            outlines = self._outlines() if mip is not None else ()
            made = ViewsView(self._look, frozenset(targets), has_context, is_coming, mip, outlines)
            self._views_made = (key, made)
        return self._views_made[1]

    def _outlines(self) -> tuple[MipOutline, ...]:
        lesions = {lesion.id: lesion for lesion in self.case.state.lesions}
        return tuple(
            MipOutline(
                row.id,
                lesions[row.id].contour.mask,
                COVERAGE_COLORS[row.color_key],
                row.id == self._selected,
            )
            for row in self._rows[1]
            if row.id in lesions
        )

    def _bounds_of(self, target: str) -> framing.Bounds | None:
        state = self.case.state
        if target == BODY:
            return framing.body_bounds(state)
        if target == PELVIS:
            return framing.pelvis_bounds(state)
        lesion_id = self._selected if target == LESION else target
        lesion = next((one for one in state.lesions if one.id == lesion_id), None)
        return framing.lesion_bounds(lesion) if lesion is not None else None


_EMPTY = "there is no such lesion, or its contour is empty"
_WHY = {
    PELVIS: "no target, bone or organ tells where the pelvis is",
    BODY: "there is no PET and no CT",
    LESION: "no lesion is selected, or its contour is empty",
}


def _context(ct: Any, pet: Any, progress: Progress) -> ContextContent | None:
    Stage(progress).report(0.0, "bones")
    return context_of(ct, pet)


def _missed_of(
    lesion: Lesion, solids: list[Solid], state: CaseState, fraction: float, of_several: bool
) -> Any:
    """What the solids miss of a lesion, as a surface lifted off the lesion's own."""
    mask = lesion.contour.mask
    if of_several:
        union = cover(
            sample_lesion(mask), lesion.region.peak_ras, UnionOfSolids(solids), state.settings.coverage
        )
        fraction = union.fraction
    return missed_part(surface_for_display(mask), solids, (1 - fraction) * mask.volume_ml, _LIFT_MM)


def _same(one: tuple[Any, ...], other: tuple[Any, ...] | None) -> bool:
    return (
        other is not None
        and len(one) == len(other)
        and all(
            a is b or (isinstance(a, (str, bool, PetLook)) and a == b)
            for a, b in zip(one, other, strict=True)
        )
    )
