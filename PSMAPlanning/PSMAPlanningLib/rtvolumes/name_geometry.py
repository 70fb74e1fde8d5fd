"""Bed or nodes, told by where a target lies beside the bladder."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Mask

_BED_BELOW_TOP_MM = 30.0
"""The bed ends 30 to 40 mm above the symphysis (RTOG 2010, doi:10.1016/j.ijrobp.2009.02.006), well below the
iliac vessels; a target that goes on above the bladder by more is nodal."""
_NODES_ASIDE_MM = 30.0
"""In the pelvis the iliac vessels run 30 mm and more from the midline; the bed lies between the levators."""


def role_by_place(target: Mask, bladder: Mask) -> str | None:
    """`bed`, `nodes`, or None when the place does not decide; both masks hold voxels.

    Bed: in the midline and with its centre below the bladder's. Nodes: reaching far above the bladder's
    centre and lying mostly aside of the midline, which is the bladder's.
    """
    points, centre = target.points_ras(), np.array(bladder.centroid_ras())
    aside = np.abs(points[:, 0] - centre[0])
    middle = points.mean(axis=0) - centre
    top = points[:, 2].max() - centre[2]
    mostly_aside = float(np.mean(aside > _NODES_ASIDE_MM)) > 0.5
    if mostly_aside and top > _BED_BELOW_TOP_MM:
        return "nodes"
    if not mostly_aside and middle[2] < 0 and abs(middle[0]) < _NODES_ASIDE_MM and top <= _BED_BELOW_TOP_MM:
        return "bed"
    return None
