"""Coverage among the structures of a real post-prostatectomy plan (CORT), as its description says."""

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.settings import CoverageSettings


def structure(folder, name):
    (label,) = read_labels(folder / f"{name}.nrrd")
    return label.mask


def fraction(lesion, volume):
    return CoverageCache().of(lesion, lesion.centroid_ras(), volume, CoverageSettings()).fraction


@pytest.mark.parametrize(
    ("inner", "outer", "volume_ml"), [("prostate_bed", "PTV_68", 65.2), ("Lymph_Nodes", "PTV_56", 85.8)]
)
def test_targets_inside_their_ptv(shared_data, inner, outer, volume_ml):
    folder = shared_data("cort_prostate_structures")
    target, ptv = structure(folder, inner), structure(folder, outer)
    assert target.volume_ml == pytest.approx(volume_ml, abs=0.06)
    assert fraction(target, ptv) == 1.0
    assert fraction(shifted(target, (12.0, 0.0, 0.0)), ptv) < 1.0


def test_ptvs_share_what_their_description_says(shared_data):
    folder = shared_data("cort_prostate_structures")
    bed, nodes = structure(folder, "PTV_68"), structure(folder, "PTV_56")
    assert np.count_nonzero(bed.array & nodes.array) == 1014
    assert fraction(bed, nodes) == pytest.approx(1014 / bed.voxels, abs=1e-6)


def test_real_pelvis_labels_are_read_with_their_names(shared_data):
    from PSMAPlanningLib.anatomy_import import read_anatomy, read_label_names
    from PSMAPlanningLib.case_frames import CaseFrames
    from PSMAPlanningLib.imaging.read import read_ct

    folder = shared_data("pelvis_ct_totalsegmentator")
    ct = read_ct(folder / "ct.nii.gz")
    names = read_label_names(folder / "labels.csv")
    anatomy = read_anatomy(folder / "segmentation_117.nii.gz", names, CaseFrames(ct))
    assert anatomy["prostate"].volume_ml == pytest.approx(14.8, abs=0.06)
    assert anatomy["urinary_bladder"].volume_ml == pytest.approx(479, abs=0.6)
    # The right kidney lies on the patient's right, which is positive R.
    assert anatomy["kidney_right"].centroid_ras()[0] > anatomy["kidney_left"].centroid_ras()[0]


def shifted(mask: Mask, by_mm):
    origin = tuple(np.add(mask.grid.origin_ras, by_mm))
    return Mask(mask.array, replace(mask.grid, origin_ras=origin))
