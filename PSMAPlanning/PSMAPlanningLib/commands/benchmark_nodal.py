"""What psma-planning benchmark times of generated volumes: a moved plane beside making all from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..imaging.phantom import PhantomParameters, make_phantom
from ..rtvolumes.guideline_files import load_guideline
from ..rtvolumes.nodal import NodalGenerator
from ..rtvolumes.nodal_anatomy import NAMES_OF_ROLE, anatomy_of
from .benchmark_works import Sides, Work

_GUIDELINE = "rtog2009_nodes"
_MOVE_MM = 4.0


@contextmanager
def _moved_plane() -> Iterator[Sides]:
    phantom = make_phantom(PhantomParameters(variant="small"))
    known = {name for names in NAMES_OF_ROLE.values() for name in names}
    structures = {name: phantom.structure(name).cropped() for name in phantom.structure_names
                  if name.lower() in known}  # fmt: skip
    anatomy, guideline = anatomy_of(structures), load_guideline(_GUIDELINE)
    generator = NodalGenerator(anatomy, guideline)
    landmarks = generator.landmarks()
    generator.generate(landmarks)
    plane = landmarks["femoral_head_top"]
    moves = iter(range(1, 1_000_000))

    def ours() -> None:
        right, anterior, superior = plane.point_ras
        place = (right, anterior, superior + (_MOVE_MM if next(moves) % 2 else -_MOVE_MM))
        generator.generate(landmarks.with_moved("femoral_head_top", place))

    yield Sides(ours, lambda: NodalGenerator(anatomy, guideline).generate())


WORKS = (
    Work(
        "moved_plane",
        "our own generation from nothing, of the same patient",
        10.0,
        "one landmark plane moved to the new nodal CTV; the peer: landmarks, vessels and all pieces anew",
        _moved_plane,
    ),
)
