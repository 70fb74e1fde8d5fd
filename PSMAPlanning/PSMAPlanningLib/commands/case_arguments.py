"""Options that tell how the images of a case lie to each other, whose they are, and what else is known."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from ..clinical_facts import ClinicalFacts, yes_no_or_details
from ..imaging.transform_file import DIRECTIONS, ITK_SUFFIXES
from .pet_arguments import existing

_FRAMES = ("pet", "planning")
_YES_NO = {"yes": True, "no": False}


def add_registration_arguments(parser: argparse.ArgumentParser) -> None:
    """The planning CT and how the PET lies to it."""
    group = parser.add_argument_group(
        "planning CT and registration (PET, its CT and organs drawn on them are moved to the planning CT, "
        "never resampled)"
    )
    group.add_argument("--planning-ct", type=existing, metavar="D", help="the CT that the volumes belong to")
    group.add_argument("--planning-ct-series", metavar="UID", help="series to read when D holds several CTs")
    group.add_argument(
        "--transform",
        type=existing,
        metavar="T",
        help=f"rigid transform: ITK or Slicer file ({' '.join(ITK_SUFFIXES)}) with --transform-direction, or "
        "a DICOM Spatial Registration, which says by its frames of reference what goes where",
    )
    group.add_argument(
        "--transform-direction",
        choices=DIRECTIONS,
        help="which image the transform carries onto which. pet-to-planning: the PET onto the planning CT, "
        "as from a registration with the planning CT fixed and the PET/CT moving, or the Slicer transform "
        "that the PET was put under. The numbers in such files run the other way: ITK maps points of "
        "the output (fixed) image to the input (moving) one, and Slicer stores the transform from parent; "
        "that is taken care of. planning-to-pet: the other way round",
    )
    group.add_argument(
        "--register-bone",
        action="store_true",
        help="register the CT of the PET/CT to the planning CT on bone, rigidly; look at the residual",
    )
    group.add_argument(
        "--uncertainty-mm",
        type=float,
        metavar="U",
        help="registration uncertainty between PET and volumes; not stated is not zero",
    )
    group.add_argument(
        "--uncertainty-bed-mm",
        type=float,
        metavar="U",
        help="the same for the prostate bed, which moves with bladder and rectum (default: U)",
    )
    group.add_argument(
        "--uncertainty-nodes-mm", type=float, metavar="U", help="the same for nodes and bone (default: U)"
    )
    group.add_argument(
        "--volumes-frame",
        choices=_FRAMES,
        help="on which images label maps given with --volumes were drawn, where they do not tell",
    )
    group.add_argument(
        "--anatomy-frame",
        choices=_FRAMES,
        help="on which images the organs of --anatomy were drawn, where they do not tell",
    )


def add_patient_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose files these are, and the clinical facts."""
    group = parser.add_argument_group("patient (all optional; what is not given stays not known)")
    group.add_argument(
        "--confirm-same-patient",
        nargs="?",
        const="",
        metavar="WHO",
        help="WHO (default: your account) confirms that all files are one patient's although patient ID, "
        "name or birth date differ; kept in the case",
    )
    group.add_argument("--psa-ng-ml", type=float, metavar="PSA", help="PSA at the time of the PET, ng/mL")
    group.add_argument(
        "--adt",
        metavar="yes|no|DETAILS",
        help="androgen deprivation at the time of the PET: yes, no, or what",
    )
    group.add_argument("--adt-since", metavar="DATE", help="2025-06-01, 2025-06 or 2025")
    group.add_argument("--margins", choices=("R0", "R1"), help="surgical margins")
    group.add_argument("--pt3b", choices=tuple(_YES_NO), help="seminal vesicle invasion in the specimen")
    group.add_argument(
        "--prior-radiotherapy", metavar="yes|no|DETAILS", help="yes, no, or where, how much and when"
    )


def registration_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of CaseFiles."""
    return {
        "planning_ct": arguments.planning_ct,
        "planning_ct_series_uid": arguments.planning_ct_series,
        "transform": arguments.transform,
        "transform_direction": arguments.transform_direction,
        "register_bone": arguments.register_bone,
        "uncertainty_mm": arguments.uncertainty_mm,
        "uncertainty_bed_mm": arguments.uncertainty_bed_mm,
        "uncertainty_nodes_mm": arguments.uncertainty_nodes_mm,
        "volumes_frame": arguments.volumes_frame,
        "anatomy_frame": arguments.anatomy_frame,
    }


def patient_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of CaseFiles."""
    adt, adt_details = yes_no_or_details(arguments.adt, "--adt")
    prior, prior_details = yes_no_or_details(arguments.prior_radiotherapy, "--prior-radiotherapy")
    return {
        "confirmed_by": _confirming(arguments.confirm_same_patient),
        "clinical": ClinicalFacts(
            psa_ng_ml=arguments.psa_ng_ml,
            adt=adt if adt is not None or arguments.adt_since is None else True,
            adt_since=arguments.adt_since,
            adt_details=adt_details,
            margins=arguments.margins,
            pt3b=_YES_NO.get(arguments.pt3b),
            prior_radiotherapy=prior,
            prior_radiotherapy_details=prior_details,
        ),
    }


def _confirming(who: str | None) -> str | None:
    """Who confirms; the account that runs the command when the option stands alone."""
    if who != "":
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # No account name, as in some containers; Python 3.13 raises OSError, earlier ones KeyError.
        return "user of the command line"
