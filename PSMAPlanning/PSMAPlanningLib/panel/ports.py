"""What the presenter needs from others, by Protocol, so that tests can hand in doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..coverage.lesion_coverage import LesionVolumeCoverage
from ..imaging.image import Image, Mask
from ..progress import Progress
from ..records import CaseState, Lesion, RtVolume
from ..scene.appearance import Color
from ..scene.planning_scene import SceneListener
from ..scene.restore import Restored

Work = Callable[[Progress], CaseState]


class SceneAdapter(Protocol):
    """The MRML scene; `scene.planning_scene.PlanningScene` is the real one."""

    listener: SceneListener | None
    is_removing: bool

    @property
    def edit_node(self) -> Any | None: ...
    def read_pet(self, node: Any) -> Image: ...
    def read_ct(self, node: Any) -> Image: ...
    def read_volumes(self, node: Any, pet: Image | None) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]: ...
    def restore(self) -> Restored | None: ...
    def node(self, role: str) -> Any | None: ...
    def volumes_source(self, state: CaseState) -> Any | None: ...
    def show(
        self,
        before: CaseState | None,
        after: CaseState,
        coverage: Mapping[str, Mapping[str, LesionVolumeCoverage]],
    ) -> None: ...
    def save(self, path: Path) -> None: ...
    def jump_to(self, point_ras: tuple[float, float, float]) -> None: ...
    def begin_edit(self, lesion: Lesion, pet: Image, color: Color) -> Any: ...
    def end_edit(self) -> None: ...
    def drawn(self) -> Mask | None: ...
    def show_edited(self, mask: Mask) -> None: ...
    def close(self) -> None: ...


class Job(Protocol):
    """Work under way."""

    def cancel(self) -> None:
        """Ask it to stop; nothing of it is delivered afterwards."""


class JobListener(Protocol):
    """Who is told, on the main thread, how the work goes; exactly one of finished and failed is called."""

    def progressed(self, fraction: float, doing: str) -> None: ...
    def finished(self, result: CaseState) -> None: ...
    def failed(self, error: BaseException) -> None: ...


class Worker(Protocol):
    """Runs work beside the interface, or at once."""

    def start(self, work: Work, listener: JobListener) -> Job: ...


class Scheduler(Protocol):
    """Calls a function soon; a second call before that replaces the first one of the same name."""

    def soon(self, name: str, function: Callable[[], None]) -> None: ...
    def cancel_all(self) -> None: ...
