"""The nodes that belong to a planning case, found through the parameter node's references, never by name."""

from __future__ import annotations

from typing import Any

from ..errors import SceneError

MODULE_NAME = "PSMAPlanning"
PET, CT, LESIONS, CONTOURS, VOLUMES = "PET", "CT", "Lesions", "Contours", "RTVolumes"
LESION_TABLE, COVERAGE_TABLE, CONTEXT = "LesionTable", "CoverageTable", "Context"
PLANNING_CT, REGISTRATION = "PlanningCT", "Registration"
MISSED_PART, RULER = "MissedPart", "Ruler"
DOSE, COMPARISON_DOSE = "Dose", "ComparisonDose"
ROLES = (
    PET,
    CT,
    PLANNING_CT,
    REGISTRATION,
    LESIONS,
    CONTOURS,
    VOLUMES,
    LESION_TABLE,
    COVERAGE_TABLE,
    CONTEXT,
    MISSED_PART,
    RULER,
    DOSE,
    COMPARISON_DOSE,
)

_FOLDER_NAME = "PSMA planning"
_FOLDER_ATTRIBUTE = "PSMAPlanning.Folder"
_OWNED_ATTRIBUTE = "PSMAPlanning.Owned"


class OwnedNodes:
    """Access by role to the nodes of the planning case in one scene."""

    def __init__(self, scene: Any) -> None:
        if scene is None:
            raise SceneError("There is no MRML scene; open one with HeadlessSlicer or run inside Slicer.")
        self.scene = scene

    def get(self, role: str) -> Any | None:
        """The node of that role; None when the scene has none (any more)."""
        parameters = self.existing_parameters()
        return parameters.GetNodeReference(role) if parameters is not None else None

    def get_or_create(self, role: str, node_class: str, name: str) -> Any:
        """The node of that role, created under `name`, in the case's folder, when there is none."""
        node = self.get(role)
        if node is not None:
            return node
        node = self.prepared(node_class, name)
        self.enter(role, node)
        return node

    def prepared(self, node_class: str, name: str) -> Any:
        """A node that is not in the scene yet: nobody follows what is written into it; see `enter`."""
        node = self.scene.CreateNodeByClass(node_class)
        if node is None:
            raise SceneError(f"MRML could not make a {node_class} node.")
        node.UnRegister(None)
        node.SetName(self.scene.GenerateUniqueName(name))
        node.SetAttribute(_OWNED_ATTRIBUTE, "1")
        return node

    def enter(self, role: str, node: Any) -> None:
        """Put a prepared node into the scene and the case's folder, under its role."""
        if self.scene.AddNode(node) is None:
            raise SceneError(f"MRML did not take the node {node.GetName()!r}.")
        self.parameters().SetNodeReferenceID(role, node.GetID())
        self._put_in_folder(node)

    def adopt(self, role: str, node: Any) -> None:
        """Let a node that somebody else made stand for the role; it is referred to, and never removed."""
        self.parameters().SetNodeReferenceID(role, node.GetID())

    def is_ours(self, node: Any) -> bool:
        """Whether the node was made for the case, and may be rewritten and removed by it."""
        return node.GetAttribute(_OWNED_ATTRIBUTE) == "1"

    def remove(self, role: str) -> None:
        """Remove the node of that role together with the display and storage nodes only it uses.

        A node that the user chose is only let go.
        """
        node = self.get(role)
        if node is None:
            return
        self.existing_parameters().SetNodeReferenceID(role, None)
        if not self.is_ours(node):
            return
        helpers = helper_ids(node)
        self.scene.RemoveNode(node)
        # Slicer's hierarchy follows; in slicer-core it would go on pointing at the node that is gone.
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, True)
        for helper in map(self.scene.GetNodeByID, helpers):
            if helper is not None:
                self.scene.RemoveNode(helper)

    def remove_all(self) -> None:
        """Remove every node of the case, its folder and its parameter node."""
        for role in ROLES:
            self.remove(role)
        hierarchy = self._hierarchy()
        folder = self._existing_folder(hierarchy)
        if folder:
            hierarchy.RemoveItem(folder)
        parameters = self.existing_parameters()
        if parameters is not None:
            self.scene.RemoveNode(parameters)

    def parameters(self) -> Any:
        """The module's parameter node, created when there is none."""
        node = self.existing_parameters()
        if node is not None:
            return node
        node = self.scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetModuleName(MODULE_NAME)
        # Slicer's scripted module logic looks its parameter node up by this attribute.
        node.SetAttribute("ModuleName", MODULE_NAME)
        node.SetSingletonTag(MODULE_NAME)
        node.SetName(MODULE_NAME)
        added = self.scene.AddNode(node)
        if added is None:
            raise SceneError("MRML did not take the parameter node of PSMAPlanning.")
        return added

    def existing_parameters(self) -> Any | None:
        """The module's parameter node; None when the scene has none."""
        return self.scene.GetSingletonNode(MODULE_NAME, "vtkMRMLScriptedModuleNode")

    def _put_in_folder(self, node: Any) -> None:
        hierarchy = self._hierarchy()
        folder = self._existing_folder(hierarchy)
        if not folder:
            folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), _FOLDER_NAME)
            hierarchy.SetItemAttribute(folder, _FOLDER_ATTRIBUTE, "1")
        # Desktop Slicer makes the item by itself, slicer-core does not.
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, folder)
        else:
            item = hierarchy.CreateItem(folder, node)
        if not item:
            raise SceneError(f"The subject hierarchy did not take {node.GetName()!r}.")

    def _hierarchy(self) -> Any:
        from slicer import vtkMRMLSubjectHierarchyNode

        hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        if hierarchy is None:
            raise SceneError("The scene has no subject hierarchy.")
        return hierarchy

    @staticmethod
    def _existing_folder(hierarchy: Any) -> int:
        from vtk import vtkIdList

        items = vtkIdList()
        hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
        for n in range(items.GetNumberOfIds()):
            if hierarchy.GetItemAttribute(items.GetId(n), _FOLDER_ATTRIBUTE):
                return items.GetId(n)
        return 0


def helper_ids(node: Any) -> list[str]:
    """IDs of the display and storage nodes of a node."""
    displays = [node.GetNthDisplayNode(n) for n in range(_count(node, "GetNumberOfDisplayNodes"))]
    storages = [node.GetNthStorageNode(n) for n in range(_count(node, "GetNumberOfStorageNodes"))]
    return [helper.GetID() for helper in (*displays, *storages) if helper is not None]


def _count(node: Any, method: str) -> int:
    return getattr(node, method)() if hasattr(node, method) else 0
