"""A contour that takes part in a consensus, and the weights of families of rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConsensusError, FrameOfReferenceError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask


@dataclass(frozen=True, eq=False)
class ContourInput:
    """One contour: a rule's, a reader's, an imported structure or a network's output.

    family: fixed, relative, adaptive, gradient, reader and so on; contours of one family share its vote
    when families are weighted, an empty one is a family of its own.
    frame_of_reference_uid: None when its source says nothing.
    """

    name: str
    mask: Mask
    family: str = ""
    frame_of_reference_uid: str | None = None


def family_weights(inputs: Sequence[ContourInput]) -> tuple[float, ...]:
    """One weight per input such that every family has the weight 1 in all.

    Empty contours do not take a share of their family's weight.
    """
    sizes = Counter(i.family for i in inputs if i.family and not i.mask.is_empty)
    return tuple(1.0 / max(1, sizes[i.family]) if i.family else 1.0 for i in inputs)


def check_inputs(inputs: Sequence[ContourInput], crops_may_differ: bool = False) -> None:
    """Refuse contours that cannot be compared.

    Raises FrameOfReferenceError when two state different frames of reference, ConsensusError when names
    repeat or grids share no space (unless `crops_may_differ`).
    """
    repeated = [name for name, count in Counter(i.name for i in inputs).items() if count > 1]
    if repeated:
        raise ConsensusError(f"Two contours are called {repeated[0]!r}; give each a name of its own.")
    framed = [i for i in inputs if i.frame_of_reference_uid]
    for other in framed[1:]:
        if other.frame_of_reference_uid != framed[0].frame_of_reference_uid:
            raise FrameOfReferenceError(
                f"{other.name} lies in another frame of reference than {framed[0].name}; "
                "register it and bring it to the same frame first."
            )
    if crops_may_differ:
        return
    for number, one in enumerate(inputs):
        for other in inputs[number + 1 :]:
            if not _share_space(one.mask.grid, other.mask.grid):
                raise ConsensusError(
                    f"The grids of {one.name} and {other.name} share no space; "
                    "check that both belong to the same image, or register them first."
                )


def _share_space(one: VoxelGrid, other: VoxelGrid) -> bool:
    if one is other or one == other:
        return True
    # Most contours of a lesion hold each other's middle, which is told sooner than the rest.
    middle = one.ras_of((np.array(one.shape_kji) - 1) / 2)
    return bool(other.holds(middle)) or one.overlaps(other)
