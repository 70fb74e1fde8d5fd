"""The Patient section's steps for the Python console."""

from __future__ import annotations

import typing
from pathlib import Path

from .console import ConsoleSteps


class PatientSteps(ConsoleSteps):
    """Images, their SUV, registration and clinical facts."""

    def loadSampleCase(self, variant: str = "full", seed: int = 1) -> list[typing.Any]:
        """Make the digital patient; variant "small" is coarser and quicker. Returns the PET and CT nodes."""
        self._do(self.session.presenter.load_sample_case, variant, seed)
        nodes = self.session.presenter.view.nodes
        return [nodes["pet"], nodes["ct"]]

    def setInputs(self, pet: typing.Any, ct: typing.Any = None, volumes: typing.Any = None) -> None:
        """Take volume nodes as PET (SUVbw) and CT, and a segmentation node as RT volumes."""
        presenter = self.session.presenter
        self._do(presenter.choose_pet, pet)
        self._require_suv()
        self._do(presenter.choose_ct, ct)
        self._do(presenter.choose_volumes, volumes)

    def suvForm(self) -> dict[str, str]:
        """What the SUV of the PET being asked for needs, by name: the text so far, empty when missing."""
        form = self.session.presenter.view.suv_form
        rows = () if form is None else form.rows
        return {row.name.replace("dose_bq", "dose_mbq"): row.text for row in rows}

    def convertPet(self, node: typing.Any, **values: typing.Any) -> None:
        """Convert a volume node to SUVbw in place with values by name (see suvForm) and take it as the PET.

        convertPet(node, weight_kg=80, dose_mbq=200, half_life_s=6584, tracer="PSMA-11")
        """
        presenter = self.session.presenter
        self._do(presenter.choose_pet, node)
        for name, value in values.items():
            self._do(presenter.enter_suv, name.replace("dose_mbq", "dose_bq"), str(value))
        if not presenter.view.suv_form.can_convert:
            self._require_suv()
        self._do(presenter.convert_pet)

    def loadFolder(self, folder: str) -> None:
        """Read PET, CT and structure sets of a DICOM folder; raises when the header does not tell the SUV."""
        self._do(self.session.presenter.load_folder, Path(folder))
        self._require_suv()

    def confirmSamePatient(self) -> None:
        """Say that files are one patient's although their headers differ; then what was refused is done."""
        self._do(self.session.presenter.confirm_same_patient)

    def setPlanningCt(self, node: typing.Any, transform: typing.Any = None) -> None:
        """Take a volume node as planning CT, and a linear transform node that moves the PET onto it."""
        presenter = self.session.presenter
        if transform is not None:
            self._do(presenter.choose_transform, transform)
        self._do(presenter.choose_planning_ct, node)

    def registerOnBone(self) -> float | None:
        """Move the PET onto the planning CT by the bones; returns the distance that remains, in mm."""
        self._do(self.session.presenter.register_on_bone)
        return self.case.state.registration.residual_mm

    def setUncertainty(
        self, overallMm: float | None, bedMm: float | None = None, nodesMm: float | None = None
    ) -> None:
        """State how uncertain the registration is, in mm; None is not stated, which is not zero."""
        self._do(self.session.presenter.state_uncertainty, overallMm, bedMm, nodesMm)

    def setClinicalFacts(self, **facts: typing.Any) -> None:
        """psa_ng_ml, adt, adt_since, margins, pt3b, prior_radiotherapy and details; None is not known."""
        presenter = self.session.presenter
        self._do(lambda: presenter.state_facts(**facts))

    def _require_suv(self) -> None:
        form = self.session.presenter.view.suv_form
        if form is not None:
            wrong = [row.problem for row in form.rows if row.problem]
            missing = ", ".join(name.replace("dose_bq", "dose_mbq") for name in form.needed)
            why = " ".join(wrong) or form.problem or f"missing: {missing or 'nothing; call convertPet'}."
            raise ValueError(f"The PET is not in SUV yet; {why}")
