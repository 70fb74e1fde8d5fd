"""Gives the classes of PySide6 the manners of PythonQt, which Slicer uses, and takes them off again.

PythonQt shows a Qt property as an attribute and connects by the written signature of a signal:
`button.text = "Find"`, `button.connect("clicked()", self.find)`.
"""

from __future__ import annotations

import re
import sys
import types
from contextlib import contextmanager
from functools import cache, partial

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from shiboken6 import Object, delete, getCppPointer

from .dialogs import answering

# sizeHint and minimumSizeHint: Qt itself calls them as virtual methods and would meet the attribute.
# singleShot: PythonQt keeps QTimer.singleShot(milliseconds, function); timers are set by setSingleShot(True).
_STAY_METHODS = {"sizeHint", "minimumSizeHint", "singleShot"}
_QUALIFIED_POINTER = re.compile(r"(vtk|qMRML|qSlicer)\w*\s*\*")


class Attribute:
    """A Qt property as PythonQt shows it; the class itself still has the method of that name."""

    def __init__(self, former, read, write):
        self.former, self.read, self.write = former, read, write

    def __get__(self, instance, owner):
        return self.former if instance is None else self.read(instance)

    def __set__(self, instance, value):
        if self.write is None:
            raise AttributeError("This Qt property cannot be written.")
        self.write(instance, value)


class Connections:
    """What was connected by signature, so that it can be disconnected by signature."""

    def __init__(self):
        self.native_connect = QtCore.QObject.connect
        self.native_disconnect = QtCore.QObject.disconnect
        self.made = {}

    def connect(self, sender, signature, slot):
        """As in PythonQt; a signal that does not exist raises here, where Slicer only prints and goes on."""
        wanted = _signature(sender, signature)
        relay = _relay(slot)
        key = (getCppPointer(sender)[0], wanted, slot)
        self.made[key] = self.native_connect(sender, QtCore.SIGNAL(wanted), relay)
        return True

    def disconnect(self, sender, signature, slot):
        connection = self.made.pop((getCppPointer(sender)[0], _signature(sender, signature), slot), None)
        return connection is not None and self.native_disconnect(connection)


@contextmanager
def pythonqt_manners(answers):
    """The modules `qt` and `ctk` are still empty of widgets; yields the namespace for `qt`.

    answers: what dialogs return, see dialogs.py.
    """
    undo = []

    def put(owner, name, value):
        undo.append((owner, name, owner.__dict__.get(name, undo)))
        setattr(owner, name, value)

    namespace = types.ModuleType("qt")
    namespace.__doc__ = "PySide6 with the manners of PythonQt; a test double."
    connections = Connections()
    try:
        for module in (QtCore, QtGui, QtWidgets, QtUiTools):
            for name in dir(module):
                member = getattr(module, name)
                if name.startswith("Q"):
                    setattr(namespace, name, member)
                if isinstance(member, type) and issubclass(member, QtCore.QObject):
                    for attribute, value in _attributes(member):
                        put(member, attribute, value)
                    # Every class of PySide6 has one of its own, which hides that of its base.
                    put(member, "__setattr__", _set_known_attribute)
        # PySide6 looks `connect` of an instance up by itself, past whatever the class holds.
        put(QtCore.QObject, "__getattribute__", _finder(QtCore.QObject.__getattribute__, connections))
        put(QtCore.QObject, "name", QtCore.QObject.__dict__["objectName"])
        put(QtCore.QObject, "className", lambda self: self.metaObject().className())
        put(QtCore.QObject, "delete", lambda self: delete(self))
        for owner, name, value in answering(answers):
            put(owner, name, value)
        yield namespace
    finally:
        for owner, name, former in reversed(undo):
            if former is undo:
                delattr(owner, name)
            else:
                setattr(owner, name, former)


@cache
def _attributes(qt_class):
    """The properties that this class adds to its base, as PythonQt shows them."""
    # Asked once: the second time PySide6 may say that the description of the class was deleted.
    meta = qt_class.staticMetaObject
    found = []
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name in _STAY_METHODS or not meta.property(index).isReadable():
            continue
        capital = name[0].upper() + name[1:]
        methods = qt_class.__dict__
        former = methods.get(name)
        read = methods.get(f"is{capital}") or methods.get(f"has{capital}") or former
        if read is None or isinstance(read, (staticmethod, types.BuiltinFunctionType)):
            read = _property_reader(name)
        write = methods.get(f"set{capital}")
        if write is None and meta.property(index).isWritable():
            write = _property_writer(name)
        found.append((name, Attribute(former, read, write)))
    return found


def _property_reader(name):
    return lambda self: self.property(name)


def _property_writer(name):
    return lambda self, value: self.setProperty(name, value)


def _finder(native, connections):
    ours = {"connect": connections.connect, "disconnect": connections.disconnect}

    def find(self, name):
        return partial(ours[name], self) if name in ours else native(self, name)

    return find


def _set_known_attribute(self, name, value):
    """PythonQt refuses attributes that a C++ class does not have, which catches misspelled properties."""
    kind = type(self)
    declared = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
    of_slicer = kind.__module__.partition(".")[0] in ("PySide6", "desktop_standin")
    # PySide6 itself keeps signals on their object.
    is_allowed = (
        name.startswith("_") or hasattr(declared, "__set__") or isinstance(value, QtCore.SignalInstance)
    )
    if isinstance(declared, QtCore.Property):
        self.setProperty(name, value)
    elif isinstance(value, QtCore.QObject) and value.objectName == name:
        # PySide6's loader of .ui files gives the root an attribute for each child; PythonQt's does not.
        return
    elif of_slicer and not is_allowed:
        raise AttributeError(f"{name!r} does not exist on {kind.__name__}, or is a method.")
    else:
        # Object is what all of them, and nothing else, come from; it stores what the instance is given.
        Object.__setattr__(self, name, value)


def _signature(sender, signature):
    # Signals of the doubles carry Python objects where Slicer's carry pointers to nodes.
    wanted = _QUALIFIED_POINTER.sub("PyObject", signature).replace(" ", "")
    if sender.metaObject().indexOfSignal(wanted) < 0:
        raise AttributeError(f"signal {signature!r} does not exist on {sender.metaObject().className()}")
    return wanted


def _relay(slot):
    """Calls `slot` with as many arguments as it takes, as PythonQt does."""
    code = getattr(getattr(slot, "__func__", slot), "__code__", None)
    if code is None or code.co_flags & 0x04:
        accepted = sys.maxsize
    else:
        accepted = code.co_argcount - hasattr(slot, "__func__")
    return lambda *arguments: slot(*arguments[:accepted])
