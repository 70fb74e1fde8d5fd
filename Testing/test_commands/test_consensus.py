"""psma-planning consensus: the contract's fields, files that appear whole or not at all, refusals."""

import argparse
import json

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.commands import consensus
from PSMAPlanningLib.errors import ConsensusError, FrameOfReferenceError, InputError, OutputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file, write_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.progress import no_progress

CONTRACT = {"method", "domain", "volume_ml", "inputs", "agreement", "sensitivity", "specificity"}
GRID = centred_grid(16, (1, 1, 1))


def run(*argv):
    parser = argparse.ArgumentParser()
    consensus.add_arguments(parser)
    document, text = consensus.execute(parser.parse_args([str(a) for a in argv]), no_progress)
    json.dumps(document, allow_nan=False)
    return document, text


@pytest.fixture
def files(tmp_path):
    paths = []
    for radius in (6, 8, 10):
        paths.append(tmp_path / f"Größe {radius}.nrrd")
        write_image_file(ball(GRID, (0, 0, 0), radius + 1e-6), paths[-1])
    return paths


def labels(path, places, radius=4):
    array = np.zeros(GRID.shape_kji, np.float32)
    for value, place in enumerate(places, start=1):
        array[ball(GRID, place, radius).array] = value
    write_image_file(Image(array, GRID, Quantity.UNKNOWN), path)
    return path


def test_contract_fields(files):
    document, text = run(*files, "--method", "staple")
    assert set(document) >= CONTRACT
    assert document["volume_ml"] == pytest.approx(2.109)
    assert document["domain"] == "crop:10"
    assert len(document["sensitivity"]) == len(document["specificity"]) == 3
    assert [i["name"] for i in document["inputs"]] == ["Größe 6", "Größe 8", "Größe 10"]
    assert document["agreement"]["kappa_domain"] == "crop:10"
    assert document["order_statistic"] == 2
    assert "number 2 of 3 from the innermost (Größe 8)" in text
    assert "crop:10 (" in text


def test_results_are_written(files, tmp_path):
    out, probability, disputed = (tmp_path / name for name in ("c.nrrd", "p.nii.gz", "d.mha"))
    document, _ = run(
        *files, "--method", "staple", "--domain", "full", "--out", out,
        *("--probability-out", probability, "--disputed-out", disputed),
    )  # fmt: skip
    assert document["files"] == [str(out), str(probability), str(disputed)]
    assert read_labels(out)[0].mask.voxels == 2109
    assert read_labels(disputed)[0].mask.voxels == 4169 - 925
    values = read_image_file(probability).array
    assert np.count_nonzero(values >= 0.5) == 2109
    with pytest.raises(OutputError, match="exists already"):
        run(*files, "--method", "union", "--out", out)
    run(*files, "--method", "union", "--out", out, "--force")
    assert read_labels(out)[0].mask.voxels == 4169


def test_at_least_takes_k(files):
    assert run(*files, "--method", "at_least", "--set", "k=3")[0]["volume_ml"] == pytest.approx(0.925)
    for wrong in ("k=0", "k=x", "n=2", "k"):
        with pytest.raises(ConsensusError, match="--set"):
            run(*files, "--method", "at_least", "--set", wrong)


def test_families(tmp_path):
    paths = []
    for number, radius in enumerate((10, 10, 10, 6, 7)):
        paths.append(tmp_path / f"{number}.nrrd")
        write_image_file(ball(GRID, (0, 0, 0), radius), paths[-1])
    plain, _ = run(*paths, "--method", "majority")
    weighted, _ = run(*paths, "--method", "majority", "--families", "fixed,fixed,fixed,gradient,reader")
    assert weighted["volume_ml"] < plain["volume_ml"]
    assert weighted["inputs"][0]["weight"] == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="2 families for 5"):
        run(*paths, "--method", "majority", "--families", "fixed,relative")


def test_equivalent_threshold(tmp_path):
    pet = blurred_spheres(GRID, [((0, 0, 0), 16, 10)])
    write_image_file(pet, tmp_path / "pet.nrrd")
    paths = []
    for suv in (2, 4, 6):
        paths.append(tmp_path / f"{suv}.nrrd")
        write_image_file(Mask(pet.array >= suv, GRID), paths[-1])
    document, text = run(*paths, "--method", "majority", "--pet", tmp_path / "pet.nrrd", "--units", "SUVbw")
    assert document["equivalent_threshold_suv"] == pytest.approx(4, abs=0.4)
    assert document["equivalent_threshold_dice"] == 1
    assert "equivalent threshold SUV" in text


def test_labels_of_one_file_are_contours(tmp_path):
    document, _ = run(labels(tmp_path / "a.nrrd", [(-2, 0, 0), (3, 0, 0)]), "--method", "union")
    assert [i["name"] for i in document["inputs"]] == ["a:label_1", "a:label_2"]


