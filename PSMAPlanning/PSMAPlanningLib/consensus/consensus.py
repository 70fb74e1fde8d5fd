"""The consensus of one lesion with all that the planner must know to judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ConsensusError
from ..imaging.image import Image, Mask
from .common_grid import LARGEST_SPACING_MM, on_common_grid
from .domain import Domain
from .equivalent_threshold import EquivalentThreshold, equivalent_threshold
from .fusion import WEIGHTED, Fusion, FusionOptions, fuse
from .inputs import ContourInput, check_inputs, family_weights
from .nesting import Nesting, nesting
from .patterns import DecisionPatterns, check_input_count, decision_patterns

_DISPUTED_FROM, _DISPUTED_TO = 0.1, 0.9
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Consensus:
    """A fused contour and its honesty.

    inputs: those that took part, on the common grid; empty: names of those left out.
    fusion: numbers refer to `inputs`. agreement: (K, J, I) float32, weighted share of inputs inside.
    disputed: the shell where 10 to 90 % of the inputs (by weight) agree.
    resampled: inputs came on differing grids. notes: sentences for the user.
    """

    inputs: tuple[ContourInput, ...]
    empty: tuple[str, ...]
    fusion: Fusion
    weights: tuple[float, ...] | None
    patterns: DecisionPatterns
    agreement: np.ndarray
    disputed: Mask
    nesting: Nesting
    threshold: EquivalentThreshold | None
    resampled: bool
    notes: tuple[str, ...]

    @property
    def mask(self) -> Mask:
        return self.fusion.mask


def consensus(
    inputs: Sequence[ContourInput],
    method: str,
    *,
    domain: Domain | None = None,
    at_least: int = 2,
    weigh_families: bool = False,
    pet: Image | None = None,
    spacing_mm: float = LARGEST_SPACING_MM,
) -> Consensus:
    """Fuse contours of one lesion, on any grids.

    domain: what STAPLE's performance rests on; a crop of 10 mm around all contours when None.
    weigh_families: every family of rules has one vote, shared by its members.
    pet: for the equivalent SUV threshold. spacing_mm: largest voxel of a common grid that must be made.

    Raises ConsensusError for a method that does not exist or does not fit the number of inputs, contours
    without common space, repeated names, or nothing left to fuse; FrameOfReferenceError for contours in
    different frames of reference.
    """
    domain = domain or Domain()
    check_inputs(inputs)
    filled = [i for i in inputs if not i.mask.is_empty]
    empty = tuple(i.name for i in inputs if i.mask.is_empty)
    if not filled:
        raise ConsensusError("All contours are empty; lower the threshold or choose another rule.")
    check_input_count(len(filled))
    common = on_common_grid([i.mask for i in filled], domain.margin_mm, spacing_mm)
    filled = [replace(i, mask=mask) for i, mask in zip(filled, common.masks, strict=True)]
    vanished = [i.name for i in filled if i.mask.is_empty]
    if vanished:
        raise ConsensusError(f"{vanished[0]} is too thin for the common grid; draw it on finer voxels.")
    weights = family_weights(filled) if weigh_families else None
    options = FusionOptions(at_least, weights, domain)
    fusion = fuse(common.masks, method, options)
    patterns = decision_patterns([mask.array for mask in common.masks], Domain("union"), common.grid)
    share = _share(patterns, weights)
    shell = (share > _DISPUTED_FROM - _ROUNDING) & (share < _DISPUTED_TO + _ROUNDING)
    disputed = patterns.on_grid(shell, (False, False))
    nest = nesting(patterns, fusion.mask.array)
    return Consensus(
        inputs=tuple(filled),
        empty=empty,
        fusion=fusion,
        weights=weights,
        patterns=patterns,
        agreement=patterns.on_grid(share.astype(np.float32)),
        disputed=Mask(disputed, common.grid),
        nesting=nest,
        threshold=_threshold(pet, fusion.mask, patterns),
        resampled=common.resampled,
        notes=_notes(filled, empty, fusion, nest, weights, common.resampled),
    )


def _share(patterns: DecisionPatterns, weights: tuple[float, ...] | None) -> np.ndarray:
    each = np.ones(patterns.input_count) if weights is None else np.array(weights)
    return patterns.decisions @ each / each.sum()


def _threshold(pet: Image | None, mask: Mask, patterns: DecisionPatterns) -> EquivalentThreshold | None:
    if pet is None:
        return None
    if not pet.grid.overlaps(mask.grid):
        raise ConsensusError("The PET and the contours share no space; give the PET they were drawn on.")
    # Cropped before voxel positions are made: the grid may be a whole patient's.
    box = patterns.box
    part = Mask(mask.array[box], mask.grid.crop(box))
    union = patterns.on_grid(np.ones(len(patterns.codes), dtype=bool), (False, True))[box]
    return equivalent_threshold(pet, part, union)


def _notes(
    filled: Sequence[ContourInput],
    empty: tuple[str, ...],
    fusion: Fusion,
    nest: Nesting,
    weights: tuple[float, ...] | None,
    resampled: bool,
) -> tuple[str, ...]:
    notes = []
    if empty:
        notes.append(f"Empty and left out: {', '.join(empty)}.")
    sentence = nest.sentence([i.name for i in filled])
    if sentence:
        notes.append(sentence)
    if weights is not None and fusion.method not in WEIGHTED:
        notes.append(f"Families are not weighted by {fusion.method}, which counts heads.")
    if fusion.dropped:
        notes.append(f"SIMPLE dropped: {', '.join(filled[n].name for n in fusion.dropped)}.")
    if fusion.converged is False:
        notes.append("STAPLE did not settle; take another method.")
    if fusion.mask.is_empty:
        notes.append("The consensus is empty: the contours hardly share a voxel.")
    if resampled:
        spacing = " x ".join(f"{s:.2f}" for s in fusion.mask.grid.spacing_mm)
        notes.append(f"The contours came on differing grids and were brought to {spacing} mm by distance.")
    return tuple(notes)
