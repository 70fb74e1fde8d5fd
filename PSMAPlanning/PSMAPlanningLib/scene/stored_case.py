"""What a scene's nodes cannot hold of a case, as JSON on the parameter node: records, decisions, exact masks.

Segments show the contours; the exact voxels are kept here too, because a segmentation is saved on one
lattice and a lesion's contour may lie on a finer one. Masks are packed bits: about 1 kB for a lesion.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..clinical_facts import ClinicalFacts
from ..delineation.avid_regions import AvidRegion, RegionClass
from ..delineation.rules import Delineation
from ..errors import (
    ClinicalFactsError,
    LandmarkError,
    PrescriptionError,
    RegionError,
    RegistrationError,
    RuleError,
    SceneError,
)
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.known_patient import KnownPatient
from ..imaging.patient_identity import PatientCheck
from ..imaging.registration import RigidTransform
from ..imaging.suv import SuvConversion
from ..records import CaseState, Change, Contour, Lesion, LesionState, Registration, RtVolume
from ..rtvolumes.landmarks import Landmarks
from .stored_plan import plan_document, plan_records, region_document, region_of_document
from .stored_search import (
    consensus_document,
    consensus_of_document,
    facts_document,
    facts_of_document,
    search_document,
    search_records,
)
from .stored_volumes import volume_facts

SCHEMA_VERSION = 1
_IMAGES = ("pet", "ct", "planning_ct")
_REFUSED = (ClinicalFactsError, LandmarkError, PrescriptionError, RegionError, RegistrationError, RuleError)
"""What records say of values that cannot be."""


class CaseWriter:
    """Case states to JSON text; what did not change since the last one is not written anew."""

    def __init__(self) -> None:
        self._packed: WeakKeyDictionary[Mask, dict[str, Any]] = WeakKeyDictionary()
        self._texts: WeakKeyDictionary[Mask | AvidRegion | Lesion | RtVolume, str] = WeakKeyDictionary()
        self._search: tuple[tuple[Any, ...], dict[str, str]] = ((), {})

    def text_of(self, state: CaseState) -> str:
        """All of the state but its settings and the voxels of images and volumes, which nodes hold."""
        document = {
            "schema_version": SCHEMA_VERSION,
            "registration": asdict(state.registration),
            "patient_check": state.patient_check.to_document() if state.patient_check else None,
            "known_patient": state.known_patient.to_document() if state.known_patient else None,
            "frames": {
                name: image.frame_of_reference_uid
                for name in _IMAGES
                if (image := getattr(state, name)) is not None
            },
            "clinical": state.clinical.to_document(),
            "landmarks": state.landmarks.to_document() if state.landmarks else None,
            "warnings": list(state.warnings),
            "finding_warnings": list(state.finding_warnings),
            "suv": asdict(state.suv) if state.suv else None,
            **plan_document(state),
        }
        parts = {name: _json(value) for name, value in document.items()} | self._search_texts(state)
        anatomy = (f"{_json(name)}:{self._text(m, self._mask)}" for name, m in state.anatomy.items())
        parts["anatomy"] = f"{{{','.join(anatomy)}}}"
        parts["regions"] = f"[{','.join(self._text(each, self._region) for each in state.regions)}]"
        parts["volumes"] = f"[{','.join(self._text(each, _volume) for each in state.volumes)}]"
        parts["lesions"] = f"[{','.join(self._text(each, self._lesion) for each in state.lesions)}]"
        return f"{{{','.join(f'{_json(name)}:{text}' for name, text in parts.items())}}}"

    def _search_texts(self, state: CaseState) -> dict[str, str]:
        """JSON text by name of what the last search rested on; most changes leave it alone."""
        rests_on = (
            state.reference_spheres,
            state.references,
            state.detection_threshold,
            state.faint_foci,
            state.detectability,
        )
        known = self._search[0]
        if len(known) != len(rests_on) or any(a is not b for a, b in zip(known, rests_on, strict=True)):
            texts = {name: _json(value) for name, value in search_document(state).items()}
            self._search = (rests_on, texts)
        return self._search[1]

    def _text(
        self, record: Mask | AvidRegion | Lesion | RtVolume, write: Callable[[Any], dict[str, Any]]
    ) -> str:
        """The JSON text of a record; records are frozen, so it is written once."""
        if record not in self._texts:
            self._texts[record] = _json(write(record))
        return self._texts[record]

    def _region(self, region: AvidRegion) -> dict[str, Any]:
        return {
            "id": region.id,
            "box": [[s.start, s.stop] for s in region.box],
            "mask": self._mask(region.mask),
            "suv_max": region.suv_max,
            "suv_mean": region.suv_mean,
            "centroid_ras": region.centroid_ras,
            "peak_ras": region.peak_ras,
            "class": region.region_class.value,
            "reason": region.reason,
            "flags": region.flags,
        }

    def _lesion(self, lesion: Lesion) -> dict[str, Any]:
        contour = lesion.contour
        return {
            "id": lesion.id,
            "region": self._region(lesion.region),
            "state": lesion.state.value,
            "history": [vars(change) for change in lesion.history],
            "contour": {
                "mask": self._mask(contour.mask),
                "source": contour.source,
                "method": contour.method,
                "threshold_suv": contour.threshold_suv,
                "inputs": contour.inputs,
                "flags": contour.flags,
                "facts": facts_document(contour.facts),
            },
            "consensus": consensus_document(lesion.consensus, self._mask),
            "stated_region": region_document(lesion.stated_region),
            "candidates": [
                {
                    "rule": candidate.rule,
                    "parameters": dict(candidate.parameters),
                    "threshold_suv": candidate.threshold_suv,
                    "mask": self._mask(candidate.mask),
                    "flags": candidate.flags,
                }
                for candidate in lesion.candidates
            ],
        }

    def _mask(self, mask: Mask) -> dict[str, Any]:
        if mask not in self._packed:
            grid = mask.grid
            bits = zlib.compress(np.packbits(mask.array.ravel()).tobytes(), 6)
            self._packed[mask] = {
                "shape_kji": grid.shape_kji,
                "spacing_mm": grid.spacing_mm,
                "origin_ras": grid.origin_ras,
                "direction_ras": grid.direction_ras,
                "bits": base64.b64encode(bits).decode("ascii"),
            }
        return self._packed[mask]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _volume(volume: RtVolume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "kind": volume.kind,
        "origin": volume.origin,
        "source_file": volume.source_file,
        "status": volume.status,
        "voxels": volume.mask.voxels,
        "volume_ml": volume.mask.volume_ml,
        **volume_facts(volume),
    }


def read_document(text: str) -> dict[str, Any]:
    """The stored JSON, checked for its version; raises SceneError when it cannot be understood."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SceneError(
            f"The planning case in this scene is damaged ({error}); it was not opened."
        ) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or version < 1:
        raise SceneError("The planning case in this scene has no version; it was not opened.")
    if version > SCHEMA_VERSION:
        raise SceneError(
            f"The planning case in this scene is of version {version}, newer than this program knows "
            f"({SCHEMA_VERSION}); update PSMAPlanning."
        )
    return document


