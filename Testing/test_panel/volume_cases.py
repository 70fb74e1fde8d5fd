"""A small digital patient with organs, volumes and a presenter over it, for the tests of RT volumes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from PSMAPlanningLib.imaging.phantom import PhantomParameters
from PSMAPlanningLib.panel.sample_case import sample_case
from PSMAPlanningLib.panel.volume_generating import KeptGenerator, with_generated
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import Contour, Lesion, LesionState
from PSMAPlanningLib.rtvolumes.guideline_files import load_guideline
from PSMAPlanningLib.scene.surfaces import surface_for_display
from PSMAPlanningLib.settings import Settings
from PSMAPlanningLib.volume_generation import GENERATED
from scipy import ndimage
from test_scene.cases import small_state

# The phantom also names the parts of the vessels; a segmentation of a patient does not.
_PARTS = ("_common_", "_external_", "_internal_")


@cache
def sample_state():
    """Organs, CT, PET and landmarks of the small phantom, with its volumes; no lesions."""
    state = sample_case(PhantomParameters(1, "small"), Settings(), Stage(no_progress))
    anatomy = {n: m for n, m in state.anatomy.items() if "iliac" not in n or not any(p in n for p in _PARTS)}
    return replace(state, anatomy=anatomy)


def with_lesion(state, decided=LesionState.ACCEPTED):
    """The state with one lesion of another case put into its first CTV.

    Without the iliac vessels: splitting them, to tell the lesion's region, takes seconds of every test.
    """
    anatomy = {name: mask for name, mask in state.anatomy.items() if "iliac" not in name}
    lesion = small_state().lesions[0]
    mask = lesion.contour.mask
    volume = state.volumes[0].mask
    depth = ndimage.distance_transform_edt(volume.array, volume.grid.spacing_kji_mm)
    target = volume.grid.ras_of(np.array(np.unravel_index(depth.argmax(), depth.shape), float))
    shift = target - mask.points_ras().mean(axis=0)
    grid = replace(mask.grid, origin_ras=tuple(float(x) for x in mask.grid.origin_ras + shift))
    moved = Lesion(
        "L01", lesion.region, (), Contour(replace(mask, grid=grid), "hand"), decided, lesion.history
    )
    return replace(state, lesions=(moved,), anatomy=anatomy)


@cache
def generated():
    """The state with the nodal CTV of RTOG 2009 and its landmarks, and the generator that made it."""
    kept = KeptGenerator()
    start = replace(sample_state(), volumes=(), landmarks=None)
    state = with_generated(start, load_guideline("rtog2009_nodes"), kept, Stage(no_progress))
    assert state.volumes[0].origin == GENERATED
    surface_for_display(state.volumes[0].mask)
    return state, kept


def run(panel):
    """Do the work that was started, to its end."""
    panel.worker.jobs.pop().run()


def row(panel, name):
    return panel.view.rt.row(name)
