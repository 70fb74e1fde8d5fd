"""Centre lines of the great vessels in template millimetres; pelvic ones for the right side."""

from __future__ import annotations

import numpy as np

SPLIT_Z = 110.0
"""Level at which the common iliac vessels divide, about L5/S1."""

AORTA = [(-9, 0, 350), (-11, 8, 300), (-12, 18, 262), (-11, 25, 228), (-9, 30, 195)]
VENA_CAVA = [(26, 22, 350), (25, 18, 300), (25, 18, 262), (22, 23, 228), (17, 27, 195)]

HUB_ARTERY = (37.0, 13.0, SPLIT_Z)
HUB_VEIN = (37.0, 1.0, SPLIT_Z - 4.0)

EXTERNAL_ARTERY = np.array([
    HUB_ARTERY, (41, 16, 98), (47, 23, 82), (55, 35, 64), (61, 46, 48), (66, 56, 31), (71, 63, 12),
    (75, 63, -8), (77, 56, -40), (76, 40, -110), (70, 24, -195),
], dtype=float)  # fmt: skip
INTERNAL_ARTERY = np.array([
    HUB_ARTERY, (40, -4, 101), (44, -20, 87), (47, -32, 70), (48, -38, 54), (45, -36, 38),
], dtype=float)  # fmt: skip
EXTERNAL_VEIN = np.array([
    HUB_VEIN, (39, 3, 92), (45, 11, 76), (52, 23, 60), (57, 34, 45), (61, 45, 28), (63, 53, 10), (65, 53, -8),
    (70, 45, -42), (72, 30, -110), (72, 15, -195),
], dtype=float)  # fmt: skip
INTERNAL_VEIN = np.array([
    HUB_VEIN, (40, -14, 94), (43, -30, 80), (45, -40, 66), (44, -42, 50),
], dtype=float)  # fmt: skip

RADII_MM = {
    "artery_external": [4.8] * 5 + [4.6] * 6,
    "artery_internal": [4.2, 4.0, 3.6, 3.2, 2.6, 2.0],
    "vein_external": [6.0] * 6 + [5.6] * 5,
    "vein_internal": [5.2, 4.8, 4.4, 3.6, 2.6],
}
PELVIC = {
    "artery_external": EXTERNAL_ARTERY,
    "artery_internal": INTERNAL_ARTERY,
    "vein_external": EXTERNAL_VEIN,
    "vein_internal": INTERNAL_VEIN,
}

RENAL_ARTERY = np.array([(-10, 22, 238), (14, 12, 236), (50, -10, 228)], dtype=float)
RENAL_VEIN_LEFT = np.array([(22, 24, 240), (-8, 36, 242), (-32, 20, 240), (-56, -8, 238)], dtype=float)
DEEP_FEMORAL = np.array([(88, 44, -30), (96, 30, -60), (96, 12, -110)], dtype=float)
OBTURATOR_ARTERY = np.array([(47, -20, 60), (46, 0, 42), (42, 18, 22), (40, 28, 8)], dtype=float)
GLUTEAL_ARTERY = np.array([(48, -38, 66), (64, -58, 62), (84, -72, 66)], dtype=float)
