"""Results appear whole or not at all."""

import pytest
from PSMAPlanningLib.errors import OutputError
from PSMAPlanningLib.output import staged_file, staged_folder


def test_folder_appears_when_the_work_succeeded(tmp_path):
    target = tmp_path / "Ergebnis für Prüfung"
    with staged_folder(target, overwrite=False) as work:
        (work / "a.txt").write_text("a")
        assert not target.exists()
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert (target / "a.txt").read_text() == "a"


def test_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), staged_folder(tmp_path / "out", overwrite=False) as work:
        (work / "half").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_existing_results_are_kept_unless_asked(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(OutputError, match="--force"), staged_folder(target, overwrite=False):
        raise AssertionError
    with pytest.raises(ZeroDivisionError), staged_folder(target, overwrite=True):
        raise ZeroDivisionError
    assert (target / "old").exists()
    with staged_folder(target, overwrite=True) as work:
        (work / "new").write_text("new")
    assert [p.name for p in target.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_file(tmp_path):
    target = tmp_path / "suv.nrrd"
    with staged_file(target, overwrite=False) as work:
        work.write_text("1")
        assert work.suffix == ".nrrd"
    assert target.read_text() == "1"
    with pytest.raises(OutputError, match="exists already"), staged_file(target, overwrite=False):
        raise AssertionError
    with (
        pytest.raises(OutputError, match="does not exist"),
        staged_file(tmp_path / "no" / "x", overwrite=False),
    ):
        raise AssertionError
    assert [p.name for p in tmp_path.iterdir()] == ["suv.nrrd"]


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        staged_folder(tmp_path / "file" / "out", False),
    ):
        raise AssertionError
