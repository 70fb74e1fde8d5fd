"""A deterministic digital patient after prostatectomy: CT, PSMA PET and the truth about both."""

from __future__ import annotations

from .dicom_export import bq_per_ml_per_suv, patient_weight_kg, write_dicom
from .file_export import on_grid, write_nrrd, write_rtstruct
from .parameters import REGIONS, PhantomLesion, PhantomParameters, RigidOffset
from .phantom import LesionTruth, Phantom, make_phantom
from .tracers import TRACERS, Tracer

__all__ = [
    "REGIONS",
    "TRACERS",
    "LesionTruth",
    "Phantom",
    "PhantomLesion",
    "PhantomParameters",
    "RigidOffset",
    "Tracer",
    "bq_per_ml_per_suv",
    "make_phantom",
    "on_grid",
    "patient_weight_kg",
    "write_dicom",
    "write_nrrd",
    "write_rtstruct",
]
