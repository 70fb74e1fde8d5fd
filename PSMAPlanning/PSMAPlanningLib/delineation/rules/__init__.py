"""Delineation rules by name: formula, parameters with bounds, source, and whether it was verified.

A rule turns a lesion's crop into a threshold or a region; the contour is the part inside the lesion's
territory that is connected to its hottest voxel. One file per family; the table is in `table`.
"""

from .connected import connected_to_peak, reaches_edge
from .rule import Delineation, Parameter, Rule
from .table import RULES, checked_parameters, delineate, missing_liver_sentence, patient_threshold

__all__ = [
    "RULES",
    "Delineation",
    "Parameter",
    "Rule",
    "checked_parameters",
    "connected_to_peak",
    "delineate",
    "missing_liver_sentence",
    "patient_threshold",
    "reaches_edge",
]
