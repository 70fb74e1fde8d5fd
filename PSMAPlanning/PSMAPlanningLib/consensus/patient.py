"""All lesions of a patient: matched between readers, fused and compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ConsensusError, FrameOfReferenceError
from ..imaging.image import Image
from ..progress import Progress, Stage, no_progress
from .agreement import DEFAULT_TOLERANCES_MM, Agreement, agreement
from .consensus import Consensus, consensus
from .domain import Domain
from .inputs import ContourInput
from .lesion_matching import MatchedLesion, ReaderLesions, match_lesions, merged


@dataclass(frozen=True, eq=False)
class LesionConsensus:
    """One place in the patient. consensus: None with the reason in `refused`."""

    match: MatchedLesion
    not_found_by: tuple[str, ...]
    consensus: Consensus | None
    refused: str | None


@dataclass(frozen=True, eq=False)
class LesionAgreement:
    """One place in the patient. agreement: None where only one reader found the lesion."""

    match: MatchedLesion
    not_found_by: tuple[str, ...]
    agreement: Agreement | None


@dataclass(frozen=True, eq=False)
class PatientAgreement:
    """Lesions one by one, all of them together, and how many each reader found.

    whole: agreement of each reader's lesions taken as one contour; None with fewer than two readers that
    found any. found: lesions by reader.
    """

    lesions: tuple[LesionAgreement, ...]
    whole: Agreement | None
    found: dict[str, int]

    @property
    def by_one_reader_only(self) -> tuple[LesionAgreement, ...]:
        return tuple(lesion for lesion in self.lesions if lesion.match.only_reader is not None)


def patient_consensus(
    readers: Sequence[ReaderLesions],
    method: str,
    *,
    domain: Domain | None = None,
    at_least: int = 2,
    weigh_families: bool = False,
    pet: Image | None = None,
    smallest_overlap: float = 0.0,
    progress: Progress = no_progress,
) -> tuple[LesionConsensus, ...]:
    """A consensus of every lesion among the readers who found it; the others are named.

    A lesion found by too few readers for the method is listed with the method's reason. Parameters as
    for `consensus` and `match_lesions`. Raises what those raise when no lesion can be fused.
    """
    check_readers(readers)
    matches = match_lesions(readers, smallest_overlap)
    if not matches:
        raise ConsensusError("No reader has any lesion; give contours that are not empty.")
    stage = Stage(progress)
    answers = []
    for number, match in enumerate(matches):
        stage.report(number / len(matches), f"fusing {number + 1} of {len(matches)}")
        fused, refused = None, None
        try:
            fused = consensus(
                inputs_of(match, readers),
                method,
                domain=domain,
                at_least=at_least,
                weigh_families=weigh_families,
                pet=pet,
            )
        except ConsensusError as error:
            refused = str(error)
        answers.append(LesionConsensus(match, _missing(match, readers), fused, refused))
    if all(answer.consensus is None for answer in answers):
        raise ConsensusError(answers[0].refused)
    return tuple(answers)


def patient_agreement(
    readers: Sequence[ReaderLesions],
    *,
    domain: Domain | None = None,
    tolerances_mm: Sequence[float] = DEFAULT_TOLERANCES_MM,
    smallest_overlap: float = 0.0,
) -> PatientAgreement:
    """Agreement of readers lesion by lesion, and over the whole patient."""
    check_readers(readers)
    lesions = []
    for match in match_lesions(readers, smallest_overlap):
        compared = None
        if match.only_reader is None:
            compared = agreement(inputs_of(match, readers), domain=domain, tolerances_mm=tolerances_mm)
        lesions.append(LesionAgreement(match, _missing(match, readers), compared))
    filled = [(r, [m for m in r.lesions if not m.is_empty]) for r in readers]
    everything = [
        ContourInput(r.reader, merged(masks), r.family, r.frame_of_reference_uid)
        for r, masks in filled
        if masks
    ]
    whole = None
    if len(everything) > 1:
        # Their crops need not touch: readers may have found nothing in common.
        whole = agreement(everything, domain=domain, tolerances_mm=tolerances_mm, crops_may_differ=True)
    return PatientAgreement(tuple(lesions), whole, {r.reader: len(masks) for r, masks in filled})


def inputs_of(match: MatchedLesion, readers: Sequence[ReaderLesions]) -> tuple[ContourInput, ...]:
    """The contours of one place, one per reader that found it."""
    return tuple(
        ContourInput(
            r.reader,
            merged([r.lesions[n] for n in match.members[r.reader]]),
            r.family,
            r.frame_of_reference_uid,
        )
        for r in readers
        if r.reader in match.members
    )


def check_readers(readers: Sequence[ReaderLesions]) -> None:
    """Raise FrameOfReferenceError when two readers' lesions lie in different frames of reference."""
    framed = [r for r in readers if r.frame_of_reference_uid]
    for other in framed[1:]:
        if other.frame_of_reference_uid != framed[0].frame_of_reference_uid:
            raise FrameOfReferenceError(
                f"{other.reader} lies in another frame of reference than {framed[0].reader}; "
                "register it and bring it to the same frame first."
            )


def _missing(match: MatchedLesion, readers: Sequence[ReaderLesions]) -> tuple[str, ...]:
    return tuple(r.reader for r in readers if r.reader not in match.members)
