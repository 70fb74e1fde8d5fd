"""Colors, codes and words of what is in the scene.

Okabe and Ito's palette, which people with any common color vision can tell apart; coverage has its own
three colors and no volume uses them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..records import headline_volumes

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..records import Lesion, RtVolume

Color = tuple[float, float, float]

NOT_COMPARED = "not compared"
REJECTED = "rejected"

LESIONS_TERMINOLOGY = (
    "Segmentation category and type - DICOM master list"
    "~SCT^49755003^Morphologically Altered Structure~SCT^4147007^Mass~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
VOLUMES_TERMINOLOGY = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)


def color_of_hex(text: str) -> Color:
    """Red, green, blue from 0 to 1 of "#RRGGBB"."""
    return tuple(int(text[n : n + 2], 16) / 255 for n in (1, 3, 5))


COVERAGE_COLORS: Mapping[str, Color] = {
    "inside": color_of_hex("#009E73"),
    "partial": color_of_hex("#E69F00"),
    "outside": color_of_hex("#D55E00"),
    NOT_COMPARED: color_of_hex("#56B4E9"),
    REJECTED: color_of_hex("#8C8C8C"),
}
# Blues and purples only: a yellow volume over a blue one would look like the green of a covered lesion.
_TARGET_COLORS = tuple(map(color_of_hex, ("#0072B2", "#CC79A7", "#5E3C99", "#6CB8E6", "#8C4A6B", "#332288")))
_ORGAN_COLORS = tuple(map(color_of_hex, ("#9A9A3C", "#9C6B4E", "#6F7F8F", "#A58AA8", "#6B8E7F", "#B08D57")))
_RULE_COLORS = tuple(map(color_of_hex, ("#0072B2", "#CC79A7", "#56B4E9", "#D55E00", "#009E73")))

DISPUTED_COLOR = color_of_hex("#F0E442")
"""Where the candidates of a lesion disagree."""
MISSED_COLOR = color_of_hex("#882255")
"""What the volumes miss of the selected lesion; from Tol's muted palette, dark beside orange to everyone."""
RULER_COLOR = color_of_hex("#1A1A1A")
REJECTED_OPACITY = 0.2
_TARGET_OPACITY = 0.25
# A planning target volume lies around the clinical one and would hide it; organs are only context.
_OUTER_OPACITY = 0.14


def targets_of(volumes: Sequence[RtVolume]) -> tuple[RtVolume, ...]:
    """The volumes drawn vividly: targets, or all where none is known."""
    return tuple(volume for volume in volumes if volume.is_target) or tuple(volumes)


def coverage_class_of(
    lesion: Lesion, volumes: Sequence[RtVolume], coverage: Mapping[str, Mapping[str, LesionVolumeCoverage]]
) -> str:
    """A lesion's color key: rejected, or its best class over the headline volumes: inside, partial, outside.

    "not compared" when there is no target to compare with.
    """
    if lesion.state == "rejected":
        return REJECTED
    by_volume = coverage.get(lesion.id, {})
    classes = {by_volume[v.name].coverage_class for v in headline_volumes(volumes) if v.name in by_volume}
    for best in ("inside", "partial", "outside"):
        if best in classes:
            return best
    return NOT_COMPARED


def volume_colors(volumes: Sequence[RtVolume]) -> dict[str, Color]:
    """A color for each volume by name; targets vivid, organs muted, in the order of the list."""
    targets = {volume.name for volume in targets_of(volumes)}
    colors, used = {}, {True: 0, False: 0}
    for volume in volumes:
        is_target = volume.name in targets
        palette = _TARGET_COLORS if is_target else _ORGAN_COLORS
        colors[volume.name] = palette[used[is_target] % len(palette)]
        used[is_target] += 1
    return colors


def volume_opacity(volume: RtVolume, volumes: Sequence[RtVolume]) -> float:
    """How opaque a volume is in 3D, from 0 to 1."""
    is_inner = volume.kind != "PTV" and volume in targets_of(volumes)
    return _TARGET_OPACITY if is_inner else _OUTER_OPACITY


def rule_colors(rules: Sequence[str]) -> dict[str, Color]:
    """A color for each delineation rule by name."""
    return {rule: _RULE_COLORS[n % len(_RULE_COLORS)] for n, rule in enumerate(sorted(set(rules)))}
