"""What Slicer's ScriptedLoadableModule.py and the C++ classes behind it do with a scripted module."""

from __future__ import annotations

import importlib.util
import sys
import unittest
from pathlib import Path

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QVBoxLayout

from .mrml_widgets import qMRMLWidget


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent
        self.moduleName = type(self).__name__


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect(
            "moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded
        )

    def resourcePath(self, filename):
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self):
        pass

    def cleanup(self):
        pass

    def onReload(self):
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, name):
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect(
                "moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded
            )


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(self.moduleName)
            node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
            node = slicer.mrmlScene.AddNode(node)
        node.SetAttribute("ModuleName", self.moduleName)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, _message, *_arguments, **_options):
        slicer.app.processEvents()


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """Holds the module's Python widget and hands on that it is opened and left."""

    def __init__(self, source):
        super().__init__()
        self._source = Path(source)
        self._is_entered = False
        self._python = None
        QVBoxLayout(self).setContentsMargins(4, 4, 4, 4)

    isEntered = Property(bool, lambda self: self._is_entered)

    def self(self):
        return self._python

    def reload(self):
        class_name = f"{self._source.stem}Widget"
        self._python = getattr(sys.modules[self._source.stem], class_name)(self)
        setattr(slicer.modules, class_name, self._python)
        self._python.setup()

    def enter(self):
        self._is_entered = True
        self._python.enter()

    def exit(self):
        self._is_entered = False
        self._python.exit()


class qSlicerScriptedLoadableModule:
    """One scripted module, loaded from its file. Python sets title, helpText and so on as on the real one."""

    def __init__(self, source):
        self.path = str(source)
        self.name = Path(source).stem
        self._representation = None
        specification = importlib.util.spec_from_file_location(self.name, source)
        module = importlib.util.module_from_spec(specification)
        sys.modules[self.name] = module
        specification.loader.exec_module(module)
        self.instance = getattr(module, self.name)(self)

    def widgetRepresentation(self):
        if self._representation is None:
            self._representation = qSlicerScriptedLoadableModuleWidget(self.path)
            self._representation.setMRMLScene(slicer.mrmlScene)
            self._representation.reload()
        return self._representation


class ModuleManager(QObject):
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self):
        super().__init__()
        self._modules = {}

    def load(self, source):
        module = qSlicerScriptedLoadableModule(source)
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        return module

    def module(self, name):
        return self._modules.get(name)

    def unload_all(self):
        """What closing Slicer does: modules clean up, then their widgets are deleted."""
        modules, self._modules = self._modules, {}
        for name, module in modules.items():
            representation = module._representation
            if representation is not None:
                if representation.isEntered:
                    representation.exit()
                self.moduleAboutToBeUnloaded.emit(name)
                representation.delete()
