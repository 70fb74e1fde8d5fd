"""Dose in 2 Gy fractions with the same effect, by the linear-quadratic model (Withers 1983,
doi:10.1016/0360-3016(83)90011-0): EQD2 = D (d + a/b) / (2 + a/b)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import PrescriptionError

ALPHA_BETA_GY = (1.5, 3.0)
"""Prostate cancer (Brenner and Hall 1999, doi:10.1016/S0360-3016(98)00438-6), and late reactions."""


@dataclass(frozen=True)
class Prescription:
    """What a volume is to receive; kept with it, never suggested by this programme.

    Raises PrescriptionError for numbers that no prescription has.
    """

    volume: str
    dose_gy: float
    fractions: int

    def __post_init__(self) -> None:
        if not self.volume:
            raise PrescriptionError("A prescription needs the name of the volume it is for.")
        if not math.isfinite(self.dose_gy) or not 0 < self.dose_gy <= 200:
            raise PrescriptionError(f"{self.volume}: {self.dose_gy:g} Gy is no dose; give 0 to 200 Gy.")
        if (
            isinstance(self.fractions, bool)
            or self.fractions != int(self.fractions)
            or not 1 <= self.fractions <= 100
        ):
            raise PrescriptionError(
                f"{self.volume}: {self.fractions} fractions; give a whole number, 1 to 100."
            )

    @property
    def fraction_dose_gy(self) -> float:
        return self.dose_gy / self.fractions

    def eqd2_gy(self, alpha_beta_gy: float) -> float:
        """Equivalent dose in 2 Gy fractions."""
        return eqd2_gy(self.dose_gy, self.fractions, alpha_beta_gy)


@dataclass(frozen=True)
class EqdRow:
    """One line of the table; eqd2_gy: by alpha/beta in Gy."""

    prescription: Prescription
    eqd2_gy: tuple[tuple[float, float], ...]


def eqd2_gy(dose_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """Equivalent dose in 2 Gy fractions of a dose in equal fractions.

    Raises PrescriptionError unless alpha/beta is greater than 0.
    """
    if not math.isfinite(alpha_beta_gy) or alpha_beta_gy <= 0:
        raise PrescriptionError(f"Alpha/beta is {alpha_beta_gy:g} Gy; it must be greater than 0.")
    return dose_gy * (dose_gy / fractions + alpha_beta_gy) / (2.0 + alpha_beta_gy)


def eqd2_table(
    prescriptions: tuple[Prescription, ...] | list[Prescription],
    alpha_beta_gy: tuple[float, ...] = ALPHA_BETA_GY,
) -> tuple[EqdRow, ...]:
    """The table that stands beside the volumes, in the order given."""
    return tuple(
        EqdRow(each, tuple((ratio, each.eqd2_gy(ratio)) for ratio in alpha_beta_gy)) for each in prescriptions
    )
