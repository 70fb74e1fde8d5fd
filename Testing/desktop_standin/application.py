"""slicer.app, the main window and the layout manager, as far as the panel asks for them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor

from .scripted_module import ModuleManager

_SLICE_VIEWS = (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal"))
_VIEW_PIXELS = (400, 300)


class qMRMLSliceView(QWidget):
    """A slice view without pixels: a real interactor, for tests to invoke the mouse's events on."""

    def __init__(self):
        super().__init__()
        self._interactor = vtkGenericRenderWindowInteractor()
        self._default_cursor = QCursor()
        self._pauses, self._drawings = 0, 0
        self._is_asked = False

    def pauseRender(self):
        self._pauses += 1
        return self._pauses

    def resumeRender(self):
        """As ctkVTKAbstractView: at the end of the last pause it draws at once what was asked for."""
        self._pauses -= 1
        if self._pauses == 0 and self._is_asked:
            self.scheduleRender()
        return self._pauses

    def scheduleRender(self):
        self._is_asked = self._pauses > 0
        self._drawings += not self._is_asked

    def interactor(self):
        return self._interactor

    def setViewCursor(self, cursor):
        self.setCursor(cursor)

    def setDefaultViewCursor(self, cursor):
        self._default_cursor = cursor


class LayoutManager(QObject):
    """Slice views without pixels: the real slice logics and nodes, which jump and link as in Slicer."""

    layoutChanged = Signal(int)

    def __init__(self, headless):
        super().__init__()
        self._scene = headless.scene
        self._factories = []
        self._slice_logics = headless.application_logic.GetSliceLogics()
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        self._view_logic = slicer.vtkMRMLViewLogic()
        for logic in (self._layout_logic, self._view_logic):
            logic.SetMRMLScene(self._scene)
        self._logics = {name: slicer.vtkMRMLSliceLogic() for name, _orientation in _SLICE_VIEWS}
        for logic in self._logics.values():
            logic.SetMRMLScene(self._scene)
            self._slice_logics.AddItem(logic)
        self._views = {name: qMRMLSliceView() for name in self._logics}
        self._make_views()
        # Clearing a scene with its singletons takes the views' nodes; Slicer makes them again.
        self._tag = self._scene.AddObserver(self._scene.EndCloseEvent, lambda *_: self._make_views())

    def _make_views(self):
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self._scene, True)
        for name, orientation in _SLICE_VIEWS:
            view = self._logics[name].AddSliceNode(name)
            view.SetOrientation(orientation)
            view.SetDimensions(*_VIEW_PIXELS, 1)
        self._view_logic.AddViewNode("1")
        camera = slicer.vtkMRMLCameraNode()
        camera.SetLayoutName("1")
        camera.SetSingletonTag("1")
        self._scene.AddNode(camera)

    def layoutLogic(self):
        return self._layout_logic

    def mrmlSliceLogics(self):
        return self._slice_logics

    def registerViewFactory(self, factory):
        """Views that only stand-in layouts have are held, so that a test can find and press them."""
        self._factories.insert(0, factory)

    # There is no 3D view with pixels.
    threeDViewCount = 0

    def sliceViewNames(self):
        return tuple(self._logics)

    def sliceWidget(self, name):
        logic = self._logics[name]
        view = self._views[name]
        return SimpleNamespace(
            sliceLogic=lambda: logic, mrmlSliceNode=logic.GetSliceNode, sliceView=lambda: view
        )

    def close(self):
        self._scene.RemoveObserver(self._tag)
        self._slice_logics.RemoveAllItems()
        for logic in (*self._logics.values(), self._layout_logic, self._view_logic):
            logic.SetMRMLScene(None)


class qSlicerSingletonViewFactory(QObject):
    """Puts one widget of an extension into layouts."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._tag, self._widget = "", None

    def setTagName(self, tag):
        self._tag = tag

    def tagName(self):
        return self._tag

    def setWidget(self, widget):
        self._widget = widget

    def widget(self):
        return self._widget


class ModuleSelector(QObject):
    """Opens one module at a time; modules that are not loaded are only remembered as asked for."""

    def __init__(self, manager):
        super().__init__()
        self._manager = manager
        self._opened = ""

    selectedModule = Property(str, lambda self: self._opened)

    def selectModule(self, name):
        former, module = self._manager.module(self._opened), self._manager.module(name)
        if name == self._opened:
            return
        if former is not None:
            former.widgetRepresentation().exit()
        self._opened = name
        if module is not None:
            module.widgetRepresentation().enter()


class qSlicerMainWindow(QMainWindow):
    def __init__(self, manager):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = ModuleSelector(manager)

    def moduleSelector(self):
        return self._selector


class Application(QObject):
    """slicer.app; what it does not define itself is asked of the QApplication."""

    startupCompleted = Signal()
    applicationName = Property(str, lambda self: "Slicer")
    temporaryPath = Property(str, lambda self: self._folder)

    def __init__(self, headless, folder):
        super().__init__()
        self._headless = headless
        self._folder = str(folder)
        self._manager = ModuleManager()
        self._layout_manager = LayoutManager(headless)
        self._main_window = qSlicerMainWindow(self._manager)

    def __getattr__(self, name):
        return getattr(QApplication.instance(), name)

    def applicationLogic(self):
        return self._headless.application_logic

    def layoutManager(self):
        return self._layout_manager

    def moduleManager(self):
        return self._manager

    def coreIOManager(self):
        return SimpleNamespace(loadNodes=self._load_scene)

    def testingEnabled(self):
        return False

    def _load_scene(self, kind, properties, _nodes, _messages):
        return kind == "SceneFile" and self._headless.scene.ReadFromMRB(properties["fileName"], False)

    def close_all(self):
        """Quit; what a module raises then is reported and must not keep the rest from closing."""
        with ExitStack() as stack:
            for step in (
                self._layout_manager.close,
                self._main_window.delete,
                self._manager.unload_all,
                partial(self._main_window.moduleSelector().selectModule, ""),
            ):
                stack.callback(_reported, step)


def _reported(step):
    try:
        step()
    except Exception:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
