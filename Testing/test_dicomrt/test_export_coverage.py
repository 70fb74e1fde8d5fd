"""Coverage of what was exported, beside coverage of what was drawn."""

import numpy as np
import pytest
from phantoms import ball, centred_grid
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache
from PSMAPlanningLib.dicomrt.export_coverage import coverage_after_export, exported_shape
from PSMAPlanningLib.dicomrt.rtstruct_export import prepare_export
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.settings import CoverageSettings
from test_dicomrt.ct_on_disk import axial_grid, ct_series, structure


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return ct_series(axial_grid(), tmp_path_factory.mktemp("ct"))


@pytest.mark.parametrize("shift_mm", [-9.0, -3.0, 0.0, 3.0, 9.0])
def test_class_stays_what_it_is(series, shift_mm):
    lesion = ball(centred_grid(16, (1, 1, 1)), (shift_mm + 0.2, 0.3, 1.1), 4.0)
    half = np.zeros(series.grid.shape_kji, bool)
    right = series.grid.ras_of(np.array([[0, 0, i] for i in range(half.shape[2])]))[:, 0]
    half[1:-1, 2:-2, np.flatnonzero((right > 0) & (right < 20))] = True
    volume = Mask(half, series.grid)
    export = prepare_export([structure("GTV1", lesion), structure("CTV", volume, "CTV")], series)
    settings, peak = CoverageSettings(), lesion.centroid_ras()
    before = CoverageCache().of(lesion, peak, volume, settings)
    after = coverage_after_export(export.rois[:1], [peak], export.rois[1:], series, settings)["GTV1"]["CTV"]
    assert after.coverage_class is before.coverage_class
    assert after.fraction == pytest.approx(before.fraction, abs=0.06)


def test_shape_has_the_exported_volume(series):
    export = prepare_export([structure("GTV1", ball(centred_grid(8, (1, 1, 1)), (0, 0, 0), 5.0))], series)
    shape = exported_shape(export.rois[0], series)
    volume_ml = float(shape.array.sum()) * shape.grid.voxel_volume_ml
    assert volume_ml == pytest.approx(export.rois[0].exported_ml, rel=0.01)
    assert shape.array.size < series.grid.voxel_count / 4


def test_what_has_no_contour_has_no_shape(series):
    empty = Mask(np.zeros(series.grid.shape_kji, bool), series.grid)
    export = prepare_export([structure("GTV1", empty)], series)
    assert exported_shape(export.rois[0], series) is None
    assert coverage_after_export(export.rois, [(0, 0, 0)], (), series, CoverageSettings()) == {}
