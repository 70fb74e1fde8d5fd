"""How a PET became SUV: the factors, every value they rest on, and where each came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import GridError, SuvHeaderError
from .tracers import TracerFacts, tracer_by_key

_SAME_FACTOR = 1e-6


@dataclass(frozen=True)
class SuvConversion:
    """How the voxel values of a series become SUV normalised by body weight.

    units_in: of the voxels as stored and rescaled. factors: SUV per rescaled unit, one per slice.
    injection_time, reference_time: ISO 8601, without a date when none is known; None when not used.
    branch: the path taken through the vendors' cases. sources: where each value came from.
    quantity: what the converted numbers are, SUVbw unless asked otherwise.
    tracer_key: the tracer's record in `tracers`; None when the tracer is not known.
    missing: names of values that change no number here and must still be asked for.
    """

    units_in: str
    factors: tuple[float, ...]
    branch: str
    quantity: str = "SUVbw"
    decay_correction: str | None = None
    injection_time: str | None = None
    reference_time: str | None = None
    half_life_s: float | None = None
    dose_bq: float | None = None
    weight_kg: float | None = None
    tracer: str | None = None
    uptake_time_min: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tracer_key: str | None = None
    nuclide: str | None = None
    height_m: float | None = None
    sex: str | None = None
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A document read back holds lists.
        object.__setattr__(self, "missing", tuple(self.missing))
        if not self.factors or not all(math.isfinite(f) and f > 0.0 for f in self.factors):
            raise SuvHeaderError(
                "The header values lead to no positive SUV factor; check them, or enter them with --dose-bq, "
                "--weight-kg, --half-life-s, --injection-time and --reference-time."
            )

    @property
    def factor(self) -> float | None:
        """SUV per rescaled unit; None when it differs between slices by more than a millionth."""
        low, high = min(self.factors), max(self.factors)
        return self.factors[0] if high - low <= _SAME_FACTOR * low else None

    @property
    def tracer_facts(self) -> TracerFacts | None:
        """What is known of the tracer; None for an unknown one, which is to be asked for."""
        return tracer_by_key(self.tracer_key)

    def to_document(self) -> dict[str, Any]:
        """The audit as JSON-ready values, named as the `suv` command prints them."""
        return {
            "units_in": self.units_in,
            "quantity": self.quantity,
            "factor": self.factor,
            "decay_correction": self.decay_correction,
            "injection_time": self.injection_time,
            "reference_time": self.reference_time,
            "half_life_s": self.half_life_s,
            "dose_bq": self.dose_bq,
            "weight_kg": self.weight_kg,
            "height_m": self.height_m,
            "sex": self.sex,
            "tracer": self.tracer,
            "tracer_facts": self.tracer_facts.to_document() if self.tracer_facts else None,
            "nuclide": self.nuclide,
            "uptake_time_min": self.uptake_time_min,
            "branch": self.branch,
            "missing": list(self.missing),
            "sources": dict(self.sources),
            "warnings": list(self.warnings),
        }


def apply(conversion: SuvConversion, rescaled: np.ndarray) -> np.ndarray:
    """SUV, (K, J, I) float32, of an array of rescaled values whose K axis is the series' slice order.

    Raises GridError when the number of slices is not that of the conversion.
    """
    if rescaled.ndim != 3 or rescaled.shape[0] != len(conversion.factors):
        raise GridError(
            f"An array of {rescaled.shape} does not fit a series of {len(conversion.factors)} slices; "
            "convert the series it was read from."
        )
    suv = np.empty(rescaled.shape, dtype=np.float32)
    for index, factor in enumerate(conversion.factors):
        # A Python float leaves float32 as it is; one rounding per voxel is below 1e-7 relative.
        np.multiply(rescaled[index], factor, out=suv[index], casting="same_kind")
    return suv
