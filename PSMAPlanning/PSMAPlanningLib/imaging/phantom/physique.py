"""How one patient differs from the template: sizes, levels and fillings, all drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Physique:
    """The individual of one seed. Lengths in template millimetres unless the name says otherwise.

    width_scale, depth_scale, height_scale: trunk size against the template, per axis.
    pelvis_scale: extra width of the pelvis.
    fat_mm: fat under the skin beyond the template's.
    bladder_scale: linear size of the bladder against 400 ml.
    bifurcation_z: level of the aortic bifurcation, L4 or the L4/5 disc.
    tortuosity_mm: sideways winding of the great vessels.
    """

    width_scale: float
    depth_scale: float
    height_scale: float
    pelvis_scale: float
    fat_mm: float
    bladder_scale: float
    bifurcation_z: float
    tortuosity_mm: float
    rectal_gas: float
    phases: tuple[float, ...]
    offset_ras: tuple[float, float, float] = (4.3, -11.7, -803.0)

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Physique:
        """An adult man within the usual range."""
        uniform = generator.uniform
        return cls(
            width_scale=float(uniform(0.95, 1.06)),
            depth_scale=float(uniform(0.95, 1.07)),
            height_scale=float(uniform(0.96, 1.05)),
            pelvis_scale=float(uniform(0.97, 1.03)),
            fat_mm=float(uniform(-3.0, 10.0)),
            bladder_scale=float(uniform(0.72, 1.0)),
            bifurcation_z=float(uniform(151.0, 167.0)),
            tortuosity_mm=float(uniform(0.5, 4.0)),
            rectal_gas=float(uniform(0.2, 0.75)),
            phases=tuple(float(p) for p in uniform(0, 2 * np.pi, 8)),
        )

    def to_patient(self, points: np.ndarray) -> np.ndarray:
        """Template points (..., 3) to RAS millimetres: scales and slow bends; axial planes stay axial."""
        points = np.asarray(points, dtype=float)
        z = points[..., 2]
        right, anterior = self.plane_to_patient(points[..., 0], points[..., 1], z)
        return np.stack([right, anterior, self.height_scale * z + self.offset_ras[2]], axis=-1)

    def plane_to_patient(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """R and A of template points; a z that is shared by many points may be given once, to broadcast."""
        p = self.phases
        wide = 1.0 + (self.pelvis_scale - 1.0) / (1.0 + np.exp((z - 150.0) / 25.0))
        right = (self.width_scale * wide + 0.012 * np.sin(z / 60.0 + p[4])) * x
        right += 1.2 * _sine(y / 60.0 + (z / 70.0 + p[1]))
        right += 2.0 * np.sin(z / 110.0 + p[0]) + self.offset_ras[0]
        anterior = (self.depth_scale + 0.012 * np.sin(z / 65.0 + p[5])) * y
        anterior += 1.2 * _sine(x / 70.0 + (z / 90.0 + p[3]))
        anterior += 2.0 * np.sin(z / 130.0 + p[2]) + self.offset_ras[1]
        return right, anterior

    def patient_z(self, z: float) -> float:
        """RAS superior coordinate of a template level."""
        return self.height_scale * z + self.offset_ras[2]


def _sine(angle: np.ndarray) -> np.ndarray:
    """The sine in single precision, which is ten times faster and good to a ten-thousandth of a voxel."""
    return np.sin(angle.astype(np.float32))
