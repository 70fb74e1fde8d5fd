"""What the panel shows at one moment, in codes and numbers; the Qt side puts it into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..clinical_facts import ClinicalFacts
from ..records import Change, Registration
from .contours_view import ContoursView, ThresholdPreview
from .plan_view import PlanView
from .suv_entry import SuvFormView
from .views_view import ViewsView
from .volumes_view import VolumesView


class Action(str, Enum):
    """What a person can do in the panel."""

    CHOOSE = "choose"
    LOAD_SAMPLE = "load_sample"
    SET_DETECTION = "set_detection"
    FIND = "find"
    CANCEL = "cancel"
    SELECT = "select"
    ACCEPT = "accept"
    REJECT = "reject"
    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"
    SAVE = "save"
    WHAT_IF = "what_if"
    LOAD_DOSE = "load_dose"
    COMPARE_DOSE = "compare_dose"
    CLEAR_DOSE = "clear_dose"
    PRESCRIBE = "prescribe"
    CHOOSE_CONSTRAINTS = "choose_constraints"
    EXPORT = "export"
    LOAD_FOLDER = "load_folder"
    ENTER_SUV = "enter_suv"
    CONVERT = "convert"
    CONFIRM_PATIENT = "confirm_patient"
    REGISTER = "register"
    REGISTER_BONE = "register_bone"
    STATE_UNCERTAINTY = "state_uncertainty"
    STATE_FACTS = "state_facts"
    CHOOSE_RULES = "choose_rules"
    CONTOUR = "contour"
    IMPORT_VOLUMES = "import_volumes"
    NAME_VOLUME = "name_volume"
    CONFIRM_NAMES = "confirm_names"
    REMOVE_VOLUME = "remove_volume"
    STATE_MARGINS = "state_margins"
    GROW = "grow"
    BOOST = "boost"
    TAKE_ORGANS = "take_organs"
    FIND_LANDMARKS = "find_landmarks"
    MOVE_LANDMARK = "move_landmark"
    PLACE = "place"
    CHOOSE_GUIDELINE = "choose_guideline"
    GENERATE_NODES = "generate_nodes"
    GENERATE_BED = "generate_bed"
    DRAW = "draw"
    LEAVE_UNDECIDED = "leave_undecided"
    MERGE = "merge"
    SPLIT = "split"
    DELETE_LESION = "delete_lesion"
    STATE_REGION = "state_region"
    ADD_LESION = "add_lesion"
    PLACE_REFERENCE = "place_reference"
    CHOOSE_CONTOUR = "choose_contour"
    SET_LESION_THRESHOLD = "set_lesion_threshold"
    GROW_BY_CLICK = "grow_by_click"


class Reason(str, Enum):
    """Why something cannot be done now."""

    BUSY = "busy"
    NOT_BUSY = "not_busy"
    NO_PET = "no_pet"
    NO_LESIONS = "no_lesions"
    NO_SELECTION = "no_selection"
    NO_CASE = "no_case"
    NO_DOSE = "no_dose"
    NO_TARGETS = "no_targets"
    NOTHING_TO_UNDO = "nothing_to_undo"
    NOTHING_TO_REDO = "nothing_to_redo"
    NO_FORM = "no_form"
    SUV_INCOMPLETE = "suv_incomplete"
    NO_MISMATCH = "no_mismatch"
    NO_TWO_CTS = "no_two_cts"
    NO_VOLUMES = "no_volumes"
    NO_VOLUME_SELECTED = "no_volume_selected"
    NOTHING_ASKED = "nothing_asked"
    NOT_CLINICAL = "not_clinical"
    MARGINS_INCOMPLETE = "margins_incomplete"
    NO_ACCEPTED = "no_accepted"
    BOOST_INCOMPLETE = "boost_incomplete"
    NO_ORGANS = "no_organs"
    NO_LANDMARKS = "no_landmarks"
    NO_BED_LANDMARKS = "no_bed_landmarks"


class Notice(str, Enum):
    """What there is to say. ERROR carries a sentence of its own; the others are put into words by code."""

    NOTHING = "nothing"
    ERROR = "error"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    OUTDATED = "outdated"
    LOADED = "loaded"
    FOUND = "found"
    NODES_REMOVED = "nodes_removed"
    RESTORED = "restored"
    SAVED = "saved"
    COMPARED = "compared"
    DOSE_LOADED = "dose_loaded"
    EXPORTED = "exported"
    STUDY_LOADED = "study_loaded"
    MISMATCH = "mismatch"
    SUV_ASKED = "suv_asked"
    CONVERTED = "converted"
    REGISTERED = "registered"
    CONTOURED = "contoured"
    REVISED = "revised"
    WAITS_FOR_TRANSFORM = "waits_for_transform"


@dataclass(frozen=True)
class Message:
    """One thing said; `text` is a sentence, a file, a reason code or role names, by the notice."""

    notice: Notice = Notice.NOTHING
    text: str = ""
    count: int = 0

    @property
    def is_error(self) -> bool:
        return self.notice in (Notice.ERROR, Notice.REFUSED, Notice.OUTDATED, Notice.MISMATCH)


@dataclass(frozen=True)
class VolumeCoverage:
    """One lesion against one volume; None where there is nothing to measure.

    margin_mm: how far the volume would have to grow to take in all of the lesion; direction: where to.
    """

    volume: str
    kind: str | None
    coverage_class: str | None
    fraction: float | None
    distance_mm: float | None
    fraction_bounds: tuple[float, float] | None = None
    is_covered: bool = False
    margin_mm: float | None = None
    direction: str = ""


@dataclass(frozen=True)
class LesionRow:
    """One line of the lesion table. color_key: of `scene.appearance.COVERAGE_COLORS`.

    record: what happened to the lesion, by whom and when.
    region, region_side, region_structure: codes; region None where nobody can tell.
    is_region_open: whether it is still worked out. is_region_stated: whether a person said it.
    missing_mm: how far the nearest headline volume would have to grow to take the lesion in; None where there
    is none.
    """

    id: str
    state: str
    region_class: str
    region_reason: str | None
    volume_ml: float
    suv_max: float
    color_key: str
    is_hand_edited: bool
    rejection_reason: str | None
    coverage: tuple[VolumeCoverage, ...]
    interval_ml: tuple[float, float] | None = None
    suv_peak: float | None = None
    flags: tuple[str, ...] = ()
    region: str | None = None
    region_side: str | None = None
    region_structure: str | None = None
    is_region_open: bool = False
    is_region_stated: bool = False
    is_added_by_hand: bool = False
    record: tuple[Change, ...] = ()
    contour_source: str = ""
    threshold_suv: float | None = None
    missing_mm: float | None = None
    missing_direction: str = ""
    missing_volume: str = ""

    @property
    def is_decided(self) -> bool:
        return self.state in ("accepted", "rejected")


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit card: what, its value, and where that came from, empty when it is no question."""

    key: str
    value: Any
    source: str = ""


