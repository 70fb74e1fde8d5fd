"""The RT volumes section's steps for the Python console."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

from .console import ConsoleSteps


class VolumeSteps(ConsoleSteps):
    """Importing, naming, growing, generating and drawing radiotherapy volumes."""

    def importVolumes(self, *paths: str, frame: str | None = None) -> list[str]:
        """Import RTSTRUCT, DICOM SEG or label maps (files or folders); returns the names of all volumes.

        frame: "pet" or "planning", for files that carry no frame of reference.
        """
        presenter = self.session.presenter
        self._do(lambda: presenter.import_volumes([Path(path) for path in paths], frame))
        return [row.name for row in presenter.view.rt.rows]

    def volumeTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per volume: name, use, TG-263 name, what told it, whether it asks, volume in mL."""
        return [
            {
                "name": row.name,
                "use": row.use,
                "tg263": row.tg263,
                "matched_by": row.matched_by,
                "asks": row.asks,
                "volume_ml": row.volume_ml,
                "origin": row.origin,
                "unverified": row.unverified,
            }
            for row in self.session.presenter.view.rt.rows
        ]

    def volumeNotes(self) -> list[str]:
        """What was said about the last import, margin, boost or proposal, structure by structure."""
        return list(self.session.presenter.view.rt.notes[1:])

    def useVolume(self, name: str, use: str, tg263: str | None = None) -> None:
        """Say what a volume is: ctv_bed, ctv_nodes, ctv_other, ptv_bed, ptv_nodes, ptv_other, boost, lesion,
        organ, external or ignored; and its TG-263 name."""
        presenter = self.session.presenter
        self._do(presenter.use_volume, name, use)
        if tg263 is not None:
            self._do(presenter.name_volume, name, tg263)

    def confirmVolumeNames(self) -> None:
        """Confirm what is proposed for every structure that asks."""
        self._do(self.session.presenter.confirm_names)

    def removeVolume(self, name: str) -> None:
        """Take a volume out of the case."""
        self._do(self.session.presenter.remove_volume, name)

    def makePtv(
        self,
        name: str,
        marginsMm: Sequence[float] | None = None,
        cropBy: Sequence[str] = (),
        cropMarginMm: float = 0.0,
        marginFile: str | None = None,
    ) -> str:
        """Grow a volume to a PTV and crop it by organs; returns its name.

        marginsMm: right, left, anterior, posterior, superior, inferior; or marginFile: an institution's JSON.
        """
        presenter = self.session.presenter
        self._do(presenter.select_volume, name)
        if marginsMm is not None:
            self._do(presenter.state_margins, marginsMm)
        if marginFile is not None:
            self._do(presenter.read_margins, Path(marginFile))
        self._do(presenter.crop_by, cropBy, cropMarginMm)
        self._do(presenter.make_planning_target, name)
        return presenter.view.rt.rows[-1].name

    def makeBoosts(
        self,
        toCtvMm: float,
        toPtvMm: float,
        cropBy: Sequence[str] = (),
        cropMarginMm: float = 0.0,
    ) -> list[str]:
        """CTV and PTV around each accepted lesion, margins in mm; returns what was said, crops in mL."""
        presenter = self.session.presenter
        self._do(presenter.crop_by, cropBy, cropMarginMm)
        self._do(presenter.state_boost_margins, toCtvMm, toPtvMm)
        self._do(presenter.make_boosts)
        return self.volumeNotes()

    def prescriptionTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per target: dose_gy, fractions, their source, and eqd2_gy by alpha/beta in Gy.

        None is not stated; `prescribe` states it.
        """
        rt = self.session.presenter.view.rt
        return [
            {
                "volume": row.volume,
                "dose_gy": row.dose_gy,
                "fractions": row.fractions,
                "source": row.source,
                "eqd2_gy": None
                if row.eqd2_gy is None
                else dict(zip(rt.alpha_beta_gy, row.eqd2_gy, strict=True)),
            }
            for row in rt.prescriptions
        ]

    def stateAlphaBeta(self, targetGy: float, lateGy: float) -> None:
        """State the alpha/beta in Gy, of targets and of late reactions, that EQD2 is told with."""
        self._do(self.session.presenter.state_alpha_beta, targetGy, lateGy)

    def takeOrgans(self, node: typing.Any, nameTable: str | None = None) -> int:
        """Take organ masks from a segmentation node; returns how many. nameTable: a JSON file of names."""
        presenter = self.session.presenter
        self._do(presenter.take_organs, node, None if nameTable is None else Path(nameTable))
        return len(self.case.state.anatomy)

    def findLandmarks(self) -> dict[str, float | None]:
        """Find the landmarks and show their planes; returns S in mm by name, None where one is missing."""
        presenter = self.session.presenter
        self._do(presenter.find_landmarks)
        return {row.name: row.superior_mm for row in presenter.view.rt.landmarks}

    def showLandmarks(self, isWanted: bool = True) -> None:
        """Show the landmarks in the views as planes and points that can be dragged, or take them away."""
        self._do(self.session.presenter.show_landmarks, isWanted)

    def setLandmark(self, name: str, pointRas: Sequence[float]) -> None:
        """Put a landmark at a point (RAS mm); volumes generated from it are cut anew."""
        self._do(self.session.presenter.set_landmark, name, tuple(float(x) for x in pointRas))

    def generateNodes(
        self, guideline: str = "rtog2009_nodes", switches: Mapping[str, bool] | None = None
    ) -> list[str]:
        """Propose the nodal CTV; returns what was said about it.

        guideline: a preset's name or a .json file. switches: mesorectum, top_at_L4_L5, para_aortic.
        """
        presenter = self.session.presenter
        self._do(presenter.choose_guideline, "nodes", guideline)
        for name, is_on in (switches or {}).items():
            self._do(presenter.switch, name, is_on)
        self._do(presenter.generate, "nodes")
        return self.volumeNotes()

    def generateBed(self, guideline: str = "rtog2010_bed") -> list[str]:
        """Propose the prostate bed CTV from the four landmarks; returns what was said about it."""
        presenter = self.session.presenter
        self._do(presenter.choose_guideline, "bed", guideline)
        self._do(presenter.generate, "bed")
        return self.volumeNotes()

    def editVolume(self, name: str) -> typing.Any:
        """Open a volume for drawing; returns the segmentation node to draw on."""
        self._do(self.session.presenter.begin_volume_edit, name)
        return self.session.presenter.view.rt.edit_node

    def finishVolumeEdit(self) -> None:
        """Take over what was drawn and close the editor."""
        self._do(self.session.presenter.finish_volume_edit)
