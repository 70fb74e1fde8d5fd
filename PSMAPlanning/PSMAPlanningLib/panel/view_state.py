"""What the panel shows at one moment, in codes and numbers; the Qt side puts it into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


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


class Reason(str, Enum):
    """Why something cannot be done now."""

    BUSY = "busy"
    NOT_BUSY = "not_busy"
    NO_PET = "no_pet"
    NO_LESIONS = "no_lesions"
    NO_SELECTION = "no_selection"
    NO_CASE = "no_case"
    NOTHING_TO_UNDO = "nothing_to_undo"
    NOTHING_TO_REDO = "nothing_to_redo"


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


@dataclass(frozen=True)
class Message:
    """One thing said; `text` is a sentence, a file, a reason code or role names, by the notice."""

    notice: Notice = Notice.NOTHING
    text: str = ""
    count: int = 0

    @property
    def is_error(self) -> bool:
        return self.notice in (Notice.ERROR, Notice.REFUSED, Notice.OUTDATED)


@dataclass(frozen=True)
class VolumeCoverage:
    """One lesion against one volume; None where there is nothing to measure."""

    volume: str
    kind: str | None
    coverage_class: str | None
    fraction: float | None
    distance_mm: float | None


@dataclass(frozen=True)
class LesionRow:
    """One line of the lesion table. color_key: of `scene.appearance.COVERAGE_COLORS`."""

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


@dataclass(frozen=True)
class Progress:
    """How far running work is: fraction from 0 to 1, and what it does."""

    fraction: float
    doing: str


@dataclass(frozen=True)
class ViewState:
    """Everything the panel shows.

    blocked: the reason for each action that cannot be done now; what is not in it can.
    nodes: the MRML node shown as chosen, by "pet", "ct" and "volumes"; None when there is none.
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

    def can(self, action: Action) -> bool:
        return action not in self.blocked

    @property
    def is_busy(self) -> bool:
        return self.progress is not None

    @property
    def coverage_rows(self) -> tuple[tuple[LesionRow, VolumeCoverage], ...]:
        """One entry per lesion and volume, for the coverage table."""
        return tuple((row, cell) for row in self.lesions for cell in row.coverage)