def test_equal_file_names_are_told_apart_by_their_folder(files, tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write_image_file(ball(GRID, (0, 0, 0), 5), tmp_path / name / "gtv.nrrd")
    document, _ = run(tmp_path / "x" / "gtv.nrrd", tmp_path / "y" / "gtv.nrrd", "--method", "union")
    assert [i["name"] for i in document["inputs"]] == ["x/gtv", "y/gtv"]


def test_whole_patient(tmp_path):
    a = labels(tmp_path / "A.nrrd", [(-9, 0, 0), (9, 0, 0)])
    b = labels(tmp_path / "B.nrrd", [(9, 1, 0)])
    c = labels(tmp_path / "C.nrrd", [(10, 0, 0)])
    out = tmp_path / "out.nrrd"
    document, text = run(a, b, c, "--method", "staple", "--per-lesion", "--out", out)
    lonely, common = document["lesions"]
    assert lonely["found_by"] == ["A"]
    assert lonely["not_found_by"] == ["B", "C"]
    assert "at least 3" in lonely["refused"]
    assert common["refused"] is None
    assert common["centroid"][0] == pytest.approx(9.3, abs=0.5)
    assert read_labels(out)[0].mask.volume_ml == pytest.approx(common["volume_ml"])
    assert document["volume_ml"] == pytest.approx(common["volume_ml"])
    assert "not by B, C" in text
    with pytest.raises(OutputError, match="--probability-out"):
        run(a, b, c, "--method", "staple", "--per-lesion", "--probability-out", tmp_path / "p.nrrd")
    with pytest.raises(InputError, match="two files or more"):
        run(a, "--method", "union", "--per-lesion")


def test_lidc_by_one_command(shared_data):
    for folder in sorted(shared_data("lidc_4reader_contours").glob("LIDC*")):
        document, _ = run(*sorted(folder.glob("*.nrrd")), "--method", "staple")
        volumes = [i["volume_ml"] for i in document["inputs"]]
        assert min(volumes) < document["volume_ml"] < max(volumes)
        assert len(document["agreement"]["dice"]) == 4


def test_rtstruct_on_its_image(shared_data):
    folder = shared_data("sts001_ge_wholebody_pet")
    structures = folder / "rtstruct" / "RS.dcm"
    with pytest.raises(InputError, match="--image"):
        run(structures, "--method", "union")
    document, _ = run(structures, "--method", "intersection", "--image", folder / "dicom_pet")
    assert {i["name"].partition(":")[2] for i in document["inputs"]} == {"GTV_Mass", "GTV_Edema"}
    named = run(
        structures, "--method", "union", "--image", folder / "dicom_pet", "--name", "GTV_Mass"
    )[0]  # fmt: skip
    assert named["volume_ml"] == pytest.approx(366.08, abs=0.05)
    with pytest.raises(InputError, match="nothing called GTV"):
        run(structures, "--method", "union", "--image", folder / "dicom_pet", "--name", "GTV")


def test_nothing_is_left_behind_after_a_refusal(files, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConsensusError, match="at least 3"):
        run(*files[:2], "--method", "staple", "--out", tmp_path / "out.nrrd")
    with pytest.raises(OutputError, match="gives no probability"):
        run(
            *files,
            "--method",
            "union",
            "--out",
            tmp_path / "o.nrrd",
            "--probability-out",
            tmp_path / "p.nrrd",
        )
    with pytest.raises(OutputError, match="same file"):
        run(*files, "--method", "staple", "--out", tmp_path / "o.nrrd", "--disputed-out", tmp_path / "o.nrrd")
    with pytest.raises(OutputError, match="must end in"):
        run(*files, "--method", "union", "--out", tmp_path / "o.txt")
    assert sorted(tmp_path.iterdir()) == before


def test_refusals(files, tmp_path):
    with pytest.raises(ConsensusError, match="no fusion method 'vote'"):
        run(*files, "--method", "vote")
    with pytest.raises(ConsensusError, match="domain"):
        run(*files, "--method", "union", "--domain", "box")
    with pytest.raises(InputError, match="does not exist"):
        run(tmp_path / "none.nrrd", "--method", "union")
    far = tmp_path / "far.nrrd"
    write_image_file(Mask(np.ones((3, 3, 3), bool), VoxelGrid((3, 3, 3), (1, 1, 1), (500, 0, 0))), far)
    with pytest.raises(ConsensusError, match="share no space"):
        run(*files, far, "--method", "union")


def test_another_frame_of_reference_is_refused(tmp_path, monkeypatch):
    from PSMAPlanningLib.commands import contour_files

    mask = ball(GRID, (0, 0, 0), 5)
    found = iter([("one", "1.2"), ("two", "1.3")])

    def read(_path, _image):
        name, frame = next(found)
        return [contour_files._Found(name, mask, frame)]

    monkeypatch.setattr(contour_files, "_read", read)
    with pytest.raises(FrameOfReferenceError, match="another frame of reference"):
        run("one.dcm", "two.dcm", "--method", "union")
