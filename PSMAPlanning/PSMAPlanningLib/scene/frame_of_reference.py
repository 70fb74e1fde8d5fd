"""The DICOM frame of reference of a volume node, as far as Slicer knows it."""

from __future__ import annotations

from typing import Any

_TAG = "0020,0052"


def frame_of_reference_uid(node: Any) -> str | None:
    """By Slicer's DICOM database; None for a volume from another file, or that the database has not."""
    import slicer

    database = getattr(slicer, "dicomDatabase", None)
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not uids:
        return None
    return str(database.instanceValue(uids[0], _TAG) or "").strip() or None
