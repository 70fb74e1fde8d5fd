"""What the panel says about Slicer's views."""

from __future__ import annotations

from .translation import tr as _
from .views_view import BODY, LESION, PELVIS


def why_not_text(target: str) -> str:
    """Why the views cannot be brought there."""
    return {
        PELVIS: _("Waits for a target volume, or for anatomy of the pelvis."),
        BODY: _("Waits for a PET or a CT."),
        LESION: _("Waits for a lesion to be selected in the table."),
    }[target]


def context_text(has_ct: bool) -> str:
    """What the faint surface in 3D is."""
    return _("Bones") if has_ct else _("Body outline")
