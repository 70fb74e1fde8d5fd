"""The qMRML widgets that the panel uses, over the real scene of slicer-core."""

from __future__ import annotations

from functools import partial

import slicer
from PySide6.QtCore import Property, QItemSelection, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from .ctk_widgets import in_one_row, remembered, with_setters


class Observed:
    """Observers of MRML objects that go when the widget goes, also when C++ deletes it."""

    def __init__(self, widget):
        self._tags = []
        widget.destroyed.connect(partial(_forget, self._tags))

    def observe(self, observed, events, call):
        for event in events:
            self._tags.append((observed, observed.AddObserver(event, lambda _caller, _event: call())))

    def forget(self):
        _forget(self._tags)


def _forget(tags, _object=None):
    while tags:
        observed, tag = tags.pop()
        observed.RemoveObserver(tag)


class qMRMLWidget(QWidget):
    """Root of every panel; hands the scene on to whoever is wired to mrmlSceneChanged."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@with_setters
class qMRMLNodeComboBox(QWidget):
    """The nodes of the scene of given types, to choose one from."""

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    vars().update(remembered("QStringList", [], "nodeTypes"), **remembered(str, "None", "noneDisplay"))
    vars().update(remembered(bool, True, "addEnabled removeEnabled showChildNodeTypes"))
    vars().update(remembered(bool, False, "noneEnabled renameEnabled editEnabled showHidden"))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None
        self._current_id = ""
        self._known = []
        self._is_filling = False
        self._box = QComboBox(self)
        in_one_row(self, self._box)
        self._box.currentIndexChanged.connect(self._on_index_changed)
        self._observed = Observed(self)
        self.setEnabled(False)

    def setMRMLScene(self, scene):
        self._observed.forget()
        self._scene, self._current_id = scene, ""
        self.setEnabled(scene is not None)
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent)
            self._observed.observe(scene, events, self._fill)
        self._fill()
        # Where something must be chosen Slicer takes the first node there is, but not one that comes later.
        first = "" if self.noneEnabled else next(iter(self._known), "")
        self._choose(first, is_told=scene is not None)

    def nodes(self):
        count = self._scene.GetNumberOfNodes() if self._scene is not None else 0
        return [node for n in range(count) if self._is_offered(node := self._scene.GetNthNode(n))]

    def _is_offered(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        kinds = self.nodeTypes
        return node.GetClassName() in kinds or (self.showChildNodeTypes and any(map(node.IsA, kinds)))

    def nodeCount(self):
        return len(self.nodes())

    def currentNode(self):
        return self._scene.GetNodeByID(self._current_id) if self._scene and self._current_id else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, node_id):
        self._choose(node_id if node_id in self._known else "")

    currentNodeID = Property(str, lambda self: self._current_id, setCurrentNodeID)

    def _fill(self):
        if self._scene is not None and (self._scene.IsClosing() or self._scene.IsImporting()):
            return
        nodes = self.nodes()
        former, self._known = self._known, [node.GetID() for node in nodes]
        self._is_filling = True
        self._box.clear()
        if self.noneEnabled:
            self._box.addItem(self.noneDisplay, "")
        for node in nodes:
            self._box.addItem(node.GetName(), node.GetID())
        self._is_filling = False
        chosen, row = "", None
        if self._current_id in former:
            # Measured in Slicer 5.13: in place of a deleted node the next one is chosen, or the one before.
            row = former.index(self._current_id)
            left = [node_id for node_id in (*former[row:], *reversed(former[:row])) if node_id in self._known]
            chosen = next(iter(left), "")
        # There the same node at another row is told as well.
        self._choose(chosen, is_told=chosen in self._known and self._known.index(chosen) != row)

    def _choose(self, node_id, is_told=False):
        self._is_filling = True
        self._box.setCurrentIndex(self._box.findData(node_id))
        self._is_filling = False
        if node_id != self._current_id or is_told:
            self._current_id = node_id
            node = self.currentNode()
            self.currentNodeChanged[object].emit(node)
            self.currentNodeChanged[bool].emit(node is not None)
            self.currentNodeIDChanged.emit(node_id)

    def _on_index_changed(self, index):
        if not self._is_filling:
            self._choose(self._box.itemData(index) or "")


@with_setters
class qMRMLSegmentsTableView(qMRMLWidget):
    """Names and colors of the segments of one node."""

    selectionChanged = Signal(QItemSelection, QItemSelection)
    segmentCount = Property(int, lambda self: self._table.rowCount)
    vars().update(remembered(bool, True, "headerVisible visibilityColumnVisible opacityColumnVisible"))
    vars().update(remembered(bool, False, "readOnly statusColumnVisible filterBarVisible"))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = None
        self._table = QTableWidget(0, 2, self)
        self._table.setHorizontalHeaderLabels(["Name", "Color"])
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged.emit)
        in_one_row(self, self._table)
        self._observed = Observed(self)

    def segmentationNode(self):
        return self._node

    def setSegmentationNode(self, node):
        self._observed.forget()
        self._node = node
        if node is not None:
            kind = slicer.vtkSegmentation
            events = (kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified)
            self._observed.observe(node.GetSegmentation(), events, self._fill)
        self._fill()

    def _fill(self):
        ids = self._node.GetSegmentation().GetSegmentIDs() if self._node is not None else ()
        self._table.setRowCount(len(ids))
        for row, segment_id in enumerate(ids):
            segment = self._node.GetSegmentation().GetSegment(segment_id)
            red, green, blue = (round(255 * part) for part in segment.GetColor())
            self._table.setItem(row, 0, QTableWidgetItem(segment.GetName()))
            self._table.setItem(row, 1, QTableWidgetItem(f"#{red:02x}{green:02x}{blue:02x}"))


@with_setters
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """A placeholder: it keeps what it is told on the real segment editor node and has no effects."""

    vars().update(remembered(bool, True, "segmentationNodeSelectorVisible sourceVolumeNodeSelectorVisible"))
    vars().update(remembered(bool, True, "maskingSectionVisible specifyGeometryButtonVisible undoEnabled"))
    vars().update(remembered(bool, True, "show3DButtonVisible addRemoveSegmentButtonsVisible"))
    vars().update(remembered(bool, True, "switchToSegmentationsButtonVisible unorderedEffectsVisible"))
    vars().update(remembered(bool, True, "autoShowSourceVolumeNode"), **remembered(bool, False, "readOnly"))
    vars().update(remembered(int, 10, "maximumNumberOfUndoStates"), **remembered(int, 2, "effectColumnCount"))
    # What the real widget would hold of the main window and of the views; for tests.
    vars().update(remembered(bool, False, "holdsShortcuts holdsViews"))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._editor_node = None
        self._effects = ()
        QVBoxLayout(self).addWidget(QLabel("(segment editor of Slicer)", self))

    def mrmlSegmentEditorNode(self):
        return self._editor_node

    def setMRMLSegmentEditorNode(self, node):
        self._editor_node = node

    def segmentationNode(self):
        return self._editor_node.GetSegmentationNode() if self._editor_node else None

    def setSegmentationNode(self, node):
        self._editor_node.SetAndObserveSegmentationNode(node)
        # Like Slicer's: a segment is always selected when there is one.
        ids = node.GetSegmentation().GetSegmentIDs() if node else ()
        self.setCurrentSegmentID(ids[0] if ids else "")

    def sourceVolumeNode(self):
        return self._editor_node.GetSourceVolumeNode() if self._editor_node else None

    def setSourceVolumeNode(self, node):
        self._editor_node.SetAndObserveSourceVolumeNode(node)

    def currentSegmentID(self):
        return (self._editor_node.GetSelectedSegmentID() if self._editor_node else None) or ""

    def setCurrentSegmentID(self, segment_id):
        self._editor_node.SetSelectedSegmentID(segment_id)

    def setActiveEffect(self, effect):
        self.setActiveEffectByName(effect or "")

    def setActiveEffectByName(self, name):
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(name)

    def effectNameOrder(self):
        return self._effects

    def setEffectNameOrder(self, names):
        self._effects = tuple(names)

    def installKeyboardShortcuts(self, _parent=None):
        self.holdsShortcuts = True

    def uninstallKeyboardShortcuts(self):
        self.holdsShortcuts = False

    def setupViewObservations(self):
        self.holdsViews = True

    def removeViewObservations(self):
        self.holdsViews = False
