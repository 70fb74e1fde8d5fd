"""The rooms of the library know each other in one direction only: panel, scene, case, clinical rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from test_static import imports as static_imports

REPOSITORY = Path(__file__).resolve().parents[2]
GROUND = {"errors", "progress", "version", "settings", "settings_lesions", "settings_plan", "data"}
CLINICAL = {"imaging", "delineation", "consensus", "rtvolumes", "coverage", "dicomrt", "report"}
ENTRY = {"__init__", "commandline"}
# Files directly in the library that are neither: the case and what is done with it.
CASE = {path.stem for path in static_imports.LIBRARY.glob("*.py")} - GROUND - ENTRY
DATA_FLOW = {
    # Room: the clinical rooms it may import.
    "imaging": set(),
    "delineation": {"imaging"},
    "consensus": {"imaging", "delineation"},
    "rtvolumes": {"imaging"},
    "coverage": {"imaging", "delineation", "consensus", "rtvolumes"},
    "dicomrt": {"imaging", "delineation", "consensus", "rtvolumes", "coverage"},
    "report": {"imaging", "delineation", "consensus", "rtvolumes", "coverage"},
}
ALLOWED_ROOMS = {
    "errors": set(),
    "version": set(),
    "data": set(),
    "__init__": {"version"},
    "progress": {"errors"},
    "settings": {"errors", "settings_lesions", "settings_plan"},
    "settings_lesions": {"errors"},
    "settings_plan": {"errors", "settings_lesions"},
    **{room: GROUND | sources | {room} for room, sources in DATA_FLOW.items()},
    **dict.fromkeys(CASE, GROUND | CLINICAL | CASE),
    "scene": GROUND | CLINICAL | CASE | {"scene"},
    "panel": GROUND | CLINICAL | CASE | {"scene", "panel"},
    "commands": GROUND | CLINICAL | CASE | {"scene", "commands"},
    "commandline": GROUND | CLINICAL | CASE | {"scene", "commands"},
}
OURS_OF_SLICER = {
    "slicer",
    "qt",
    "ctk",
    "mrml",
    "sitkUtils",
    "DICOMLib",
    "SampleData",
    "SegmentEditorEffects",
}
AT_FILE_SCOPE = {"numpy", "scipy", "SimpleITK", "pydicom", "vtk", "vtkmodules", "slicer", "PSMAPlanningLib"}

each_file = pytest.mark.parametrize(
    "path", static_imports.library_files(), ids=lambda p: p.relative_to(static_imports.LIBRARY).as_posix()
)


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(REPOSITORY)}:{line}"


@each_file
def test_room_imports_only_what_lies_before_it(path: Path) -> None:
    room = static_imports.room_of(path)
    assert room in ALLOWED_ROOMS, f"{room} is new: say in this test what it may import."
    for found in static_imports.imports_of(path):
        if found.room is not None:
            assert found.room in ALLOWED_ROOMS[room], f"{_where(path, found.line)}: {room} -> {found.room}"


@each_file
def test_only_scene_and_panel_import_slicer(path: Path) -> None:
    room = static_imports.room_of(path)
    permitted = {"scene": {"slicer"}, "panel": OURS_OF_SLICER}.get(room, set())
    for found in static_imports.imports_of(path):
        if found.top in OURS_OF_SLICER:
            assert found.top in permitted, f"{_where(path, found.line)}: {room} imports {found.name}"
        assert not found.top.startswith("PySide"), f"{_where(path, found.line)}: Slicer has no PySide"


@each_file
def test_only_panel_uses_the_application(path: Path) -> None:
    if static_imports.room_of(path) == "panel":
        return
    for found in static_imports.imports_of(path):
        assert not found.name.startswith("slicer.app"), _where(path, found.line)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "app":
            assert ast.unparse(node.value) not in ("slicer", "self._slicer"), _where(path, node.lineno)


@each_file
def test_presenter_knows_no_qt(path: Path) -> None:
    if path.parent.name == "panel" and path.name.startswith("presenter"):
        for found in static_imports.imports_of(path):
            assert found.top not in ("qt", "ctk"), _where(path, found.line)


@each_file
def test_file_scope_imports_come_with_slicer(path: Path) -> None:
    permitted = AT_FILE_SCOPE | set(sys.stdlib_module_names)
    if static_imports.room_of(path) == "panel":
        permitted |= {"qt", "ctk"}
    for found in static_imports.imports_of(path):
        if found.at_file_scope:
            assert found.top in permitted, f"{_where(path, found.line)}: import {found.name} where it is used"


def test_clinical_rooms_are_the_ones_of_the_tree() -> None:
    """A renamed room must not slip out of the rules."""
    rooms = {path.name for path in static_imports.LIBRARY.iterdir() if (path / "__init__.py").exists()}
    assert rooms == CLINICAL | {"data", "scene", "panel", "commands"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, PSMAPlanningLib; print(*{'numpy','scipy','vtk','slicer','SimpleITK'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=static_imports.MODULE, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "from ..imaging.grid import VoxelGrid",
            [("PSMAPlanningLib.imaging.grid.VoxelGrid", "imaging", True)],
        ),
        ("from .. import case", [("PSMAPlanningLib.case", "case", True)]),
        ("from . import tables", [("PSMAPlanningLib.coverage.tables", "coverage", True)]),
        ("def f():\n    import slicer", [("slicer", None, False)]),
        ("class A:\n    import qt", [("qt", None, True)]),
        ("try:\n    import ctk\nexcept ImportError:\n    pass", [("ctk", None, True)]),
        (
            "import importlib\nimportlib.import_module('slicer')",
            [("importlib", None, True), ("slicer", None, True)],
        ),
        ("if TYPE_CHECKING:\n    import slicer", [("slicer", None, False)]),
    ],
)
def test_the_reader_of_imports_sees_every_kind(
    source: str, expected: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_imports, "MODULE", tmp_path)
    path = tmp_path / "PSMAPlanningLib" / "coverage" / "table.py"
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    found = [(i.name, i.room, i.at_file_scope) for i in static_imports.imports_of(path)]
    assert found == expected
