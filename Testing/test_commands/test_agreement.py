"""psma-planning agreement: the contract's fields for a lesion and for a patient."""

import argparse
import json

import numpy as np
import pytest
from phantoms import ball, centred_grid
from PSMAPlanningLib.commands import agreement
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.progress import no_progress

CONTRACT = {
    *("dice", "conformity_index", "fleiss_kappa", "kappa_domain", "hd95_mm"),
    *("mean_surface_distance_mm", "surface_dice", "added_path_length_mm"),
}
GRID = centred_grid(20, (1, 1, 1))


def run(*argv):
    parser = argparse.ArgumentParser()
    agreement.add_arguments(parser)
    document, text = agreement.execute(parser.parse_args([str(a) for a in argv]), no_progress)
    json.dumps(document, allow_nan=False)
    return document, text


def written(folder, name, *places, radius=5):
    arrays = [ball(GRID, place, radius).array for place in places]
    write_image_file(Mask(np.logical_or.reduce(arrays), GRID), folder / name)
    return folder / name


def test_contract_fields(tmp_path):
    a, b = written(tmp_path, "a.nrrd", (0, 0, 0)), written(tmp_path, "b.nrrd", (3, 0, 0))
    document, text = run(a, b, "--domain", "crop:5", "--tolerance-mm", "1", "2.5")
    assert set(document) >= CONTRACT
    assert document["kappa_domain"] == "crop:5"
    assert set(document["surface_dice"]) == {"1", "2.5"}
    assert document["dice"][0][1] == pytest.approx(1 - 1.5 * 0.3 + 0.5 * 0.027, abs=0.03)
    assert "in the domain crop:5" in text
    assert "HD95" in text


def test_kappa_that_does_not_exist_is_null(tmp_path):
    a, b = written(tmp_path, "a.nrrd", (0, 0, 0)), written(tmp_path, "b.nrrd", (0, 0, 0))
    document, text = run(a, b, "--domain", "disputed")
    assert document["fleiss_kappa"] is None
    assert "undefined" in text


def test_whole_patient(tmp_path):
    a = written(tmp_path, "a.nrrd", (-10, 0, 0), (10, 0, 0))
    b = written(tmp_path, "b.nrrd", (10, 1, 0))
    document, text = run(a, b, "--per-lesion")
    assert document["found"] == {"a": 2, "b": 1}
    assert document["by_one_reader_only"] == ["L1"]
    assert document["lesions"][0]["agreement"] is None
    assert document["lesions"][1]["agreement"]["dice"][0][1] > 0.8
    assert document["whole"]["dice"][0][1] < 0.8
    assert "found by one reader only" in text


def test_one_contour_is_refused(tmp_path):
    with pytest.raises(ConsensusError, match="two contours"):
        run(written(tmp_path, "a.nrrd", (0, 0, 0)))


def test_lidc_by_one_command(shared_data):
    for folder in sorted(shared_data("lidc_4reader_contours").glob("LIDC*")):
        document, _ = run(*sorted(folder.glob("*.nrrd")))
        assert 0.5 < document["conformity_index"] < 0.9
