"""Organs with physiologic uptake told by position, size, shape and uptake, where there are no organ masks.

An organ is named only when all four agree and exactly one candidate fits; everything else stays undecided,
since a lesion taken for an organ is the dangerous error. Lengths and volumes are those of adult anatomy with
room on both sides (Gray's Anatomy: kidney 10 to 12 cm long beside T12 to L3; bladder in the midline behind
the symphysis; liver under the right, spleen under the left costal margin). None was tuned on patients.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

from ..imaging.image import Image
from .body_frame import BodyFrame, body_frame
from .organ_search import OrganByPosition, Search
from .position_ct import ct_on_tiles
from .position_glands import paired_glands
from .position_head import brain_and_heart
from .position_upper_abdomen import bowel, liver, spleen
from .position_urinary import bladder, kidneys
from .uptake_blobs import blobs, smoothed

_LOWEST_SHARE = 0.8
"""Organs are looked for down to this part of the threshold: smoothing takes some off their rim."""
_KEPT = 3
_known: WeakKeyDictionary = WeakKeyDictionary()
"""The last answers per PET: images never change, and regions, references and foci ask the same question."""
_SHARP_WALLS = ("urinary_bladder", "kidney_right", "kidney_left", "brain", "heart")
_SOFT_WALLS = ("liver", "spleen", "small_bowel")


def organs_by_position(
    pet: Image,
    threshold_suv: float,
    ct: Image | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> tuple[BodyFrame | None, tuple[OrganByPosition, ...]]:
    """The body's frame and the organs its uptake shows; (None, ()) where no trunk can be made out.

    ct: in the PET's frame of reference; tells urine from tissue. go_on: called before each piece of work.
    """
    known = _known.setdefault(pet, [])
    for limit_suv, its_ct, result in known:
        if limit_suv == threshold_suv and (its_ct() if its_ct else None) is ct:
            return result
    result = _search(pet, threshold_suv, ct, go_on)
    known[:] = [*known[1 - _KEPT :], (threshold_suv, None if ct is None else ref(ct), result)]
    return result


def _search(
    pet: Image, threshold_suv: float, ct: Image | None, go_on: Callable[[], None]
) -> tuple[BodyFrame | None, tuple[OrganByPosition, ...]]:
    frame = body_frame(pet)
    if frame is None:
        return None, ()
    suv = smoothed(frame)
    pieces = tuple(blobs(frame, suv, _LOWEST_SHARE * threshold_suv))
    found: dict[str, OrganByPosition] = {}
    search = Search(frame, suv, pieces, threshold_suv, found, None if ct is None else ct_on_tiles(frame, ct))
    for rule in (kidneys, liver, spleen, bladder, bowel, paired_glands, brain_and_heart):
        go_on()
        found.update({organ.name: organ for organ in rule(search) if organ is not None})
    return frame, tuple(found[name] for name in _in_order(found))


def _in_order(found: dict[str, OrganByPosition]) -> list[str]:
    """Names in the order in which a region's peak is asked for: the organs with sharp walls first."""
    others = [name for name in found if name not in _SHARP_WALLS + _SOFT_WALLS]
    return [name for name in (*_SHARP_WALLS, *others, *_SOFT_WALLS) if name in found]
