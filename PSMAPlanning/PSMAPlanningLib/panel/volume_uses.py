"""What a structure is used for, in the words of the mapping table, and the fields that say so."""

from __future__ import annotations

from dataclasses import replace

from ..errors import CaseError
from ..records import IGNORED, RtVolume
from ..rtvolumes.name_mapping import NamedStructure, match_names
from ..rtvolumes.name_table import organ_names, target_names
from ..rtvolumes.tg263 import parse_target, target_name

_TARGETS = {
    # Use: kind, role, TG-263 prefix.
    "ctv_bed": ("CTV", "bed", "CTVsb"),
    "ctv_nodes": ("CTV", "nodes", "CTVn"),
    "ctv_other": ("CTV", None, "CTV"),
    "ptv_bed": ("PTV", "bed", "PTVsb"),
    "ptv_nodes": ("PTV", "nodes", "PTVn"),
    "ptv_other": ("PTV", None, "PTV"),
    "boost": ("PTV", "boost", "PTV"),
    "lesion": ("GTV", "lesion", "GTV"),
}
USES = (*_TARGETS, "organ", "external", IGNORED)
_CLINICAL = ("CTV", "ITV", "ICTV")


def use_of(volume: RtVolume) -> str | None:
    """What the volume is taken for; None when nobody knows."""
    role, kind = volume.role, volume.kind
    if role == IGNORED:
        return IGNORED
    if role == "boost":
        return "boost"
    if kind in ("GTV", "IGTV"):
        return "lesion"
    if kind in _CLINICAL or kind == "PTV":
        stem = "ptv" if kind == "PTV" else "ctv"
        return f"{stem}_{role}" if role in ("bed", "nodes") else f"{stem}_other"
    if kind == "EXTERNAL" or role == "external":
        return "external"
    return "organ" if kind == "ORGAN" or (role is not None and kind is None) else None


def with_use(volume: RtVolume, use: str) -> RtVolume:
    """The volume as the user said it is to be used, under a TG-263 name that fits.

    Raises CaseError for a use that does not exist.
    """
    if use not in USES:
        raise CaseError(f"There is no use {use!r}; choose one of {', '.join(USES)}.")
    said = {"matched_by": "user", "asks": False}
    if use == use_of(volume):
        return replace(volume, **said)
    if use == IGNORED:
        return replace(volume, kind=None, role=IGNORED, **said)
    if use == "external":
        return replace(volume, kind="EXTERNAL", role="external", tg263="External", **said)
    if use == "organ":
        organ = next((each for each in organ_names() if each.tg263 == volume.tg263), None)
        known = (organ.role, organ.tg263) if organ else (None, None)
        return replace(volume, kind="ORGAN", role=known[0], tg263=known[1], **said)
    kind, role, prefix = _TARGETS[use]
    if use == "boost" and volume.kind in _CLINICAL:
        kind, prefix = "CTV", "CTV"
    return replace(volume, kind=kind, role=role, tg263=_renamed(volume, prefix), **said)


def with_name(volume: RtVolume, wanted: str) -> RtVolume:
    """The volume under a TG-263 name of the user's, which also says what it is where the name does.

    Raises InputError for a name that cannot be written (1 to 16 plain characters).
    """
    (match,) = match_names([NamedStructure(volume.name, volume.kind)], {volume.name: wanted})
    role = volume.role if match.role is None and volume.role != IGNORED else match.role
    return replace(
        volume, kind=match.kind, role=role, tg263=match.tg263, matched_by=match.matched_by, asks=False
    )


def name_suggestions(use: str | None) -> tuple[str, ...]:
    """TG-263 names to choose from for a use; any other can be typed."""
    if use == "organ":
        return tuple(each.tg263 for each in organ_names() if each.role != "external")
    if use == "external":
        return ("External",)
    if use in _TARGETS:
        return (_TARGETS[use][2],)
    return () if use == IGNORED else tuple(p for each in target_names() for p in each.prefix.values())


def _renamed(volume: RtVolume, prefix: str) -> str:
    """The prefix with the dose that the former name states."""
    for name in (volume.tg263, volume.name):
        target = parse_target(name) if name else None
        if target is not None:
            return target_name(prefix, dose_gy=target.dose_gy)
    return prefix
