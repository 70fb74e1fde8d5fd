"""Thresholds from the patient's liver (or blood pool): the same for every lesion of a patient.

The liver's numbers come from a reference region, or are given; see `reference_regions`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..lesion_crop import LesionCrop
from .rule import (
    BLOOD_POOL_MEAN,
    BLOOD_POOL_SD,
    LIVER_MAX,
    LIVER_MEAN,
    LIVER_SD,
    Outcome,
    Rule,
    percent,
)


def _percist(_crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    if "liver_mean" in numbers and "liver_sd" in numbers:
        return Outcome(1.5 * numbers["liver_mean"] + 2.0 * numbers["liver_sd"])
    if "blood_pool_mean" in numbers and "blood_pool_sd" in numbers:
        return Outcome(
            2.0 * numbers["blood_pool_mean"] + 2.0 * numbers["blood_pool_sd"], flags=("blood_pool_used",)
        )
    return Outcome(flags=("no_liver",))


def _liver_mean_percent(_crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(numbers["percent"] / 100 * numbers["liver_mean"])


def _liver_max(_crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(numbers["liver_max"])


def _qpsma(_crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    mean, sd = numbers["liver_mean"], numbers["liver_sd"]
    return Outcome(4.30 / mean * (mean + sd), details={"liver_cov_percent": 100.0 * sd / mean})


RULES = (
    Rule(
        "percist",
        "t = 1.5 · liver mean + 2 · liver SD; without a liver 2 · blood-pool mean + 2 · SD (on SUVbw)",
        "liver",
        "PERCIST 1.0, Wahl 2009, 10.2967/jnumed.108.057307 (there on SUL); on SUVbw as in MUST",
        False,
        (),
        _percist,
        measured=(LIVER_MEAN, LIVER_SD, BLOOD_POOL_MEAN, BLOOD_POOL_SD),
        per_lesion=False,
    ),
    Rule(
        "liver_mean_percent",
        "t = percent/100 · liver mean",
        "liver",
        "PET-MUST-Segmenter (125 %)",
        True,
        (percent(125.0, 1000.0),),
        _liver_mean_percent,
        measured=(LIVER_MEAN,),
        needs=("liver_mean",),
        per_lesion=False,
    ),
    Rule(
        "liver_max",
        "t = liver maximum",
        "liver",
        "PET-MUST-Segmenter",
        True,
        (),
        _liver_max,
        measured=(LIVER_MAX,),
        needs=("liver_max",),
        per_lesion=False,
    ),
    Rule(
        "qpsma",
        "t = 4.30 / liver mean · (liver mean + liver SD) = 4.30 · (1 + COV): only the liver's noise "
        "remains; soft tissue (qPSMA takes fixed SUV 3 in bone)",
        "liver",
        "qPSMA, Gafita 2019, 10.2967/jnumed.118.224055; abstract read (liver-based in soft tissue, SUV 3 in "
        "bone), the formula is recalled: check the primary text",
        False,
        (),
        _qpsma,
        measured=(LIVER_MEAN, LIVER_SD),
        needs=("liver_mean", "liver_sd"),
        per_lesion=False,
    ),
)
