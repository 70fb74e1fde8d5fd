"""The layout "PSMA Planning" as Slicer's layout logic reads it."""

from __future__ import annotations

from typing import Any

from ..errors import SceneError

LAYOUT_ID = 58_720
"""Far above Slicer's own and those of other extensions."""
MIP_TAG = "psmaplanningmip"
_MIP_WIDTH, _SLICES_WIDTH = 300, 1000
_SLICE = """
<item><view class="vtkMRMLSliceNode" singletontag="{tag}">
 <property name="orientation" action="default">{orientation}</property>
 <property name="viewlabel" action="default">{label}</property>
 <property name="viewcolor" action="default">{color}</property>
</view></item>"""
_AXIAL = _SLICE.format(tag="Red", orientation="Axial", label="R", color="#F34A33")
_SAGITTAL = _SLICE.format(tag="Yellow", orientation="Sagittal", label="Y", color="#EDD54C")
_CORONAL = _SLICE.format(tag="Green", orientation="Coronal", label="G", color="#6EB04B")
_THREE_D = """
<item><view class="vtkMRMLViewNode" singletontag="1">
 <property name="viewlabel" action="default">1</property>
</view></item>"""
_XML = f"""
<layout type="horizontal" split="true">
 <item splitSize="{_MIP_WIDTH}"><{MIP_TAG}></{MIP_TAG}></item>
 <item splitSize="{_SLICES_WIDTH}"><layout type="vertical" split="true">
  <item><layout type="horizontal" split="true">{_AXIAL}{_THREE_D}</layout></item>
  <item><layout type="horizontal" split="true">{_CORONAL}{_SAGITTAL}</layout></item>
 </layout></item>
</layout>"""


def register_layout(node: Any) -> None:
    """Make the layout known to a vtkMRMLLayoutNode, once; raises SceneError when it does not take it."""
    if node.IsLayoutDescription(LAYOUT_ID):
        return
    if not node.AddLayoutDescription(LAYOUT_ID, _XML):
        raise SceneError("Slicer did not take the layout of PSMA Planning.")
