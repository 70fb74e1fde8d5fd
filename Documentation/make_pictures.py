"""Makes the README's pictures from the digital patient: python Documentation/make_pictures.py.

Run after `pip install .`; needs off-screen OpenGL.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PSMAPlanningLib.chain import run_chain
from PSMAPlanningLib.commands.demo import write_patient
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.scene.headless import HeadlessSlicer
from PSMAPlanningLib.scene.pictures import render_3d, render_mip, render_slices
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.settings import Settings

FOLDER = Path(__file__).parent


def main() -> None:
    phantom = make_phantom(PhantomParameters())
    with tempfile.TemporaryDirectory() as patient:
        case = run_chain(write_patient(phantom, Path(patient)), Settings(), "Documentation")
    mesorectal = next(lesion.centre_ras for lesion in phantom.lesions if lesion.region == "mesorectal")
    with HeadlessSlicer() as slicer_app:
        projection = SceneProjection(slicer_app.scene)
        projection.update(None, case.state, case.coverage())
        render_3d(slicer_app.scene, FOLDER / "coverage-3d.png")
        render_mip(slicer_app.scene, FOLDER / "mip.png")
        for shown in ("ct", "pet", "fusion"):
            render_slices(slicer_app.scene, FOLDER / f"slices-{shown}.png", mesorectal, shown=shown)


if __name__ == "__main__":
    main()
