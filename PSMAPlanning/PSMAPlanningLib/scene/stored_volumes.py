"""What segments cannot hold of volumes: what each was taken for, its prescription, its contours' shares."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import GridError, PrescriptionError, SceneError
from ..imaging.grid import VoxelGrid
from ..records import RtVolume
from ..rtvolumes.eqd2 import Prescription
from ..rtvolumes.generated_record import GeneratedRecord
from ..rtvolumes.occupancy import EndCaps, OccupancyField

_REFUSED = (GridError, PrescriptionError)
"""What records say of values that cannot be."""
_STEPS = 65535
"""Shares are kept to 16 bits; 1.5e-5 of a voxel moves no surface by a micrometre."""
_packed: WeakKeyDictionary[OccupancyField, dict[str, Any]] = WeakKeyDictionary()


def volume_facts(volume: RtVolume) -> dict[str, Any]:
    """JSON values; `volume_fields` reads them."""
    given = volume.prescription
    return {
        "tg263": volume.tg263,
        "role": volume.role,
        "matched_by": volume.matched_by,
        "asks": volume.asks,
        "prescription": None if given is None else [given.volume, given.dose_gy, given.fractions],
        "occupancy": None if volume.occupancy is None else _occupancy_document(volume.occupancy),
        "generated": None if volume.generated is None else volume.generated.to_document(),
    }


def volume_fields(document: dict[str, Any]) -> dict[str, Any]:
    """Fields of RtVolume; scenes from before these were stored have none of them.

    Raises SceneError when one is damaged.
    """
    given, shares, made = (document.get(key) for key in ("prescription", "occupancy", "generated"))
    try:
        return {
            "tg263": document.get("tg263"),
            "role": document.get("role"),
            "matched_by": document.get("matched_by"),
            "asks": bool(document.get("asks", False)),
            "prescription": None if given is None else Prescription(*given),
            "occupancy": None if shares is None else _occupancy_of(shares),
            "generated": None if made is None else GeneratedRecord.from_document(made),
        }
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, *_REFUSED) as error:
        raise SceneError(
            f"A volume of the planning case in this scene is damaged ({error}); it was not opened."
        ) from error


def _occupancy_document(occupancy: OccupancyField) -> dict[str, Any]:
    if occupancy not in _packed:
        grid = occupancy.grid
        steps = np.rint(occupancy.fraction * _STEPS).astype("<u2")
        _packed[occupancy] = {
            "shape_kji": grid.shape_kji,
            "spacing_mm": grid.spacing_mm,
            "origin_ras": grid.origin_ras,
            "direction_ras": grid.direction_ras,
            "shares": _packed_text(steps),
        }
        if occupancy.end_caps is not None:
            caps = occupancy.end_caps
            # Differences of ascending indices pack to a tenth of the indices.
            _packed[occupancy]["end_caps"] = {
                "flat": _packed_text(np.diff(caps.flat, prepend=0).astype("<u4")),
                "share": _packed_text(np.rint(caps.share * _STEPS).astype("<u2")),
            }
    return _packed[occupancy]


def _packed_text(array: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(array.tobytes(), 6)).decode("ascii")


def _unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def _occupancy_of(document: dict[str, Any]) -> OccupancyField:
    grid = VoxelGrid(
        tuple(document["shape_kji"]),
        tuple(document["spacing_mm"]),
        tuple(document["origin_ras"]),
        tuple(tuple(row) for row in document["direction_ras"]),
    )
    steps = _unpacked(document["shares"], "<u2")
    fraction = steps.reshape(grid.shape_kji).astype(np.float32) / _STEPS
    caps = document.get("end_caps")
    if caps is not None:
        flat = np.cumsum(_unpacked(caps["flat"], "<u4"), dtype=np.int64)
        caps = EndCaps(flat, _unpacked(caps["share"], "<u2").astype(np.float32) / _STEPS)
    return OccupancyField(fraction, grid, end_caps=caps)
