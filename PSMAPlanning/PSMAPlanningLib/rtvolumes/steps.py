"""How a generated volume came about: steps with their numbers, findings per structure, published volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..imaging.image import Mask
from .guideline import PublishedVolume, Rested, unverified_names


@dataclass(frozen=True)
class Step:
    """One step of a construction.

    what: code of the step; numbers: what acted, by name with the unit in the name.
    rests_on: guideline numbers and levels that acted; volume_ml: of the step's result, None without one.
    """

    what: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    rests_on: tuple[Rested, ...] = ()
    volume_ml: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """Something about one structure that the reader of a generated volume must know.

    status: "inferred" (made from something else), "cannot_be_told", "left_out", "excluded", "asked".
    """

    structure: str
    status: str
    code: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The finding in words, with its remedy."""
        text = _SENTENCES.get(self.code, self.code)
        return f"{self.structure}: " + text.format(**{k: f"{v:.1f}" for k, v in self.numbers.items()})


@dataclass(frozen=True, eq=False)
class GeneratedVolume:
    """A proposal made from anatomy by a guideline; never more than a proposal.

    parts: sub-volumes by TG-263 name (LN_Iliac_Ext_L, ...), cut and trimmed like the whole; they may overlap.
    """

    name: str
    kind: str
    mask: Mask
    guideline: str
    guideline_title: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    published: tuple[PublishedVolume, ...]
    parts: Mapping[str, Mask] = field(default_factory=dict)
    status: str = "proposal"

    @property
    def rests_on(self) -> tuple[Rested, ...]:
        """Every guideline number and level that acted, each once."""
        return tuple(dict.fromkeys(each for step in self.steps for each in step.rests_on))

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of the numbers it rests on that were not read in their source."""
        return unverified_names(self.rests_on)

    @property
    def verified(self) -> bool:
        """Whether every guideline number that acted was read in its source."""
        return not self.unverified

    @property
    def published_range_ml(self) -> tuple[float, float] | None:
        """Smallest and largest volume of the published series, None when there is none. No limit."""
        return published_range_ml(self.published)


def published_range_ml(published: Iterable[PublishedVolume]) -> tuple[float, float] | None:
    """Smallest and largest volume of published series, None when there is none."""
    numbers = [x for each in published for x in (each.mean_ml, each.low_ml, each.high_ml) if x is not None]
    return (min(numbers), max(numbers)) if numbers else None


_SENTENCES = {
    "rectum_from_colon": "no label; inferred from the caudal colon, check it before use.",
    "rectum_cannot_be_told": "no label and no colon below S3; what needs the rectum cannot be told.",
    "wall_muscle_from_ct": "no label; the side wall's muscle was inferred from CT numbers between "
    "{low_hu} and {high_hu} HU.",
    "wall_muscle_cannot_be_told": "no label and no CT; muscle on the side wall cannot be told and may lie "
    "inside the volume.",
    "internal_iliac_inferred": "no label; its course was inferred from the sacrum, the strip along the side "
    "wall stands for it.",
    "common_split_inferred": "the common iliac bifurcation cannot be told from the labels; the top of S1 "
    "stands for it.",
    "side_missing": "no iliac vessel is labelled on this side; nothing was generated there.",
    "one_vessel_kind_missing": "not labelled; the volume rests on the other vessel of this side.",
    "prostate_excluded": "labelled; after prostatectomy such a label is false, and it was not used.",
    "presacral_left_out": "the presacral part was left out, because {missing:.0f} of its landmarks or the "
    "sacrum are missing.",
    "strip_left_out": "the side wall strip was left out, because femoral head, symphysis or internal iliac "
    "course is missing.",
    "vessels_end_below": "the labels end {gap_mm} mm below the upper border; above them nothing was made.",
    "vessels_end_above": "the labels end {gap_mm} mm above the lower border; below them nothing was made.",
    "islands_dropped": "{dropped_ml} mL that hung on no vessel and no strip were left out.",
    "bladder_missing": "no label; it could not be kept out.",
    "bowel_missing": "no label of colon or small bowel; bowel could not be kept out.",
    "bone_missing": "no label; it could not be kept out.",
    "muscle_missing": "no label; it could not be kept out.",
    "mesorectum_left_out": "the mesorectal part was left out: there is no rectum and no caudal colon.",
    "rectosigmoid_junction_inferred": "its upper end is where the rectum loops forwards, at S {s_mm} mm, "
    "{above_mm} mm above the rectum's lower end; check it.",
    "no_rectosigmoid_junction": "no forward loop of the rectum was found; its upper end is that of the "
    "label, or S2/3.",
    "para_aortic_left_out": "the para-aortic part was left out, because aorta, vena cava or their upper "
    "landmark is missing.",
    "transitional_vertebra": "an extra or a missing lumbar vertebra; say which level is L5/S1, it is not "
    "assumed.",
    "levator_missing": "no label; the side border below the symphysis rests on obturator internus or bone.",
    "cranial_differs": "the upper border lies {above_symphysis_mm} mm above the symphysis, outside the "
    "published {low_mm} to {high_mm} mm.",
    "border_follows_anastomosis": "the published distance above the bulb would lie {above_anastomosis_mm} mm "
    "above the anastomosis; the border follows the anastomosis.",
    "border_below_bulb": "the lower border lies {below_bulb_mm} mm below the top of the bulb.",
    "low_confidence_landmark": "found with low confidence ({confidence}); check its plane.",
}
