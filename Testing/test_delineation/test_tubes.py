"""Tubes: length and width of known ones; a ureter is called one, a node or a chain of nodes is not."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import RegionClass, find_avid_regions
from PSMAPlanningLib.delineation.physiologic import classify_regions
from PSMAPlanningLib.delineation.tubes import tube_of
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_delineation.body_models import BLADDER, KIDNEYS, body_pet


def tube_pet(radius_mm=5.0, length_mm=60.0, tilt_degrees=20.0):
    grid = VoxelGrid((60, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -59.0))
    points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1))
    axis = np.array([np.sin(np.radians(tilt_degrees)), 0, np.cos(np.radians(tilt_degrees))])
    along = points @ axis
    aside = np.linalg.norm(points - along[..., None] * axis, axis=-1)
    inside = (aside <= radius_mm) & (np.abs(along) <= length_mm / 2)
    return Image(np.where(inside, 10.0, 0.0).astype(np.float32), grid, Quantity.SUVBW)


def test_a_known_tube():
    pet = tube_pet()
    tube = tube_of(find_avid_regions(pet, DetectionSettings()).regions[0], pet)
    assert tube.length_mm == pytest.approx(60, abs=6)
    assert tube.width_mm == pytest.approx(10, abs=1)
    assert tube.tilt_degrees == pytest.approx(20, abs=3)
    assert tube.bend_mm < 1
    assert tube.knob == pytest.approx(1)
    assert tube.ends_ras[0][2] < -20 < 20 < tube.ends_ras[1][2]


def test_a_ball_is_no_tube():
    pet = blurred_spheres(centred_grid(40, (4, 4, 3)), [((0, 0, 0), 12, 20)])
    tube = tube_of(find_avid_regions(pet, DetectionSettings()).regions[0], pet)
    assert tube.slenderness < 2


def standing(*more):
    """Beads close enough to be a tube: centre of its lower end, upper end."""
    return body_pet(organs=[*KIDNEYS, BLADDER, *more])


def beads(start, stop, count, diameter_mm, suv):
    return [(tuple(p), diameter_mm, suv) for p in np.linspace(start, stop, count)]


def classes_of(pet):
    return classify_regions(find_avid_regions(pet, DetectionSettings()).regions, {}, pet, Settings())


def class_at(regions, position):
    nearest = min(regions, key=lambda r: np.linalg.norm(r.mask.points_ras() - position, axis=1).min())
    return nearest.region_class, nearest.reason


LUMBAR = ((46.0, 0.0, 250.0), (41.0, 0.0, 300.0))


def test_a_tube_on_the_way_from_kidney_to_bladder_is_a_ureter():
    pet = standing(*beads(*LUMBAR, 26, 6.4, 14.0))
    assert class_at(classes_of(pet), (43, 0, 275)) == (RegionClass.PHYSIOLOGIC, "position:ureter_right")


@pytest.mark.parametrize(
    "organs",
    [
        beads(*LUMBAR, 4, 12.0, 25.0),
        [*beads(*LUMBAR, 26, 6.4, 9.0), ((43.0, 4.0, 275.0), 13, 40.0)],
        beads((46.0, 80.0, 250.0), (41.0, 80.0, 300.0), 26, 6.4, 14.0),
        beads((2.0, 0.0, 250.0), (2.0, 0.0, 300.0), 26, 6.4, 14.0),
        beads((20.0, 0.0, 275.0), (70.0, 0.0, 275.0), 26, 6.4, 14.0),
        [((43.0, 0.0, 275.0), 12, 25.0)],
    ],
    ids=["chain of nodes", "node on a tube", "in front", "in the midline", "across", "one node"],
)
def test_what_is_no_plain_tube_there_stays_undecided(organs):
    regions = classes_of(standing(*organs))
    classes = {class_at(regions, centre)[0] for centre, _, _ in organs}
    assert classes == {RegionClass.UNDECIDED}


def test_no_ureter_where_the_urine_is_not_hot():
    pet = body_pet(organs=[*KIDNEYS, *beads(*LUMBAR, 26, 6.4, 14.0)])
    assert class_at(classes_of(pet), (43, 0, 275))[0] is RegionClass.UNDECIDED


@pytest.mark.parametrize("gap_mm", [8.0])
def test_a_node_beside_bladder_or_ureter_is_a_region_of_its_own(gap_mm):
    """8 mm between the surfaces, on PET voxels of 4 mm at 6 mm FWHM."""
    beside_bladder = ((6.0 + 40 + gap_mm + 5, 10.0, 150.0), 10, 25.0)
    beside_ureter = ((43.0 - 2.5 - gap_mm - 5, 0.0, 275.0), 10, 25.0)
    pet = standing(*beads(*LUMBAR, 26, 6.4, 14.0), beside_bladder, beside_ureter)
    regions = classes_of(pet)
    for centre, _, _ in (beside_bladder, beside_ureter):
        own = [r for r in regions if np.linalg.norm(np.subtract(r.peak_ras, centre)) < 5]
        assert len(own) == 1
        assert own[0].region_class is RegionClass.UNDECIDED
        assert own[0].volume_ml < 4
