"""Which voxels a consensus or an agreement figure is computed on; printed with every result."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import ConsensusError
from ..imaging.grid import Box, VoxelGrid, grow_box

KINDS = ("full", "crop", "union", "disputed")


@dataclass(frozen=True)
class Domain:
    """The voxels that count.

    kind: "full" the whole grid; "crop" the box around all contours, grown by `margin_mm` and clipped to
    the grid; "union" the voxels in at least one contour; "disputed" the voxels in some but not in all.

    STAPLE's specificity and Fleiss' kappa grow with the background that is counted, so neither means
    anything without its domain (Rohlfing 2004, 10.1109/TMI.2004.830803; Asman and Landman 2011,
    10.1109/TMI.2011.2147795).
    """

    kind: str = "crop"
    margin_mm: float = 10.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConsensusError(f"There is no domain {self.kind!r}; known: full, crop:MM, union, disputed.")
        if not (math.isfinite(self.margin_mm) and 0 <= self.margin_mm <= 1000):
            raise ConsensusError(
                f"The domain's margin is {self.margin_mm} mm; it must lie between 0 and 1000."
            )

    @classmethod
    def parse(cls, text: str) -> Domain:
        """The domain written as full, crop:MM, union or disputed; raises ConsensusError for anything else."""
        kind, colon, margin = text.strip().partition(":")
        if not colon:
            return cls(kind)
        try:
            margin_mm = float(margin)
        except ValueError:
            margin_mm = math.nan
        if kind != "crop" or not math.isfinite(margin_mm):
            raise ConsensusError(
                f"The domain {text!r} is not known; write full, crop:MM (such as crop:10), union or disputed."
            )
        return cls(kind, margin_mm)

    def __str__(self) -> str:
        return f"crop:{self.margin_mm:g}" if self.kind == "crop" else self.kind

    def box(self, union_box: Box, grid: VoxelGrid) -> Box:
        """The part of the grid that is looked at, given the box around all contours."""
        if self.kind == "full":
            return tuple(slice(0, n) for n in grid.shape_kji)
        if self.kind != "crop":
            return union_box
        margin = tuple(math.ceil(self.margin_mm / s - 1e-9) for s in grid.spacing_kji_mm)
        return grow_box(union_box, margin, grid.shape_kji)
