"""The patient's result of a case: its lesions, targets, anatomy and registration put to the coverage room."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from .coverage.lesion_coverage import CoverageCache
from .coverage.patient_result import PatientFacts, PatientLesion, PatientResult, Target, patient_result
from .coverage.regions import RegionAssignment
from .coverage.regions_anatomy import RegionAnatomy
from .coverage.regions_assign import assign_region
from .errors import RuleError
from .imaging.image import Mask
from .lesion_facts import facts_of
from .records import MADE_FROM_LESIONS, CaseState, Lesion, LesionState, RtVolume
from .settings import RegionSettings

_CLINICAL_KINDS = ("CTV", "ITV")


class CasePatient:
    """Works out the patient's result; keeps what it needs again for as long as its inputs live."""

    def __init__(self, cache: CoverageCache) -> None:
        self._cache = cache
        self._result: tuple[CaseState, PatientResult] | None = None
        self._anatomy: tuple[object, object, RegionAnatomy] | None = None
        self._regions: WeakKeyDictionary[Mask, dict[RegionSettings, RegionAssignment]] = WeakKeyDictionary()

    def result(self, state: CaseState) -> PatientResult:
        """The result of a state, worked out once."""
        known = self._result
        if known is None or known[0] is not state:
            # Not read back from `self`: another thread may have put another state's there meanwhile.
            known = self._result = state, self._worked_out(state)
        return known[1]

    def regions(self, state: CaseState) -> dict[str, RegionAssignment]:
        """Every lesion's region by id: what somebody stated, else what the anatomy tells."""
        return {
            lesion.id: lesion.stated_region or self._found_region(lesion, state)
            for lesion in state.lesions
            if lesion.stated_region is not None or not lesion.contour.mask.is_empty
        }

    def known_regions(self, state: CaseState) -> dict[str, RegionAssignment]:
        """Those regions that were stated or are worked out already; reading the anatomy can take seconds."""
        anatomy = self._anatomy
        is_read = anatomy is not None and anatomy[0] is state.anatomy and anatomy[1] is state.landmarks
        known = {}
        for lesion in state.lesions:
            found = self._regions.get(lesion.contour.mask, {}) if is_read else {}
            region = lesion.stated_region or found.get(state.settings.regions)
            if region is not None:
                known[lesion.id] = region
        return known

    def _found_region(self, lesion: Lesion, state: CaseState) -> RegionAssignment:
        anatomy = self._anatomy_of(state)
        by_settings = self._regions.setdefault(lesion.contour.mask, {})
        if state.settings.regions not in by_settings:
            by_settings[state.settings.regions] = assign_region(
                lesion.contour.mask, anatomy, state.settings.regions
            )
        return by_settings[state.settings.regions]

    def _anatomy_of(self, state: CaseState) -> RegionAnatomy:
        known = self._anatomy
        if known is None or known[0] is not state.anatomy or known[1] is not state.landmarks:
            known = (state.anatomy, state.landmarks, RegionAnatomy(state.anatomy, state.landmarks))
            self._anatomy = known
            self._regions.clear()
        return known[2]

    def _worked_out(self, state: CaseState) -> PatientResult:
        facts = PatientFacts(
            structures=state.anatomy,
            tracer=state.suv.tracer_facts if state.suv else None,
            reference_suv={name: region.mean for name, region in state.references.items()},
            bed_uncertainty_mm=state.registration.bed_uncertainty_mm,
            nodes_uncertainty_mm=state.registration.nodes_uncertainty_mm,
        )
        return patient_result(
            [patient_lesion(lesion, state) for lesion in state.lesions],
            [target for volume in state.volumes if (target := target_of(volume)) is not None],
            self.regions(state),
            facts,
            state.settings.coverage,
            state.settings.regions,
            self._cache,
        )


def target_of(volume: RtVolume) -> Target | None:
    """A case's volume as a target; None for organs, GTVs, and what was drawn around the lesions."""
    if volume.role in MADE_FROM_LESIONS:
        return None
    if volume.kind in _CLINICAL_KINDS:
        return Target(volume.name, volume.filled, "CTV", volume.unverified)
    if volume.kind == "PTV":
        return Target(volume.name, volume.filled, "PTV", volume.unverified)
    return None


def patient_lesion(lesion: Lesion, state: CaseState) -> PatientLesion:
    """A case's lesion as the patient's result needs it."""
    try:
        facts = facts_of(lesion, state)
    except RuleError:
        # Drawn outside the PET: it has a place and no uptake.
        facts = None
    return PatientLesion(
        lesion.id,
        lesion.contour.mask,
        lesion.region.peak_ras,
        lesion.state is LesionState.ACCEPTED,
        lesion.state is LesionState.REJECTED,
        None if facts is None else facts.suv_mean,
    )
