"""The views' steps for the Python console."""

from __future__ import annotations

import slicer

from .console import ConsoleSteps


class ViewSteps(ConsoleSteps):
    """What Slicer's views show; nothing here changes the case."""

    def showLayout(self, isShown: bool = True) -> None:
        """Open the module and set its layout: slices, PET projection, 3D; False puts the former one back."""
        slicer.util.selectModule("PSMAPlanning")
        slicer.util.getModuleWidget("PSMAPlanning").panel.views.show_layout(isShown)

    def showPetWindow(self, highestSuv: float = 10.0, inverted: bool = False) -> None:
        """Show the PET from SUV 0 to highestSuv, hot over the CT or in inverted gray."""
        self._do(self.session.presenter.show_pet_window, highestSuv, inverted)

    def lookAt(self, target: str) -> None:
        """Bring all views to "pelvis", "body", "lesion" (the selected one) or a lesion's id."""
        self._do(self.session.presenter.look_at, target)

    def showBones(self, isShown: bool = True) -> None:
        """Show the bones of the CT, or the body's outline without one, as a faint surface in 3D."""
        with self.session.presenter.side.at_once():
            self._do(self.session.presenter.show_context, isShown)
