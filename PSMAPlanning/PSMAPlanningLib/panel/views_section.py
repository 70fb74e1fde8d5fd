"""Slicer's views as the panel sets them up, and the buttons that change what they show."""

from __future__ import annotations

from typing import Any

import slicer

from ..scene.legend import legend_entries
from ..scene.owned_nodes import CONTEXT, OwnedNodes
from ..scene.pet_look import WINDOWS_SUV, PetLook
from ..scene.slice_habits import intersections_shown, show_intersections
from .legend_overlay import LegendOverlay
from .planning_layout import PlanningLayout
from .presenter import Presenter
from .thread_worker import InlineWorker
from .view_state import ViewState
from .views import Views
from .views_view import BODY, LESION, PELVIS
from .views_words import context_text, why_not_text

_HOT, _INVERTED = 0, 1


class ViewsSection:
    """Sets up the slice and 3D views for the case, and wires the buttons that change them."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        presenter.side.worker = presenter.work.worker
        self._views = Views(presenter)
        self._is_showing = self._is_open = False
        self.layout = PlanningLayout(presenter.jump_to)
        self.legend = LegendOverlay()
        self._targets = {
            PELVIS: ui.lookAtPelvisButton,
            BODY: ui.lookAtBodyButton,
            LESION: ui.lookAtLesionButton,
        }
        self._tooltips = {target: button.toolTip for target, button in self._targets.items()}
        ui.lookAtPelvisButton.connect("clicked()", lambda: presenter.look_at(PELVIS))
        ui.lookAtBodyButton.connect("clicked()", lambda: presenter.look_at(BODY))
        ui.lookAtLesionButton.connect("clicked()", lambda: presenter.look_at(LESION))
        ui.planningLayoutButton.connect("clicked()", lambda: self.show_layout(not self.layout.is_shown))
        ui.petWindowComboBox.connect("currentIndexChanged(int)", self._choose_look)
        ui.petColorsComboBox.connect("currentIndexChanged(int)", self._choose_look)
        ui.contextCheckBox.connect("toggled(bool)", self._choose_context)
        ui.intersectionsCheckBox.connect("toggled(bool)", self._choose_intersections)

    # Life

    def enter(self) -> None:
        """The module was opened."""
        self._is_open = True
        self.layout.habits.begin()
        look = self._presenter.view.views.look
        if look is not None:
            self._presenter.show_pet_window(look.highest_suv, look.is_inverted)

    def exit(self) -> None:
        """Another module is opened instead: what was changed for all modules goes back."""
        self._is_open = False
        self._presenter.want_mip(False)
        self.layout.hide()
        self.layout.habits.end()
        self.legend.hide()

    def disconnect(self) -> None:
        """Take the layout's view and the legend out of Slicer's windows."""
        self._presenter.side.drop_all()
        self._presenter.side.worker = InlineWorker()
        self.legend.hide()
        self.layout.close()

    def show_layout(self, is_shown: bool) -> None:
        """Set the planning layout, or put the former one back."""
        # Drawn while it is being resized, a slice view blends images of two sizes, and says so in the log.
        with self._presenter.pause_rendering():
            if is_shown:
                self.layout.show()
            else:
                self.layout.hide()
        self._presenter.want_mip(self.layout.is_shown)

    # What is shown

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self._views.show(view)
            self._show_choices(view)
            self._show_targets(view)
            self._show_mip(view)
            if self._is_open:
                self._show_legend()
        finally:
            self._is_showing = False

    def _show_choices(self, view: ViewState) -> None:
        ui, look = self._ui, view.views.look
        ui.planningLayoutButton.checked = self.layout.is_shown
        has_pet = view.nodes["pet"] is not None
        for box in (ui.petWindowComboBox, ui.petColorsComboBox):
            box.enabled = has_pet
        if look is not None:
            if look.highest_suv in WINDOWS_SUV:
                ui.petWindowComboBox.currentIndex = WINDOWS_SUV.index(look.highest_suv)
            ui.petColorsComboBox.currentIndex = _INVERTED if look.is_inverted else _HOT
        has_ct = view.nodes["ct"] is not None or view.nodes["planning_ct"] is not None
        ui.contextCheckBox.text = context_text(has_ct or not has_pet)
        ui.contextCheckBox.enabled = has_ct or has_pet
        ui.contextCheckBox.checked = view.views.has_context or view.views.context_is_coming
        ui.intersectionsCheckBox.checked = intersections_shown(slicer.mrmlScene)

    def _show_targets(self, view: ViewState) -> None:
        for target, button in self._targets.items():
            is_there = target in view.views.targets
            button.enabled = is_there
            why = "" if is_there else f"\n\n{why_not_text(target)}"
            button.toolTip = self._tooltips[target] + why

    def _show_mip(self, view: ViewState) -> None:
        if self.layout.mip is None:
            return
        if not self.layout.is_shown:
            # The user chose another layout meanwhile, or a scene brought its own.
            self.layout.mip.rotate(False)
        look = view.views.look or PetLook()
        self.layout.mip.show(view.views.mip, view.views.outlines, look.highest_suv)

    def _show_legend(self) -> None:
        nodes = OwnedNodes(slicer.mrmlScene)
        if self.legend.show(legend_entries(nodes, nodes.get(CONTEXT))):
            self._presenter.scheduler.soon("draw 3D", self.legend.draw)

    # Presses

    def _choose_look(self, _index: int) -> None:
        if not self._is_showing:
            self._presenter.show_pet_window(
                WINDOWS_SUV[self._ui.petWindowComboBox.currentIndex],
                self._ui.petColorsComboBox.currentIndex == _INVERTED,
            )

    def _choose_context(self, is_shown: bool) -> None:
        if not self._is_showing:
            self._presenter.show_context(is_shown)

    def _choose_intersections(self, is_shown: bool) -> None:
        if not self._is_showing:
            with self._presenter.pause_rendering():
                show_intersections(slicer.mrmlScene, is_shown)
