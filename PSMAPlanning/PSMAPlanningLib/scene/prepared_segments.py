"""What lesions and contours will be shown by, made ahead of time on the thread that found them.

Sixty segments take 0.25 s to be cut, resampled and surfaced, which the interface would stand still for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .contour_parts import contour_parts
from .lighter_surfaces import lighter
from .segments import common_grid, onto_grid, oriented_image
from .surfaces import keep_for_display, surface_for_display
from .volume_outlines import outline_surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..imaging.grid import VoxelGrid
    from ..imaging.image import Mask
    from ..progress import Stage
    from ..records import CaseState

_images: WeakKeyDictionary[Mask, dict[VoxelGrid, Any]] = WeakKeyDictionary()


def prepare_volumes(state: CaseState) -> None:
    """Make the surfaces of the volumes of a state that is to be shown; may be called on another thread."""
    for volume in state.volumes:
        surface_for_display(volume.mask)
        outline_surface(volume.mask)


def prepare_segments(state: CaseState, stage: Stage) -> None:
    """Make surfaces and label images of a state that is to be shown; may be called on another thread."""
    masks = list(_masks_with_lattices(state))
    for number, (mask, lattice) in enumerate(masks):
        stage.report(number / len(masks), "surfaces")
        keep_for_display(mask, lighter(surface_for_display(mask)))
        if lattice is None:
            outline_surface(mask)
        if lattice is not None:
            by_lattice = _images.setdefault(mask, {})
            by_lattice[lattice] = oriented_image(onto_grid(mask, lattice), lattice)


def take_image(mask: Mask, lattice: VoxelGrid) -> Any | None:
    """The label image made of a mask on a lattice, given out once: its segment owns it; None without."""
    return _images.get(mask, {}).pop(lattice, None)


def _masks_with_lattices(state: CaseState) -> Iterator[tuple[Mask, VoxelGrid | None]]:
    for volume in state.volumes:
        yield volume.mask, None
    if state.pet is None:
        return
    lesions = [lesion.contour.mask for lesion in state.lesions]
    for masks in (lesions, [part.mask for part in contour_parts(state.lesions).values()]):
        yield from _on_common_lattice(masks, state.pet.grid)


def _on_common_lattice(masks: Sequence[Mask], base: VoxelGrid) -> Iterator[tuple[Mask, VoxelGrid]]:
    lattice = common_grid(masks, base) if masks else base
    for mask in masks:
        if not mask.is_empty:
            yield mask, lattice