def records_of(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a CaseState that the document holds; raises SceneError when one is damaged."""
    try:
        return {
            "registration": _registration(document["registration"]),
            # Scenes from before these were stored have neither.
            "patient_check": _patient_check(document.get("patient_check")),
            "known_patient": _known_patient(document.get("known_patient")),
            "clinical": ClinicalFacts(**(document.get("clinical") or {})),
            "landmarks": _landmarks(document.get("landmarks")),
            "warnings": tuple(document["warnings"]),
            "finding_warnings": tuple(document["finding_warnings"]),
            "suv": _suv(document["suv"]),
            "anatomy": {name: _mask_of(mask) for name, mask in document["anatomy"].items()},
            "regions": tuple(_region_of(region) for region in document["regions"]),
            "lesions": tuple(_lesion_of(lesion) for lesion in document["lesions"]),
            **search_records(document),
            **plan_records(document),
        }
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, *_REFUSED) as error:
        raise SceneError(
            f"The planning case in this scene is damaged ({error}); it was not opened."
        ) from error


def _suv(document: dict[str, Any] | None) -> SuvConversion | None:
    if document is None:
        return None
    values = {**document, "factors": tuple(document["factors"]), "warnings": tuple(document["warnings"])}
    return SuvConversion(**values)


def _registration(document: dict[str, Any]) -> Registration:
    matrix = document.get("planning_from_pet")
    rows = None if matrix is None else RigidTransform(tuple(map(tuple, matrix))).matrix
    return Registration(**{**document, "planning_from_pet": rows})


def _landmarks(document: dict[str, Any] | None) -> Landmarks | None:
    return None if document is None else Landmarks.from_document(document)


def _patient_check(document: dict[str, Any] | None) -> PatientCheck | None:
    return None if document is None else PatientCheck.from_document(document)


def _known_patient(document: dict[str, Any] | None) -> KnownPatient | None:
    return None if document is None else KnownPatient.from_document(document)


def frame_uid_of(document: dict[str, Any], name: str) -> str | None:
    """The frame of reference that an image of the case had; None when none was told, or in older scenes."""
    frames = document.get("frames")
    uid = frames.get(name) if isinstance(frames, dict) else None
    return uid if isinstance(uid, str) else None


def _region_of(document: dict[str, Any]) -> AvidRegion:
    return AvidRegion(
        id=document["id"],
        box=tuple(slice(start, stop) for start, stop in document["box"]),
        mask=_mask_of(document["mask"]),
        suv_max=document["suv_max"],
        suv_mean=document["suv_mean"],
        centroid_ras=tuple(document["centroid_ras"]),
        peak_ras=tuple(document["peak_ras"]),
        region_class=RegionClass(document["class"]),
        reason=document["reason"],
        flags=tuple(document["flags"]),
    )


def _lesion_of(document: dict[str, Any]) -> Lesion:
    contour = document["contour"]
    return Lesion(
        id=document["id"],
        region=_region_of(document["region"]),
        candidates=tuple(
            Delineation(
                c["rule"], c["parameters"], c["threshold_suv"], _mask_of(c["mask"]), tuple(c["flags"])
            )
            for c in document["candidates"]
        ),
        contour=Contour(
            mask=_mask_of(contour["mask"]),
            source=contour["source"],
            method=contour["method"],
            threshold_suv=contour["threshold_suv"],
            inputs=tuple(contour["inputs"]),
            flags=tuple(contour["flags"]),
            # Scenes from before these were stored have neither; they are worked out when asked for.
            facts=facts_of_document(contour.get("facts")),
        ),
        consensus=consensus_of_document(document.get("consensus"), _mask_of),
        state=LesionState(document["state"]),
        history=tuple(Change(**change) for change in document["history"]),
        stated_region=region_of_document(document.get("stated_region")),
    )


def _mask_of(document: dict[str, Any]) -> Mask:
    grid = VoxelGrid(
        tuple(document["shape_kji"]),
        tuple(document["spacing_mm"]),
        tuple(document["origin_ras"]),
        tuple(tuple(row) for row in document["direction_ras"]),
    )
    packed = np.frombuffer(zlib.decompress(base64.b64decode(document["bits"])), dtype=np.uint8)
    bits = np.unpackbits(packed, count=grid.voxel_count)
    return Mask(bits.reshape(grid.shape_kji).astype(bool), grid)
