"""The Lesions and Contours sections' steps for the Python console."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from .console import ConsoleSteps


class LesionSteps(ConsoleSteps):
    """Finding, contouring and deciding on lesions."""

    def setDetection(self, thresholdSuv: float | None = None, minimumVolumeMl: float | None = None) -> None:
        """Change what counts as avid, in SUV and mL, for the next findLesions."""
        self._do(self.session.presenter.set_detection, thresholdSuv, minimumVolumeMl)

    def findLesions(self) -> list[str]:
        """Find and contour the lesions; returns their ids, hottest first."""
        self._do(self.session.presenter.find_lesions)
        return [row.id for row in self.session.presenter.view.lesions]

    def selectLesion(self, lesionId: str) -> None:
        """Select a lesion and bring the views to it."""
        self._do(self.session.presenter.select_lesion, lesionId)

    def acceptLesion(self, lesionId: str) -> None:
        self._do(self.session.presenter.accept, lesionId)

    def rejectLesion(self, lesionId: str, reason: str) -> None:
        """Reject a lesion for a reason that stays with it."""
        self._do(self.session.presenter.reject, reason, lesionId)

    def leaveUndecided(self, lesionId: str) -> None:
        """Leave a lesion for somebody else to decide on."""
        self._do(self.session.presenter.leave_undecided, lesionId)

    def addLesion(self, pointRas: Sequence[float] | None = None) -> str:
        """Make a lesion of the uptake at a point (RAS mm), or at the crosshair; returns its id."""
        former = {row.id for row in self.session.presenter.view.lesions}
        self._do(self.session.presenter.add_lesion, pointRas)
        return next(row.id for row in self.session.presenter.view.lesions if row.id not in former)

    def growLesion(self, pointRas: Sequence[float], lesionId: str | None = None) -> str:
        """Grow a lesion's contour from a point (RAS mm) by the rule it goes by; returns its id.

        lesionId None: what a click there means, the lesion that lies there or else a new one.
        """
        presenter = self.session.presenter
        if lesionId is not None:
            self._do(presenter.grow_lesion, tuple(pointRas), lesionId)
            return lesionId
        self._do(presenter.grow_at, tuple(pointRas))
        return presenter.view.selected

    def mergeLesions(self, lesionIds: Sequence[str]) -> None:
        """Make several lesions one, under the id of the first in the list; they must lie close together."""
        self._do(self.session.presenter.merge_lesions, tuple(lesionIds))

    def splitLesion(self, lesionId: str) -> list[str]:
        """Cut a lesion along the saddles of its uptake; returns the ids of its parts, hottest first."""
        former = {row.id for row in self.session.presenter.view.lesions}
        self._do(self.session.presenter.split_lesion, lesionId)
        new = [row.id for row in self.session.presenter.view.lesions if row.id not in former]
        return [lesionId, *new]

    def deleteLesion(self, lesionId: str) -> None:
        """Take out a lesion that was added by hand; one that was found is rejected instead."""
        self._do(self.session.presenter.delete_lesion, lesionId)

    def stateRegion(
        self, lesionId: str, region: str, side: str | None = None, structure: str | None = None
    ) -> None:
        """Say where a lesion lies: a region's code, "left" or "right", the name of a bone or organ.

        None for region's side and structure where there is none; clearRegion lets the anatomy tell again.
        """
        self._do(self.session.presenter.state_region, region, side, structure, lesionId)

    def clearRegion(self, lesionId: str) -> None:
        """Let the anatomy tell again where a lesion lies."""
        self._do(self.session.presenter.clear_region, lesionId)

    def placeReference(
        self, name: str, centerRas: Sequence[float] | None = None, radiusMm: float | None = None
    ) -> None:
        """Measure a reference region, such as "liver", in a sphere at a point (RAS mm) or the crosshair.

        radiusMm: None for the usual radius.
        """
        self._do(self.session.presenter.place_reference, name, centerRas, radiusMm)

    def lesionContours(self, lesionId: str) -> dict[str, float]:
        """Volumes (mL) of the contours a lesion can go by, by name: "consensus" and its candidates."""
        self.selectLesion(lesionId)
        return {row.name: row.volume_ml for row in self.session.presenter.view.contours.candidates}

    def chooseContour(self, lesionId: str, name: str) -> None:
        """Let a lesion go by one of its lesionContours."""
        self._do(self.session.presenter.choose_contour, name, lesionId)

    def thresholdLesion(self, lesionId: str, thresholdSuv: float) -> None:
        """Let a lesion go by what is at or above a threshold (SUV) and connected to its hottest voxel."""
        self._do(self.session.presenter.set_lesion_threshold, thresholdSuv, lesionId)

    def editLesion(self, lesionId: str) -> typing.Any:
        """Open a lesion's contour for drawing; returns the segmentation node to draw on."""
        self._do(self.session.presenter.begin_edit, lesionId)
        return self.session.presenter.view.edit_node

    def finishEdit(self) -> None:
        """Take over what was drawn and close the editor."""
        self._do(self.session.presenter.finish_edit)

    def setRules(self, names: Sequence[str], consensus: str | None = None) -> None:
        """Choose the delineation rules by name and how their contours are fused, for contourAgain."""
        presenter = self.session.presenter
        for name in names:
            self._do(presenter.choose_rule, name, True)
        for rule in presenter.view.rules:
            if rule.is_chosen and rule.name not in names:
                self._do(presenter.choose_rule, rule.name, False)
        if consensus is not None:
            self._do(presenter.choose_consensus, consensus)

    def contourAgain(self) -> None:
        """Contour the lesions by the rules chosen; decisions and contours drawn by hand stay."""
        self._do(self.session.presenter.contour_again)

    def lesionTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per lesion: id, state, volume_ml, suv_max, coverage class, region and side ..."""
        # Here nobody waits at an interface, where regions follow a moment later.
        self.case.assigned_regions()
        return [
            {
                "id": row.id,
                "state": row.state,
                "volume_ml": row.volume_ml,
                "suv_max": row.suv_max,
                "suv_peak": row.suv_peak,
                "interval_ml": row.interval_ml,
                "flags": row.flags,
                "class": row.color_key,
                "region": row.region,
                "side": row.region_side,
                "contour": row.contour_source,
                "rejection_reason": row.rejection_reason,
            }
            for row in self.session.presenter.view.lesions
        ]
