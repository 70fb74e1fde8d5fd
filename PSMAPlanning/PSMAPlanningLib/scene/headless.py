"""Slicer without its desktop: the scene and the logics of the PyPI package slicer-core, booted and put away.

Inside desktop Slicer none of this is needed; there `slicer.mrmlScene` already exists.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from types import SimpleNamespace, TracebackType
from typing import Any

from ..errors import MissingExtraError, SceneError

_ABSENT = object()


def import_slicer() -> Any:
    """The module `slicer`; raises MissingExtraError when neither Slicer nor slicer-core is there."""
    try:
        import slicer
    except ImportError as error:
        raise MissingExtraError(
            f"Scenes and pictures need the package slicer-core, which cannot be imported ({error}); "
            "install it with `pip install slicer-core`."
        ) from error
    return slicer


def is_desktop() -> bool:
    """Whether this Python runs inside the 3D Slicer application."""
    return "slicer" in sys.modules and hasattr(sys.modules["slicer"], "app")


def choose_offscreen_window() -> None:
    """Have VTK open EGL windows from now on, unless somebody chose a kind of window already."""
    # Left to itself VTK tries an X display first and complains on stderr before it falls back to EGL.
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


class HeadlessSlicer:
    """A MRML scene with the logics that segmentations, tables, files and views need.

    A context manager; several may follow each other in one process, but not be open at once.

    scene: the vtkMRMLScene. application_logic: the vtkSlicerApplicationLogic.
    logics: the module logics by lower-case name: colors, volumes, segmentations, subjecthierarchy.
    """

    _open: HeadlessSlicer | None = None

    def __init__(self) -> None:
        if HeadlessSlicer._open is not None:
            raise SceneError("A headless scene is already open in this process; close it first.")
        choose_offscreen_window()
        slicer = import_slicer()
        if is_desktop():
            raise SceneError("This is desktop Slicer, which has its scene already; use slicer.mrmlScene.")
        self._slicer = slicer
        self._cache_folder = tempfile.TemporaryDirectory(prefix="psma-planning-")
        self.scene = slicer.vtkMRMLScene()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetMRMLScene(self.scene)
        self.logics = self._start_logics()
        self._remote_io, self._data_io = self._start_file_reading()
        self._prepare_views()
        self._publish()
        HeadlessSlicer._open = self

    def close(self) -> None:
        """Empty the scene and give everything back; a second call does nothing."""
        if HeadlessSlicer._open is not self:
            return
        HeadlessSlicer._open = None
        slicer = self._slicer
        self.scene.Clear(1)
        for factory in _view_factories(slicer):
            factory.SetMRMLApplicationLogic(None)
        self._remote_io.RemoveDataIOFromScene()
        for name, former in self._former.items():
            if former is _ABSENT:
                delattr(slicer, name)
            else:
                setattr(slicer, name, former)
        self.application_logic.SetMRMLScene(None)
        self.logics = {}
        self._remote_io = self._data_io = None
        self.application_logic = self.scene = None
        # VTK objects that Python holds in cycles would outlive the libraries and end up in the leak report.
        gc.collect()
        self._cache_folder.cleanup()

    def __enter__(self) -> HeadlessSlicer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_logics(self) -> dict[str, Any]:
        slicer = self._slicer
        colors = self.application_logic.GetColorLogic()
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        logics = {}
        # The segmentations logic must know the scene before any segmentation is touched: it registers the
        # conversion rules, without which exports quietly return nothing.
        for name, kind in (
            ("Colors", slicer.vtkMRMLColorLogic),
            ("Volumes", slicer.vtkSlicerVolumesLogic),
            ("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic),
            ("SubjectHierarchy", slicer.vtkSlicerSubjectHierarchyModuleLogic),
        ):
            logic = kind()
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self.application_logic)
            self.application_logic.SetModuleLogic(name, logic)
            logics[name.lower()] = logic
        return logics

    def _start_file_reading(self) -> tuple[Any, Any]:
        """Without a data input manager the nodes of a scene file are created but stay empty."""
        remote_io = self._slicer.vtkMRMLRemoteIOLogic()
        remote_io.SetMRMLScene(self.scene)
        remote_io.GetCacheManager().SetRemoteCacheDirectory(self._cache_folder.name)
        data_io = self._slicer.vtkDataIOManagerLogic()
        data_io.SetMRMLApplicationLogic(self.application_logic)
        data_io.SetAndObserveDataIOManager(remote_io.GetDataIOManager())
        remote_io.AddDataIOToScene()
        return remote_io, data_io

    def _prepare_views(self) -> None:
        import vtk

        slicer = self._slicer
        self.application_logic.SetSliceLogics(vtk.vtkCollection())
        self.application_logic.SetViewLogics(vtk.vtkCollection())
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        for factory in _view_factories(slicer):
            factory.SetMRMLApplicationLogic(self.application_logic)

    def _publish(self) -> None:
        """Make the scene known under the names that slicer.util and other Slicer code look up."""
        modules = SimpleNamespace(
            **{name: SimpleNamespace(logic=lambda logic=logic: logic) for name, logic in self.logics.items()}
        )
        self._former = {}
        for name, value in (("mrmlScene", self.scene), ("modules", modules)):
            self._former[name] = getattr(self._slicer, name, _ABSENT)
            setattr(self._slicer, name, value)


def _view_factories(slicer: Any) -> tuple[Any, Any]:
    return (
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(),
        slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(),
    )
