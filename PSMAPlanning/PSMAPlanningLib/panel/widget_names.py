"""Which widgets of the .ui file belong to which action and to which node of the view state."""

from __future__ import annotations

from .view_state import Action

PARAMETERS = {
    "pet": "pet",
    "ct": "ct",
    "planningCt": "planning_ct",
    "petToPlanning": "transform",
    "rtVolumes": "volumes",
}
"""Names in PanelParameters, and of the nodes in the view state."""
WIDGETS: dict[Action, tuple[str, ...]] = {
    Action.CHOOSE: ("petSelector", "ctSelector", "rtVolumesSelector"),
    Action.LOAD_FOLDER: ("loadFolderButton",),
    Action.ENTER_SUV: ("dismissSuvButton",),
    Action.CONVERT: ("convertButton",),
    Action.CONFIRM_PATIENT: ("confirmPatientButton",),
    Action.REGISTER: ("planningCtSelector", "transformSelector"),
    Action.REGISTER_BONE: ("registerBoneButton",),
    Action.STATE_UNCERTAINTY: (
        "overallUncertaintySpinBox",
        "bedUncertaintySpinBox",
        "nodesUncertaintySpinBox",
    ),
    Action.STATE_FACTS: (
        "psaSpinBox",
        "adtComboBox",
        "marginsComboBox",
        "ptThreeBComboBox",
        "priorRadiotherapyComboBox",
    ),
    Action.CHOOSE_RULES: ("rulesListWidget", "consensusMethodComboBox"),
    Action.CONTOUR: ("contourButton",),
    Action.LOAD_SAMPLE: ("sampleCaseButton",),
    Action.SET_DETECTION: ("detectionThresholdSliderWidget", "minimumVolumeSpinBox"),
    Action.FIND: ("findLesionsButton",),
    Action.CANCEL: ("cancelButton",),
    Action.SELECT: ("lesionTable", "coverageTable"),
    Action.ACCEPT: ("acceptLesionButton",),
    Action.REJECT: ("rejectLesionButton", "rejectionReasonLineEdit"),
    Action.EDIT: ("editLesionButton",),
    Action.UNDO: ("undoButton",),
    Action.REDO: ("redoButton",),
    Action.SAVE: ("scenePathLineEdit", "saveSceneButton"),
}
