"""What happens to the scene from outside the panel: closed, loaded, nodes deleted, contours drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..scene.owned_nodes import COMPARISON_DOSE, CT, DOSE, LESIONS, PET, PLANNING_CT, VOLUMES
from .view_state import Message, Notice

if TYPE_CHECKING:
    from .presenter import Presenter


class SceneEvents:
    """Passes the scene's events on to the presenter, soon rather than in the middle of MRML's own work."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def scene_closing(self) -> None:
        self._presenter.drop_all()

    def scene_closed(self) -> None:
        self._presenter.begin_again()

    def scene_loaded(self) -> None:
        self._presenter.restore_is_due = True
        self._soon("restore", self._presenter.restore_if_due)

    def scene_saving(self) -> None:
        self._presenter.finish_showing()

    def edit_modified(self) -> None:
        self._soon("drawn", self._presenter.take_drawn)

    def edit_removed(self) -> None:
        """The node being drawn on was deleted; what was taken over from it before stays."""
        self._soon("end edit", self._presenter.drop_edit)

    def nodes_removed(self, roles: frozenset[str]) -> None:
        names = " ".join(sorted(roles))
        changes = changes_without(roles)
        message = Message(Notice.NODES_REMOVED, names)
        self._soon(f"removed {names}", lambda: self._presenter.forget(changes, f"delete {names}", message))

    def _soon(self, name: str, function: Any) -> None:
        self._presenter.scheduler.soon(name, function)


def changes_without(roles: frozenset[str]) -> dict[str, Any]:
    """The fields of a case state that go with the nodes of these roles."""
    changes: dict[str, Any] = {}
    if PET in roles:
        changes |= {"pet": None, "suv": None, "lesions": (), "regions": ()}
    if CT in roles:
        changes["ct"] = None
    if PLANNING_CT in roles:
        changes["planning_ct"] = None
    if LESIONS in roles:
        changes["lesions"] = ()
    if VOLUMES in roles:
        changes["volumes"] = ()
    if DOSE in roles:
        changes["dose"] = None
    if COMPARISON_DOSE in roles:
        changes["comparison_dose"] = None
    return changes
