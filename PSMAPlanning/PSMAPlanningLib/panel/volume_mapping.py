"""Where RT volumes come from and what each is taken for: actions of the panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import CaseError
from ..records import CaseState
from ..rtvolumes.margins import SixMargins
from .view_state import Action
from .volume_importing import with_imported
from .volume_uses import use_of, with_name, with_use
from .volumes_core import VolumesCore
from .volumes_form import six_as_entered


class VolumeMapping(VolumesCore):
    """Importing volumes, and saying what each of them is."""

    def choose_volumes(self, node: Any | None) -> bool:
        """Take the segments of a segmentation node as RT volumes."""
        if node is self._scene.volumes_source(self.case.state):
            return True
        return self._do(Action.CHOOSE, lambda: self._choose_volumes(node))

    def _choose_volumes(self, node: Any | None) -> None:
        volumes, warnings = (), ()
        if node is not None:
            volumes, warnings = self._scene.read_volumes(node, self.case.state.pet)
        known = self.case.state.warnings
        name = "choose RT volumes"
        self._perform(name, volumes=volumes, warnings=tuple(dict.fromkeys(known + warnings)))
        self._note(name, *warnings)

    def import_volumes(self, paths: Sequence[Path], frame: str | None = None) -> bool:
        """Read RTSTRUCT, DICOM SEG or label maps and put their structures beside the volumes there are.

        frame: "pet" or "planning", for files that carry no frame of reference.
        """
        chosen = tuple(paths)
        name = "import RT volumes"

        def start(confirmed_by: str | None = None) -> None:
            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                after, warnings = with_imported(state, chosen, frame, self._images, stage, confirmed_by)
                said += warnings
                return after

            self._start_volumes(name, compute)

        return self._do(Action.IMPORT_VOLUMES, lambda: self._unless_another_patient(start))

    def select_volume(self, name: str | None) -> bool:
        """Select a volume for margins and drawing; None selects nothing."""

        def select() -> None:
            if name is not None and self._volume(name) is None:
                raise CaseError(f"There is no volume {name!r} in this case; choose one of the table.")
            if self._drawing.name not in (None, name):
                self._drawing.finish(self.case)
            self._form = replace(self._form, selected=name)
            self._take_institution_margin()

        return self._do(None, select)

    def use_volume(self, name: str, use: str) -> bool:
        """Say what a structure is for, a code of `volume_uses.USES`; also confirms what was proposed."""

        def use_it() -> None:
            volume = self._require(name)
            after = with_use(volume, use)
            verb = "confirm" if use == use_of(volume) else "name"
            if after != volume:
                self._with_volume(f"{verb} {name}", volume, after)
            self._take_institution_margin()

        return self._do(Action.NAME_VOLUME, use_it)

    def name_volume(self, name: str, tg263: str) -> bool:
        """Say a structure's TG-263 name (1 to 16 plain characters), and with it what it is."""

        def name_it() -> None:
            volume = self._require(name)
            if volume.tg263 == tg263 and not volume.asks:
                return
            self._with_volume(f"name {name}", volume, with_name(volume, tg263))
            self._take_institution_margin()

        return self._do(Action.NAME_VOLUME, name_it)

    def confirm_names(self) -> bool:
        """Confirm every proposal of the table; structures without a proposal go on asking."""

        def confirm() -> None:
            volumes = self.case.state.volumes
            after = tuple(
                with_use(each, use_of(each)) if each.asks and use_of(each) else each for each in volumes
            )
            if after == volumes:
                raise CaseError("Nothing is proposed for these structures; choose what they are, one by one.")
            self._perform("confirm names of volumes", volumes=after)

        return self._do(Action.CONFIRM_NAMES, confirm)

    def remove_volume(self, name: str | None = None) -> bool:
        """Take a volume, or the selected one, out of the case."""

        def remove() -> None:
            volume = self._require(name or self._form.selected)
            volumes = tuple(each for each in self.case.state.volumes if each is not volume)
            self._perform(f"remove {volume.name}", volumes=volumes)

        return self._do_named(Action.REMOVE_VOLUME, remove, name)

    def _do_named(self, action: Action, step: Any, name: str | None) -> bool:
        """As `_do`; an action whose volume is named needs none selected."""
        if name is not None and self._volume(name) is not None:
            self._form = replace(self._form, selected=name)
        return self._do(action, step)

    def _require(self, name: str | None) -> Any:
        volume = self._volume(name)
        if volume is None:
            raise CaseError(f"There is no volume {name!r} in this case; choose one of the table.")
        return volume

    def _take_institution_margin(self) -> None:
        """The margins of the institution's file for the selected volume, where it has any."""
        volume, institution = self._selected_volume, self._form.institution
        if volume is None or institution is None:
            return
        found: SixMargins | None = institution.margins.get(volume.role) if volume.role else None
        margins = (None,) * 6 if found is None else six_as_entered(found)
        self._form = replace(self._form, margins=margins)
