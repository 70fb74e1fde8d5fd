"""What can go wrong, one type per cause. Each message is one plain sentence that names the remedy.

The panel shows the message, the command line prints it and exits with status 2.
"""

from __future__ import annotations


class PlanningError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(PlanningError):
    """A file or folder that cannot be used as what it was given for."""


class DicomError(InputError):
    """A DICOM series that is incomplete, inconsistent or of the wrong kind."""


class SeriesChoiceError(InputError):
    """More than one series fits; the user must choose."""


class UnitsError(PlanningError):
    """Uptake whose units are unknown or of a kind that has no SUV."""


class SuvHeaderError(PlanningError):
    """A value needed for SUV is missing, impossible or contradictory."""


class GridError(PlanningError):
    """Voxel geometry that is impossible, or geometries that do not fit together."""


class FrameOfReferenceError(PlanningError):
    """Objects in different frames of reference, without a registration between them."""


class NoUptakeError(PlanningError):
    """A PET in which nothing is above zero."""


class SettingsError(PlanningError):
    """A setting that is out of range, of the wrong type, or from a newer version."""


class RuleError(PlanningError):
    """A delineation rule that does not exist or was given a parameter it does not have."""


class ConsensusError(PlanningError):
    """Contours that cannot be fused."""


class CaseError(PlanningError):
    """An action that the case, as it stands, does not allow."""


class OutputError(PlanningError):
    """A result that cannot be written where it was asked for."""


class CancelledError(PlanningError):
    """The user cancelled; nothing was changed."""


class SceneError(PlanningError):
    """MRML refused something; Slicer reports this as a return value, we as an error."""


class PhantomError(PlanningError):
    """Parameters from which no digital patient can be made."""


class MissingExtraError(PlanningError):
    """An optional package is not installed; the message names it."""
