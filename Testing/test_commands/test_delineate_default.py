"""psma-planning delineate without --rule: background + 41 %, and every field of the contract."""

from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.commands import delineate
from PSMAPlanningLib.imaging.image_file import write_image_file
from test_commands.command_call import call

CONTRACT = {
    *("id", "threshold_suv", "volume_ml", "volume_interval_ml", "suv_max", "suv_peak", "suv_mean", "tlu"),
    *("centroid", "below_resolution"),
}


def test_the_default_contour_is_background_and_41_percent(tmp_path):
    pet = tmp_path / "pet.nrrd"
    write_image_file(blurred_spheres(centred_grid(40, (4, 4, 4)), [((0, 0, 0), 17, 10)]), pet)
    document, text = call(delineate, pet, "--units", "SUVbw")
    assert document["rule"] == "background_percent"
    assert document["parameters"] == {"percent": 41.0}
    (lesion,) = document["lesions"]
    assert set(lesion) >= CONTRACT
    background = lesion["details"]["background_suv"]
    assert lesion["threshold_suv"] == background + 0.41 * (lesion["suv_max"] - background)
    assert text.startswith("rule background_percent (NOT VERIFIED)")
