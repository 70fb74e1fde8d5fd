"""The context menu of the lesion table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from . import words
from .presenter import Presenter
from .region_words import (
    BONES,
    ORGANS,
    SIDES,
    WITH_SIDE,
    WITHOUT_SIDE,
    region_name,
    side_name,
    structure_name,
)
from .translation import tr as _
from .view_state import Action, LesionRow, ViewState


class LesionMenu:
    """Made anew each time it is opened, for the lesions that are selected then.

    on_reject: called to ask for the reason of a rejection.
    """

    def __init__(self, parent: Any, presenter: Presenter, on_reject: Callable[[], None]) -> None:
        self._parent, self._presenter, self._on_reject = parent, presenter, on_reject
        self._menu: Any | None = None

    def open(self, position: Any, selected_ids: list[str], view: ViewState) -> None:
        """position: on the screen."""
        self.close()
        self._menu = menu = qt.QMenu(self._parent)
        menu.toolTipsVisible = True
        presenter = self._presenter
        row = next((row for row in view.lesions if row.id == view.selected), None)
        self._add(menu, _("Accept"), Action.ACCEPT, view, presenter.accept)
        self._add(menu, _("Reject\N{HORIZONTAL ELLIPSIS}"), Action.REJECT, view, self._on_reject)
        self._add(menu, _("Leave undecided"), Action.LEAVE_UNDECIDED, view, presenter.leave_undecided)
        menu.addSeparator()
        why = "" if len(selected_ids) > 1 else _("Select two lines or more with Ctrl or Shift first.")
        self._add(
            menu,
            _("Merge selected lesions"),
            Action.MERGE,
            view,
            lambda: presenter.merge_lesions(selected_ids),
            why,
        )
        self._add(menu, _("Split at the saddle of the uptake"), Action.SPLIT, view, presenter.split_lesion)
        self._add(
            menu,
            _("Delete"),
            Action.DELETE_LESION,
            view,
            presenter.delete_lesion,
            _why_not_deleted(row),
        )
        menu.addSeparator()
        self._add_regions(menu, view, row)
        menu.addSeparator()
        self._add(menu, _("New lesion at the crosshair"), Action.ADD_LESION, view, presenter.add_lesion)
        menu.popup(position)

    def close(self) -> None:
        if self._menu is not None:
            self._menu.close()
            self._menu.deleteLater()
            self._menu = None

    def _add(
        self,
        menu: Any,
        text: str,
        action: Action,
        view: ViewState,
        call: Callable[[], Any],
        why_not: str = "",
    ) -> None:
        entry = menu.addAction(text)
        # The signal says whether the entry is checked, which no action takes.
        entry.connect("triggered()", lambda: call())
        reason = view.blocked.get(action)
        why_not = words.reason_text(reason) if reason is not None else why_not
        entry.enabled = not why_not
        entry.setToolTip(why_not or text)

    def _add_regions(self, menu: Any, view: ViewState, row: LesionRow | None) -> None:
        regions = menu.addMenu(_("Region"))
        regions.enabled = view.can(Action.STATE_REGION)
        state = self._presenter.state_region
        why = "" if row is not None and row.is_region_stated else _("Nobody stated the region.")
        self._add(
            regions, _("As the anatomy tells"), Action.STATE_REGION, view, self._presenter.clear_region, why
        )
        regions.addSeparator()
        for region in WITHOUT_SIDE:
            self._add(regions, region_name(region), Action.STATE_REGION, view, _call(state, region))
        for region in WITH_SIDE:
            sides = regions.addMenu(region_name(region))
            for side in SIDES:
                self._add(sides, side_name(side), Action.STATE_REGION, view, _call(state, region, side))
        for region, structures in (("bone", BONES), ("visceral", ORGANS)):
            parts = regions.addMenu(region_name(region))
            for structure in structures:
                self._add(
                    parts,
                    structure_name(structure),
                    Action.STATE_REGION,
                    view,
                    _call(state, region, None, structure),
                )


def _call(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)


def _why_not_deleted(row: LesionRow | None) -> str:
    if row is None or row.is_added_by_hand:
        return ""
    return _("It was found in the PET: reject it with a reason, so that no uptake leaves the list unsaid.")
