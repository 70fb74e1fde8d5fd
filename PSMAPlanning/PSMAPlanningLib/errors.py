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


class RegistrationError(PlanningError):
    """A registration that is not rigid, cannot be read, or did not bring the images together."""


class PatientMismatchError(PlanningError):
    """Files whose headers name different patients, until somebody confirms that they are one.

    The message says which attributes differ between which files, never their values.
    """


class ClinicalFactsError(PlanningError):
    """A clinical fact that cannot be."""


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


class GuidelineError(PlanningError):
    """A contouring guideline that does not exist, or a guideline file that says something impossible."""


class LandmarkError(PlanningError):
    """A landmark that a volume needs is missing, outside the image, or contradicts another one."""


class GenerationError(PlanningError):
    """Anatomy from which a volume cannot be generated."""


class PhantomError(PlanningError):
    """Parameters from which no digital patient can be made."""


class MissingExtraError(PlanningError):
    """An optional package is not installed; the message names it."""


class MarginError(PlanningError):
    """A margin that cannot be made as it was asked for."""


class PrescriptionError(PlanningError):
    """A dose or number of fractions that no prescription has."""


class RegionError(PlanningError):
    """A lesion's region that does not exist or is stated without what it needs."""


class DoseError(PlanningError):
    """A dose distribution that cannot be used: relative, in parts, or on no regular grid."""


class ConstraintError(PlanningError):
    """A table of dose constraints that cannot be read or says something impossible."""


class ExportError(PlanningError):
    """A structure set that must not leave: the check before export found errors."""
