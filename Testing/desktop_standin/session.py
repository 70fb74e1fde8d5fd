"""Puts the stand-in into a running Python, and takes it out again without a trace."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import types
from contextlib import ExitStack, contextmanager

from PySide6 import QtCore, QtWidgets

from .dialogs import Answers
from .pythonqt import pythonqt_manners
from .ui_loader import make_loader

_OURS = ("PSMAPlanning", "PSMAPlanningLib", "qt", "ctk", "slicer")


class Session:
    """What a test holds while the stand-in is open.

    answers: what dialogs will say, see dialogs.Answers. errors: exceptions raised in slots, timers, observers
    and threads, which Slicer would have printed only.
    """

    def __init__(self):
        self.answers = Answers()
        self.errors = []
        self.app = None

    @classmethod
    @contextmanager
    def opened(cls, headless, folder):
        session = cls()
        with ExitStack() as stack:
            application = _qt_application()
            stack.enter_context(_settings_in(folder))
            stack.enter_context(_collected_errors(session.errors))
            stack.enter_context(_restored_modules())
            qt = stack.enter_context(pythonqt_manners(session.answers))
            stack.callback(application.processEvents)
            _install(qt, headless, folder, session)
            stack.callback(session.close)
            yield session

    def load_module(self, source):
        """The scripted module in this file, as the module manager loads it at start."""
        return self.app.moduleManager().load(source)

    def close(self):
        """Quit as Slicer does; a second call does nothing."""
        if self.app is not None:
            self.app.close_all()
            self.app = None
            gc.collect()

    def wait_until(self, condition, seconds=20.0):
        """Run the event loop until the condition holds; whether it did in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            self.run_events(0.01)
        return True

    def run_events(self, seconds=0.0):
        """Let the event loop turn for a while."""
        end = time.monotonic() + seconds
        while True:
            QtWidgets.QApplication.processEvents()
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
            if time.monotonic() >= end:
                return
            time.sleep(0.002)


def _qt_application():
    # Qt reads it when the application is made; a desktop session of the developer must not get windows.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])


@contextmanager
def _settings_in(folder):
    """QSettings() of a developer's own Slicer are not touched."""
    former = QtCore.QSettings.defaultFormat()
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, str(folder))
    QtCore.QCoreApplication.setOrganizationName("standin")
    QtCore.QCoreApplication.setApplicationName("Slicer")
    try:
        yield
    finally:
        QtCore.QSettings.setDefaultFormat(former)


@contextmanager
def _collected_errors(errors):
    """Exceptions in slots and observers end up in these hooks and would go unnoticed."""
    former = sys.excepthook, threading.excepthook
    sys.excepthook = lambda _kind, error, _trace: errors.append(error)
    threading.excepthook = lambda given: errors.append(given.exc_value)
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = former


@contextmanager
def _restored_modules():
    """Afterwards sys.modules and the module `slicer` are what they were.

    Our library too: what was imported meanwhile refers to the stand-in, and a reload makes its classes twice.
    """
    import slicer
    import slicer.util

    attributes, modules, path = dict(vars(slicer)), dict(sys.modules), list(sys.path)
    try:
        yield
    finally:
        for name in [name for name in {**sys.modules, **modules} if name.partition(".")[0] in _OURS]:
            package, _, child = name.rpartition(".")
            if name in modules:
                sys.modules[name] = modules[name]
            else:
                del sys.modules[name]
            # `from . import words` looks here and not into sys.modules.
            if package in modules and name in modules:
                setattr(modules[package], child, modules[name])
            elif package in modules:
                vars(modules[package]).pop(child, None)
        for name in set(vars(slicer)) - set(attributes):
            delattr(slicer, name)
        vars(slicer).update(attributes)
        sys.path[:] = path


def _install(qt, headless, folder, session):
    import slicer

    modules = {"qt": qt, "ctk": types.ModuleType("ctk")}
    for name in ("i18n", "ScriptedLoadableModule", "parameterNodeWrapper"):
        modules[f"slicer.{name}"] = types.ModuleType(f"slicer.{name}")
    sys.modules.update(modules)
    # Their classes derive from PySide6's and so carry PythonQt's manners while those last.
    from . import application, ctk_widgets, mrml_widgets, parameter_node, scripted_module

    _copy(ctk_widgets, modules["ctk"], "ctk")
    _copy(mrml_widgets, slicer, "qMRML")
    _copy(scripted_module, slicer, "qSlicer")
    _copy(application, slicer, "qSlicerSingleton")
    _copy(scripted_module, modules["slicer.ScriptedLoadableModule"], "Scripted")
    modules["slicer.parameterNodeWrapper"].parameterNodeWrapper = parameter_node.parameterNodeWrapper
    modules["slicer.i18n"].tr = lambda text: text
    modules["slicer.i18n"].translate = lambda _context, text: text
    modules["slicer.i18n"].getContext = lambda source_file: source_file
    for name, module in modules.items():
        if name.startswith("slicer."):
            setattr(slicer, name.partition(".")[2], module)
    custom = {**vars(modules["ctk"]), **{n: k for n, k in vars(slicer).items() if n.startswith("qMRML")}}
    qt.QUiLoader = make_loader({name: kind for name, kind in custom.items() if isinstance(kind, type)})
    session.app = slicer.app = application.Application(headless, folder)


def _copy(source, target, prefix):
    for name, member in vars(source).items():
        if name.startswith(prefix):
            setattr(target, name, member)
