"""Colors, codes and words of what is in the scene.

Coverage has its own colors, from Okabe and Ito's palette; volumes and candidates were searched for around
them. Whatever can be seen together differs by 10 or more of CIEDE2000 (muted organs by 7.5) for people with
normal color vision, without the green and without the red cones (Machado et al. 2009,
doi:10.1109/TVCG.2009.113); the tests measure it. All of it stands 3 to 1 against black.
"""

from __future__ import annotations

import re
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
    REJECTED: color_of_hex("#B4B4B4"),
}
# Blues and purples only: a yellow volume over a blue one would look like the green of a covered lesion. Each
# pair is for volumes that belong together: the clinical one and, lighter, its planning target volume.
_TARGET_COLORS = (
    (color_of_hex("#2D78FF"), color_of_hex("#4BB4FF")),
    (color_of_hex("#A53C87"), color_of_hex("#F078C3")),
    (color_of_hex("#3C3CF0"), color_of_hex("#D2D2FF")),
)
_ORGAN_COLORS = tuple(map(color_of_hex, ("#B4965A", "#D2D2B4", "#69A596", "#96B496", "#C3C3D2", "#A5FFFF")))
_RULE_COLORS = tuple(
    map(color_of_hex, ("#69FFE1", "#C34B4B", "#F0FFC3", "#5AD278", "#874B0F", "#C35AA5", "#874B5A"))
)

DISPUTED_COLOR = color_of_hex("#F0E442")
"""Where the candidates of a lesion disagree."""
MISSED_COLOR = color_of_hex("#882255")
"""What the volumes miss of the selected lesion; from Tol's muted palette, dark beside orange to everyone."""
RULER_COLOR = color_of_hex("#1A1A1A")
REJECTED_OPACITY = 0.2
_TARGET_OPACITY = 0.25
# A planning target volume lies around the clinical one and would hide it; organs are only context.
_OUTER_OPACITY = 0.14
_OUTLINE_TONE = 0.7
"""A light color as it is would not stand out from Slicer's light 3D background."""


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
    """A color for each volume by name; targets vivid, organs muted, in the order of the list.

    A PTV has the lighter tone of what it was made from, by name: PTVn that of CTVn. A volume that is added
    later changes no other's color.
    """
    targets = {volume.name for volume in targets_of(volumes)}
    colors: dict[str, Color] = {}
    families: dict[str, int] = {}
    used: set[tuple[int, int]] = set()
    organs = 0
    for volume in volumes:
        if volume.name in targets:
            tone = int(volume.kind == "PTV")
            family = families.setdefault(_stem(volume.name), len(families)) % len(_TARGET_COLORS)
            place = _free_place(family, tone, used)
            used.add(place)
            colors[volume.name] = _TARGET_COLORS[place[0]][place[1]]
        else:
            colors[volume.name] = _ORGAN_COLORS[organs % len(_ORGAN_COLORS)]
            organs += 1
    return colors


def volume_opacity(volume: RtVolume, volumes: Sequence[RtVolume]) -> float:
    """How opaque a volume is in 3D, from 0 to 1."""
    is_inner = volume.kind != "PTV" and volume in targets_of(volumes)
    return _TARGET_OPACITY if is_inner else _OUTER_OPACITY


def outline_color(color: Color) -> Color:
    """The darker tone in which a translucent volume's outline is drawn in 3D."""
    return tuple(_OUTLINE_TONE * part for part in color)


def rule_colors(rules: Sequence[str]) -> dict[str, Color]:
    """A color for each delineation rule by name."""
    return {rule: _RULE_COLORS[n % len(_RULE_COLORS)] for n, rule in enumerate(sorted(set(rules)))}


def _stem(name: str) -> str:
    """What a target's name says beside its type: "n" of CTVn and PTV_n."""
    return re.sub(r"^(GTV|CTV|PTV|ITV)", "", name.strip(), flags=re.IGNORECASE).strip("_ ").lower()


def _free_place(family: int, tone: int, used: set[tuple[int, int]]) -> tuple[int, int]:
    """This family and tone, else another family's, else any color not used yet; all used, they repeat."""
    count = len(_TARGET_COLORS)
    places = [((family + n) % count, t) for t in (tone, 1 - tone) for n in range(count)]
    return next((place for place in places if place not in used), places[0])
