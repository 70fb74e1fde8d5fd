"""Pictures of a case that a SceneProjection wrote into a scene, as PNG files."""

from .picture_3d import VIEWS, render_3d
from .picture_mip import render_mip
from .picture_slices import render_slices

__all__ = ["VIEWS", "render_3d", "render_mip", "render_slices"]
