"""What slicer.parameterNodeWrapper does, for fields that are nodes."""

from __future__ import annotations

import typing
from functools import partial

import slicer
import vtk


def parameterNodeWrapper(wrapped):
    """Class decorator; the fields live on the node that the class is called with."""
    fields = typing.get_type_hints(wrapped)
    for name, kind in fields.items():
        if not issubclass(kind, slicer.vtkMRMLNode):
            raise NotImplementedError(f"The stand-in stores no {kind}; see desktop_standin.parameter_node.")
        setattr(wrapped, name, property(partial(_read, name=name), partial(_write, name=name)))
    return type(wrapped.__name__, (_Wrapper, wrapped), {"__module__": wrapped.__module__})


def _read(self, name):
    return self.parameterNode.GetNodeReference(name)


def _write(self, value, name):
    self.parameterNode.SetNodeReferenceID(name, value.GetID() if value is not None else None)


class _Wrapper:
    def __init__(self, node):
        self.parameterNode = node
        self._connected = {}
        self._is_showing = False

    def connectGui(self, gui):
        bound = [(w.property("SlicerParameterName"), w) for w in vars(gui).values()]
        links = [(name, w, partial(self._take, name, w)) for name, w in bound if name]

        def show(_caller=None, _event=None):
            self._is_showing = True
            for name, selector, _take in links:
                selector.setCurrentNode(getattr(self, name))
            self._is_showing = False

        show()
        for _name, selector, take in links:
            selector.connect("currentNodeChanged(vtkMRMLNode*)", take)
        tag = len(self._connected)
        self._connected[tag] = (links, self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, show))
        return tag

    def disconnectGui(self, tag):
        links, observer = self._connected.pop(tag)
        self.parameterNode.RemoveObserver(observer)
        for _name, selector, take in links:
            selector.disconnect("currentNodeChanged(vtkMRMLNode*)", take)

    def _take(self, name, selector, _node):
        if not self._is_showing:
            setattr(self, name, selector.currentNode())
