"""The mesorectum: where the rectum ends, on drawn tubes; on the phantom; on the real pelvis."""

from types import SimpleNamespace

import numpy as np
import pytest
from nodal_cases import TOTALSEGMENTATOR, phantom_of, real_structures
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.read import read_ct
from PSMAPlanningLib.rtvolumes.guideline_files import load_guideline
from PSMAPlanningLib.rtvolumes.landmarks import Landmark, LandmarkSource
from PSMAPlanningLib.rtvolumes.mesorectum import ANTERIOR_FAT_MM, mesorectal, trace_rectum
from PSMAPlanningLib.rtvolumes.nodal import NodalGenerator
from PSMAPlanningLib.rtvolumes.nodal_anatomy import anatomy_of
from PSMAPlanningLib.rtvolumes.nodal_space import WorkingSpace

HIGH = 1e6


def space_of(spacing=(1.0, 1.0, 1.0), size_mm=120.0):
    shape = tuple(round(size_mm / s) for s in spacing[::-1])
    return WorkingSpace(VoxelGrid(shape, spacing, tuple(s / 2 for s in spacing)))


def places(space):
    return space.axis(0)[:, None, None], space.axis(1)[None, :, None], space.axis(2)[None, None, :]


def upright(space, radius=12.0, middle=(60.0, 40.0), low=10.0, high=110.0):
    s, a, r = places(space)
    return ((a - middle[1]) ** 2 + (r - middle[0]) ** 2 <= radius**2) & (s >= low) & (s <= high)


def bent(space, radius=12.0, bend=30.0, start_s=50.0):
    """Upright to start_s, then a quarter circle forwards, then straight on forwards."""
    s, a, r = places(space)
    below = upright(space, radius, high=start_s)
    around = np.hypot(s - start_s, a - 40.0 - bend) - bend
    turn = (around**2 + (r - 60.0) ** 2 <= radius**2) & (s >= start_s) & (a <= 40.0 + bend)
    level = (s - start_s - bend) ** 2 + (r - 60.0) ** 2 <= radius**2
    return below | turn | (level & (a > 40.0 + bend))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 0.9), (0.7, 0.7, 1.0)])
@pytest.mark.parametrize(("radius", "bend", "start_s"), [(12.0, 30.0, 50.0), (15.0, 25.0, 45.0)])
def test_the_junction_is_where_the_tube_begins_to_run_forwards(spacing, radius, bend, start_s):
    space = space_of(spacing)
    traced = trace_rectum(bent(space, radius, bend, start_s), space, HIGH)
    # The horizontal limb's lower edge: from there on a section holds the whole forward limb.
    assert traced.junction_s == pytest.approx(start_s + bend - radius, abs=2.0)
    assert space.axis(0)[traced.array.any(axis=(1, 2))].max() < traced.junction_s


@pytest.mark.parametrize("lean", [-1.0, 0.0, 0.8])
def test_a_straight_rectum_has_no_junction_however_it_leans(lean):
    space = space_of(size_mm=160.0)
    s, a, r = places(space)
    # The lower rectum runs backwards along the pelvic floor, the upper one forwards along the sacrum.
    tube = (a - 80.0 - lean * (s - 60.0)) ** 2 + (r - 60.0) ** 2 <= 144.0
    tube = tube & (s > 20) & (s < 110)
    traced = trace_rectum(tube, space, HIGH)
    assert traced.junction_s is None
    assert np.array_equal(traced.array, tube)


def test_an_ampulla_that_widens_is_no_junction():
    space = space_of()
    s, a, r = places(space)
    radius = 8.0 + 20.0 * np.clip((s - 10.0) / 25.0, 0.0, 1.0)
    rectum = ((a - 60) ** 2 + (r - 60) ** 2 <= radius**2) & (s > 10)
    assert trace_rectum(rectum, space, HIGH).junction_s is None


def test_a_loop_that_hangs_beside_the_rectum_is_not_followed():
    space = space_of()
    rectum = upright(space, middle=(40.0, 40.0))
    loop = upright(space, radius=10.0, middle=(85.0, 60.0), low=30.0)
    traced = trace_rectum(rectum | loop, space, HIGH)
    assert np.array_equal(traced.array, rectum)


def test_it_is_followed_no_higher_than_asked():
    space = space_of()
    traced = trace_rectum(upright(space), space, 70.0)
    assert space.axis(0)[traced.array.any(axis=(1, 2))].max() == pytest.approx(70.0, abs=1.0)
    assert traced.junction_s is None