@dataclass(frozen=True)
class RuleChoice:
    """One rule that lesions can be contoured by; `verified` when its primary text was read."""

    name: str
    formula: str
    citation: str
    verified: bool
    is_chosen: bool


@dataclass(frozen=True)
class Preview:
    """What a threshold would find: how many regions of at least the smallest volume, and their volume."""

    threshold_suv: float
    regions: int
    volume_ml: float


@dataclass(frozen=True)
class Progress:
    """How far running work is: fraction from 0 to 1, and what it does."""

    fraction: float
    doing: str


@dataclass(frozen=True)
class ViewState:
    """Everything the panel shows.

    blocked: the reason for each action that cannot be done now; what is not in it can.
    nodes: the MRML node shown as chosen, by "pet", "ct", "volumes", "planning_ct" and "transform"; None when
        there is none.
    suv_form: the form for the SUV of a PET that is none yet. mismatch: what differs between the files of a
        folder that nobody confirmed to be one patient's. audit: where the case's numbers come from.
    """

    blocked: Mapping[Action, Reason]
    nodes: Mapping[str, Any]
    detection_threshold_suv: float
    minimum_volume_ml: float
    lesions: tuple[LesionRow, ...] = ()
    selected: str | None = None
    edited: str | None = None
    edit_node: Any | None = None
    undo_name: str | None = None
    redo_name: str | None = None
    progress: Progress | None = None
    message: Message = Message()
    warnings: tuple[str, ...] = ()
    is_reviewed: bool = False
    suv_form: SuvFormView | None = None
    mismatch: str | None = None
    audit: tuple[AuditRow, ...] = ()
    audit_warnings: tuple[str, ...] = ()
    registration: Registration = field(default_factory=Registration)
    clinical: ClinicalFacts = field(default_factory=ClinicalFacts)
    rules: tuple[RuleChoice, ...] = ()
    consensus_method: str = "majority"
    preview: Preview | None = None
    contours: ContoursView = field(default_factory=ContoursView)
    threshold_preview: ThresholdPreview | None = None
    plan: PlanView = field(default_factory=PlanView)
    views: ViewsView = field(default_factory=ViewsView)
    rt: VolumesView = field(default_factory=VolumesView)

    def can(self, action: Action) -> bool:
        return action not in self.blocked

    @property
    def is_busy(self) -> bool:
        return self.progress is not None

    @property
    def coverage_rows(self) -> tuple[tuple[LesionRow, VolumeCoverage], ...]:
        """One entry per lesion and volume, for the coverage table."""
        return tuple((row, cell) for row in self.lesions for cell in row.coverage)
