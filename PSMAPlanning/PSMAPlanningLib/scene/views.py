"""Slicer's own views without its windows: displayable managers drawing off screen.

Every view takes its node out of the scene again when it is closed, so a picture leaves no trace.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import SceneError
from .appearance import Color

_THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
)
_SLICE_MANAGERS = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLModelSliceDisplayableManager",
)
_EMPTY_BACKGROUND = (0.0, 0.0, 0.0)


class _OffscreenView:
    """A window nobody sees, a renderer, and the managers that draw the scene's nodes into it."""

    def __init__(self, scene: Any, size: tuple[int, int]) -> None:
        self.scene = scene
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        # Camera and marker managers ask the window for its interactor, and crash without one.
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.group: Any = None
        self._added: list[Any] = []

    def __enter__(self) -> _OffscreenView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self.group is not None:
            self.group.SetMRMLDisplayableNode(None)
            self.group = None
        for node in self._added:
            if self.scene.IsNodePresent(node):
                self.scene.RemoveNode(node)
        self._added.clear()
        self.window.Finalize()

    def start_managers(self, factory: Any, names: tuple[str, ...], view_node: Any) -> None:
        from slicer import vtkMRMLDisplayableManagerGroup

        if factory.GetMRMLApplicationLogic() is None:
            raise SceneError("Views need a running Slicer; open a HeadlessSlicer first.")
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = vtkMRMLDisplayableManagerGroup()
        self.group.Initialize(factory, self.renderer)
        self.group.SetMRMLDisplayableNode(view_node)

    def pixels(self) -> np.ndarray:
        """Render and return the picture, (rows, columns, 3), uint8, first row on top."""
        self.window.Render()
        width, height = self.window.GetSize()
        data = vtk.vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, width - 1, height - 1, 1, data, 0)
        return vtk_to_numpy(data).reshape(height, width, 3)[::-1].copy()


class ThreeDView(_OffscreenView):
    """Slicer's 3D view: models and segmentations with their colors, opacity and lighting."""

    def __init__(
        self, scene: Any, size: tuple[int, int], background: Color, with_marker: bool = True
    ) -> None:
        import slicer

        super().__init__(scene, size)
        # Depth peeling, which draws surfaces behind surfaces right, excludes multisampling.
        self.window.SetMultiSamples(0)
        self.window.SetAlphaBitPlanes(1)
        self._chosen_camera: vtk.vtkCamera | None = None
        self._logic = slicer.vtkMRMLViewLogic()
        self._logic.SetMRMLScene(scene)
        self.node = self._logic.AddViewNode("PSMAPlanningPicture")
        if self.node is None:
            raise SceneError("MRML could not make a 3D view.")
        self._added.append(self.node)
        self.node.SetBackgroundColor(*background)
        self.node.SetBackgroundColor2(*background)
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        self.node.SetUseDepthPeeling(True)
        if with_marker:
            self.node.SetOrientationMarkerType(slicer.vtkMRMLAbstractViewNode.OrientationMarkerTypeCube)
            self.node.SetOrientationMarkerSize(slicer.vtkMRMLAbstractViewNode.OrientationMarkerSizeSmall)
        self.start_managers(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), _THREE_D_MANAGERS, self.node
        )
        camera = _camera_of(scene, self.node)
        if camera is not None:
            self._added.append(camera)

    def look(self, toward: np.ndarray, up: np.ndarray, bounds_ras: np.ndarray, fill: float = 0.97) -> None:
        """Parallel view along `toward` that fits the box `bounds_ras`, (2, 3), into `fill` of the window."""
        toward = toward / np.linalg.norm(toward)
        right = np.cross(toward, up)
        right /= np.linalg.norm(right)
        upward = np.cross(right, toward)
        center = bounds_ras.mean(axis=0)
        corners = np.array([[bounds_ras[n >> a & 1][a] for a in range(3)] for n in range(8)]) - center
        width, height = self.window.GetSize()
        half_height = max(np.abs(corners @ upward).max(), np.abs(corners @ right).max() * height / width)
        camera = self.renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetParallelScale(float(half_height / fill))
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center - toward * 1000.0))
        camera.SetViewUp(*upward)
        self.renderer.ResetCameraClippingRange()
        self._chosen_camera = vtk.vtkCamera()
        self._chosen_camera.DeepCopy(camera)

    def pixels(self) -> np.ndarray:
        self._look_again()
        return super().pixels()

    @property
    def pixels_per_mm(self) -> float:
        """Scale of the parallel view."""
        self._look_again()
        return self.window.GetSize()[1] / (2 * self.renderer.GetActiveCamera().GetParallelScale())

    def position_of(self, point_ras: tuple[float, float, float]) -> tuple[float, float]:
        """Where a RAS point appears, in pixels from the upper left corner."""
        self._look_again()
        self.renderer.SetWorldPoint(*point_ras, 1.0)
        self.renderer.WorldToDisplay()
        x, y, _ = self.renderer.GetDisplayPoint()
        return x, self.window.GetSize()[1] - 1 - y

    def _look_again(self) -> None:
        """Undo what the managers do to the camera whenever a node is shown or hidden."""
        if self._chosen_camera is not None:
            self.renderer.GetActiveCamera().DeepCopy(self._chosen_camera)


class SliceView(_OffscreenView):
    """Slicer's slice view: background and foreground volumes with segment outlines on top."""

    def __init__(
        self, scene: Any, size: tuple[int, int], orientation: str, center_ras: tuple, field_of_view_mm: float
    ) -> None:
        import slicer

        super().__init__(scene, size)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(factory.GetMRMLApplicationLogic())
        self._logic.SetMRMLScene(scene)
        self.node = self._logic.AddSliceNode(f"PSMAPlanning{orientation}")
        if self.node is None:
            raise SceneError("MRML could not make a slice view.")
        self._added += [self.node, self._logic.GetSliceCompositeNode()]
        width, height = size
        self.node.SetOrientation(orientation)
        self.node.SetDimensions(width, height, 1)
        self.node.SetFieldOfView(field_of_view_mm, field_of_view_mm * height / width, 1.0)
        self.node.JumpSliceByCentering(*center_ras)
        self._add_image_layer()
        self.start_managers(factory, _SLICE_MANAGERS, self.node)

    def show(self, background: Any | None, foreground: Any | None = None, opacity: float = 0.5) -> None:
        """Which volume nodes to show; the foreground is laid over the background."""
        composite = self._logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(background.GetID() if background is not None else None)
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)
        # Added, not mixed: where there is no uptake the CT keeps its full brightness.
        composite.SetCompositing(composite.Add)
        self._mapper.SetInputConnection(self._logic.GetImageDataConnection())

    def position_of(self, point_ras: tuple[float, float, float]) -> tuple[float, float]:
        """Where a RAS point, projected on the slice, appears in pixels from the upper left corner."""
        ras_to_xy = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), ras_to_xy)
        x, y, _, _ = ras_to_xy.MultiplyPoint((*point_ras, 1.0))
        return x, self.window.GetSize()[1] - 1 - y

    def _add_image_layer(self) -> None:
        """The picture of the volumes; before the managers start, or it would cover what they draw."""
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        self.renderer.SetBackground(*_EMPTY_BACKGROUND)
        self.renderer.GetActiveCamera().ParallelProjectionOn()


def _camera_of(scene: Any, view_node: Any) -> Any | None:
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(n, "vtkMRMLCameraNode")
        if camera.GetLayoutName() == view_node.GetLayoutName():
            return camera
    return None
