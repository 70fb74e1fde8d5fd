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
        """One dictionary per lesion: id, state, volume_ml, suv_max, best coverage class, rejection reason."""
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
                "rejection_reason": row.rejection_reason,
            }
            for row in self.session.presenter.view.lesions
        ]
