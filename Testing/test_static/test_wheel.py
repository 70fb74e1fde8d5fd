"""The wheel, built and installed as a user gets it, holds the library and its data files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "PSMAPlanning" / "PSMAPlanningLib"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From 70.1 on setuptools builds wheels without the package `wheel`.
    pytest.importorskip("setuptools", minversion="70.1")
    # In a copy: setuptools leaves build/ and .egg-info behind, and a stale build/ would hide a missing file.
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(REPOSITORY / name, source / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(REPOSITORY / "PSMAPlanning", source / "PSMAPlanning", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    result = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(source)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_every_file_of_the_library(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("PSMAPlanningLib/")}
    present = {
        path.relative_to(LIBRARY.parent).as_posix()
        for path in LIBRARY.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert packed == present


def test_wheel_installs_and_imports_by_itself(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import PSMAPlanningLib, PSMAPlanningLib.commandline as c\n"
        "from importlib.resources import files\n"
        "print(PSMAPlanningLib.__file__, PSMAPlanningLib.__version__)\n"
        "print(*sorted(f.name for f in files('PSMAPlanningLib.data').iterdir()))\n"
        "c.parser()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(target)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    imported, data = result.stdout.splitlines()[:2]
    path, version = imported.rsplit(" ", 1)
    assert Path(path).is_relative_to(target)
    assert version in wheel.name
    expected = {p.name for p in (LIBRARY / "data").iterdir() if p.suffix != ".py" and p.is_file()}
    assert expected <= set(data.split())


def test_command_is_declared(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
    assert "psma-planning = PSMAPlanningLib.commandline:main" in archive.read(name).decode()
