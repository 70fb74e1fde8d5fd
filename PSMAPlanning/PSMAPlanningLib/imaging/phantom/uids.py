"""DICOM identifiers that depend on nothing but the parameters."""

from __future__ import annotations

from pydicom.uid import generate_uid

from .parameters import PhantomParameters


def uid_of(parameters: PhantomParameters, *what: object) -> str:
    """A valid UID for one thing of one phantom; the same call gives the same UID."""
    return str(generate_uid(entropy_srcs=["PSMAPlanning phantom", repr(parameters), *map(str, what)]))