def test_the_phantoms_rectum_ends_where_it_was_drawn_to_end():
    """With TotalSegmentator's names there is a colon and no rectum."""
    phantom = phantom_of(1)
    named = phantom_of(1, structures=True)
    anatomy = anatomy_of({name: mask for name, mask in named.items() if name in TOTALSEGMENTATOR})
    generator, volume = generated(anatomy, phantom.ct)
    (found,) = [f for f in volume.findings if f.structure == "mesorectum"]
    assert found.code == "rectosigmoid_junction_inferred"
    top = phantom.structure("rectum").points_ras()[:, 2].max()
    # Rectum and sigmoid are drawn as one tube: the junction is known to a part of its calibre.
    assert found.numbers["s_mm"] == pytest.approx(top, abs=6.0)
    part = generator.parts()["LN_Mesorectal"]
    # The fat it was drawn in: 134 to 148 mL at these levels, in four patients.
    assert 110.0 < part.volume_ml < 190.0
    assert part.points_ras()[:, 2].max() <= found.numbers["s_mm"]


def test_the_real_mesorectum_lies_between_its_borders(shared_data):
    structures = real_structures(shared_data)
    anatomy = anatomy_of(structures)
    ct = read_ct(shared_data("pelvis_ct_totalsegmentator") / "ct.nii.gz")
    generator, volume = generated(anatomy, ct)
    part = generator.parts()["LN_Mesorectal"]
    (numbers,) = (step.numbers for step in volume.steps if step.what == "mesorectum")
    # On this CT the bowel leaves the hollow of the sacrum between S 168 and 172 (seen in axial slices).
    assert numbers["up_to_s_mm"] == pytest.approx(170.0, abs=3.0)
    # With the rectum inside 54 to 323 mL (Eur Radiol 2005, 10.1007/s00330-005-2657-5, 25 people).
    rectum = anatomy.get("colon").points_ras()
    inside = (rectum[:, 2] < numbers["up_to_s_mm"]) & (rectum[:, 2] > 113.0) & (rectum[:, 1] < 115)
    inside &= np.abs(rectum[:, 0]) < 40
    rectum_ml = np.count_nonzero(inside) * anatomy.get("colon").grid.voxel_volume_ml
    assert 25.0 < rectum_ml < 35.0
    assert 54.0 < part.volume_ml + rectum_ml < 323.0
    assert 135.0 < part.volume_ml < 165.0
    # Fat of 25.6 cm2 in men at the ischial spines (35 men, Dis Colon Rectum 2009), here at S 125 to 150.
    levels = np.unique(np.round(part.points_ras()[:, 2], 3))
    middle = levels[(levels > 125.0) & (levels < 150.0)]
    voxel_cm2 = np.prod(part.grid.spacing_mm[:2]) / 100
    areas = [np.count_nonzero(np.isclose(part.points_ras()[:, 2], s)) * voxel_cm2 for s in middle[::5]]
    assert min(areas) > 20.0 and max(areas) < 31.0
    widths = part.points_ras()[:, 0]
    # 71.5 mm (SD 8.7) wide at the seminal vesicles (100 people, 10.13418/j.issn.1001-165x.2020.01.008).
    assert 54.0 < np.ptp(widths) < 89.0
    assert part.points_ras()[:, 1].max() < rectum[inside][:, 1].max() + ANTERIOR_FAT_MM + 2.0
    # It hangs on the rectum, and the rest of the volume is what it was.
    without = generator.with_guideline(load_guideline("rtog2009_nodes")).generate()
    assert volume.mask.volume_ml == pytest.approx(without.mask.volume_ml + part.volume_ml, abs=1.0)


def generated(anatomy, ct):
    generator = NodalGenerator(anatomy, load_guideline("rtog2009_nodes").with_switch("mesorectum", True), ct)
    return generator, generator.generate()


def test_without_a_rectum_it_is_left_out():
    marks = {"S3_bottom": Landmark("S3_bottom", LandmarkSource.MISSING)}
    findings = []
    maker = SimpleNamespace(
        guideline=load_guideline("rtog2009_nodes").with_switch("mesorectum", True),
        material=SimpleNamespace(rectum=None, automatic=marks),
        findings=findings,
    )
    assert mesorectal(maker) is None
    assert [f.code for f in findings] == ["mesorectum_left_out"]
