"""QUiLoader that knows the widgets of CTK and MRML, and wires what Qt cannot wire between Python classes."""

from __future__ import annotations

from xml.etree import ElementTree

from PySide6 import QtUiTools
from PySide6.QtCore import QBuffer, QByteArray, QObject
from PySide6.QtWidgets import QLayout

# Those of Slicer's style; Qt's own are about twice as wide.
_MARGINS, _SPACING = (4, 4, 4, 4), 3


def make_loader(widget_classes):
    """The class that stands for qt.QUiLoader.

    widget_classes: by name, those that a .ui file may use beside Qt's own.
    """

    class Loader(QtUiTools.QUiLoader):
        def load(self, file, parent=None):
            tree = ElementTree.fromstring(bytes(file.readAll()))
            declared = {element.findtext("class") for element in tree.iter("customwidget")}
            unknown = declared - set(widget_classes)
            if unknown:
                raise NotImplementedError(f"The stand-in has no {sorted(unknown)}; see desktop_standin.")
            for name in declared:
                self.registerCustomWidget(widget_classes[name])
            wires = _take_connections(tree)
            buffer = QBuffer()
            buffer.setData(QByteArray(ElementTree.tostring(tree)))
            buffer.open(QBuffer.OpenModeFlag.ReadOnly)
            root = super().load(buffer, parent)
            for layout in (layout for layout in root.findChildren(QLayout) if layout.name):
                layout.setSpacing(_SPACING)
                if layout.parent().isWidgetType():
                    layout.setContentsMargins(*_MARGINS)
            for sender, signal, receiver, slot in wires:
                _find(root, sender).connect(signal, getattr(_find(root, receiver), slot.partition("(")[0]))
            return root

    return Loader


def _take_connections(tree):
    """Remove what Qt would not understand of Python classes; returns the connections that were there."""
    for widget in tree.iter("widget"):
        if not widget.get("class").startswith("Q"):
            for given in list(widget.findall("property")):
                # Enumerations of C++ classes, for example ctkPathLineEdit::Dirs, have no meaning here.
                if given.find("set") is not None or given.find("enum") is not None:
                    widget.remove(given)
    parts = ("sender", "signal", "receiver", "slot")
    wires = [tuple(c.findtext(part) for part in parts) for c in tree.iter("connection")]
    connections = tree.find("connections")
    if connections is not None:
        tree.remove(connections)
    return wires


def _find(root, name):
    if root.name == name:
        return root
    return next(child for child in root.findChildren(QObject) if child.name == name)
