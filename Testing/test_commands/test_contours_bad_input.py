"""Contours that cannot be compared, by both commands: said and left out, or one sentence and status 2."""

import json

import numpy as np
import pytest
from phantoms import ball, centred_grid
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file

GRID = centred_grid(14, (1, 1, 1))
COMMANDS = (("consensus", "--method", "majority"), ("agreement",))


def written(folder, **masks):
    paths = []
    for name, mask in masks.items():
        paths.append(str(folder / f"{name}.nrrd"))
        write_image_file(mask, folder / f"{name}.nrrd")
    return paths


def empty(folder, name="nothing"):
    path = folder / f"{name}.nrrd"
    write_image_file(Image(np.zeros(GRID.shape_kji, np.uint8), GRID, Quantity.UNKNOWN), path)
    return str(path)


def document_of(capsys, command, *paths):
    name, *options = command
    assert main([name, *paths, *options, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal_of(capsys, command, *paths):
    name, *options = command
    assert main([name, *paths, *options, "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if line.strip()]
    return line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_an_empty_contour_is_named_left_out_and_not_counted(command, tmp_path, capsys):
    paths = written(tmp_path, a=ball(GRID, (0, 0, 0), 6), b=ball(GRID, (0, 0, 0), 7))
    document = document_of(capsys, command, *paths, empty(tmp_path))
    assert document["left_out_empty"] == ["nothing"]
    names = document.get("names") or [each["name"] for each in document["inputs"]]
    assert names == ["a", "b"]


def test_nothing_but_empty_contours_is_refused(tmp_path, capsys):
    line = refusal_of(capsys, COMMANDS[0], empty(tmp_path, "one"), empty(tmp_path, "two"))
    assert "empty" in line


@pytest.mark.parametrize("method", ["majority", "staple", "simple", "probability", "mean_distance"])
def test_identical_contours_give_themselves_and_numbers(method, tmp_path, capsys):
    same = ball(GRID, (0, 0, 0), 6)
    paths = written(tmp_path, a=same, b=same, c=same)
    document = document_of(capsys, ("consensus", "--method", method), *paths)
    assert document["volume_ml"] == pytest.approx(same.volume_ml)
    assert document["disputed_ml"] == 0
    assert document["agreement"]["dice"] == [[1.0] * 3] * 3
    assert document["agreement"]["conformity_index"] == 1.0
    assert document["agreement"]["mean_surface_distance_mm"] == [[0.0] * 3] * 3
    if method == "staple":
        assert document["sensitivity"] == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_grids_that_share_no_space_are_refused(command, tmp_path, capsys):
    far = Mask(np.ones((3, 3, 3), bool), VoxelGrid((3, 3, 3), (1, 1, 1), (400, 0, 0)))
    paths = written(tmp_path, near=ball(GRID, (0, 0, 0), 6), far=far)
    line = refusal_of(capsys, command, *paths)
    assert "near and far share no space" in line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_more_than_thirty_are_refused_and_thirty_are_not(command, tmp_path, capsys):
    masks = {f"r{n:02d}": ball(GRID, (0, 0, 0), 3 + n / 10) for n in range(31)}
    paths = written(tmp_path, **masks)
    assert "31 contours are more than the 30" in refusal_of(capsys, command, *paths)
    if command[0] == "consensus":
        assert len(document_of(capsys, command, *paths[:30])["inputs"]) == 30


@pytest.mark.parametrize("method", ["staple", "simple"])
def test_two_contours_are_too_few_where_performance_is_estimated(method, tmp_path, capsys):
    paths = written(tmp_path, a=ball(GRID, (0, 0, 0), 6), b=ball(GRID, (2, 0, 0), 6))
    line = refusal_of(capsys, ("consensus", "--method", method), *paths, empty(tmp_path))
    assert "at least 3 contours that are not empty and got 2" in line
