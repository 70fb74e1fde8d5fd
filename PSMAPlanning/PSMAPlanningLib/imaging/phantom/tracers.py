"""Typical SUVbw of healthy tissue for the PSMA tracers, about one hour (two for 18F) after injection."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Tracer:
    """What the phantom and its DICOM header need to know about a radiopharmaceutical."""

    name: str
    radionuclide: str
    half_life_s: float
    injected_mbq: float
    uptake_minutes: int
    nuclide_code: tuple[str, str, str]
    uptake: MappingProxyType


_SHARED = {
    "air": 0.0, "skin": 0.35, "fat": 0.3, "muscle": 0.6, "marrow": 0.8, "cortex": 0.4, "lung": 0.4,
    "lumen": 0.7, "bowel": 1.6, "pancreas": 2.2, "penile_bulb": 1.2, "ureter_empty": 1.4,
}  # fmt: skip
_GALLIUM = ("C-131A3", "SRT", "^68^Gallium")
_FLUORINE = ("C-111A1", "SRT", "^18^Fluorine")


def _tracer(
    name: str,
    nuclide: str,
    half_life_s: float,
    mbq: float,
    minutes: int,
    code: tuple[str, str, str],
    **own: float,
) -> Tracer:
    return Tracer(name, nuclide, half_life_s, mbq, minutes, code, MappingProxyType({**_SHARED, **own}))


TRACERS = MappingProxyType({
    tracer.name: tracer
    for tracer in (
        _tracer("68Ga-PSMA-11", "68Ga", 4057.74, 150.0, 60, _GALLIUM, liver=5.5, spleen=8.0, kidney=42.0,
                kidney_medulla=30.0, urine=22.0, urethra=1.2, ureter=20.0, duodenum=9.0, jejunum=6.0,
                blood=1.5, gallbladder=3.0),
        _tracer("18F-DCFPyL", "18F", 6586.2, 330.0, 120, _FLUORINE, liver=6.0, spleen=5.5, kidney=36.0,
                kidney_medulla=28.0, urine=32.0, urethra=1.4, ureter=24.0, duodenum=9.5, jejunum=6.5,
                blood=1.3, gallbladder=4.0),
        _tracer("18F-PSMA-1007", "18F", 6586.2, 250.0, 120, _FLUORINE, liver=12.0, spleen=10.0, kidney=20.0,
                kidney_medulla=15.0, urine=3.0, urethra=0.9, ureter=2.5, duodenum=11.0, jejunum=8.0,
                blood=2.0, gallbladder=45.0),
    )
})  # fmt: skip
