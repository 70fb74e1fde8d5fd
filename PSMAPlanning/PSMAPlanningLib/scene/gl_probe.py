"""Can this machine render off screen? Asked in a child process, because VTK without EGL crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

_REMEDY = (
    "install the system packages libegl1 libegl-mesa0 libgl1-mesa-dri (Debian, Ubuntu) "
    "or mesa-libEGL mesa-dri-drivers (Fedora)"
)
_TIMEOUT_SECONDS = 120
_RENDERED = "rendered"


@cache
def opengl_problem() -> str | None:
    """One sentence that says why pictures cannot be rendered here and what helps; None when they can."""
    from .headless import choose_offscreen_window

    choose_offscreen_window()
    package_folder = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package_folder), *sys.path])}
    try:
        child = subprocess.run(
            [sys.executable, "-m", "PSMAPlanningLib.scene.gl_probe"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Off-screen OpenGL could not be tried ({type(error).__name__}); {_REMEDY}."
    if child.returncode == 0 and _RENDERED in child.stdout:
        return None
    if "ModuleNotFoundError" in child.stderr:
        return "Pictures need VTK, which is not installed; install it with `pip install slicer-core`."
    return f"Off-screen OpenGL does not work here; {_REMEDY}."


def _render_something() -> bool:
    """Draw a white sphere on black and look whether both arrived."""
    import vtk

    mapper = vtk.vtkPolyDataMapper()
    sphere = vtk.vtkSphereSource()
    mapper.SetInputConnection(sphere.GetOutputPort())
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    renderer = vtk.vtkRenderer()
    renderer.AddActor(actor)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(64, 64)
    window.AddRenderer(renderer)
    window.Render()
    pixels = vtk.vtkUnsignedCharArray()
    window.GetPixelData(0, 0, 63, 63, 1, pixels, 0)
    values = [pixels.GetValue(n) for n in range(0, pixels.GetNumberOfValues(), 3)]
    return min(values) == 0 and max(values) > 100


if __name__ == "__main__":
    from PSMAPlanningLib.scene.headless import choose_offscreen_window as _choose

    _choose()
    if _render_something():
        print(_RENDERED)
