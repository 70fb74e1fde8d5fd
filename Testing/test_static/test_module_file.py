"""PSMAPlanning.py holds Slicer's four classes and nothing that runs when Slicer starts."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "PSMAPlanning" / "PSMAPlanning.py"
LIBRARY = FILE.with_name("PSMAPlanningLib")
LIGHT = {"slicer", "vtk", *sys.stdlib_module_names}
TREE = ast.parse(FILE.read_text(encoding="utf-8"))


def _is_for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and not node.orelse


def test_four_classes() -> None:
    classes = [node.name for node in TREE.body if isinstance(node, ast.ClassDef)]
    assert classes == ["PSMAPlanning", "PSMAPlanningWidget", "PSMAPlanningLogic", "PSMAPlanningTest"]


def test_nothing_else_at_file_scope() -> None:
    for node in TREE.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert (
            isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef))
            or is_docstring
            or _is_for_type_checkers(node)
        ), ast.unparse(node)


def test_class_bodies_run_nothing() -> None:
    for node in (n for n in TREE.body if isinstance(n, ast.ClassDef)):
        assert not node.decorator_list
        for member in node.body:
            calls = (
                []
                if isinstance(member, ast.FunctionDef)
                else [n for n in ast.walk(member) if isinstance(n, ast.Call)]
            )
            assert not calls, f"{node.name}: {ast.unparse(member)}"


def test_file_scope_imports_are_light() -> None:
    for node in TREE.body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            if name.startswith("PSMAPlanningLib."):
                _assert_light(LIBRARY.parent.joinpath(*name.split(".")).with_suffix(".py"))
            else:
                assert name.partition(".")[0] in LIGHT, name


def _assert_light(file: Path) -> None:
    """A file of the library that is read when Slicer starts must not read others that are not."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            assert all(alias.name.partition(".")[0] in LIGHT for alias in node.names), ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            _assert_light(file.with_name(f"{node.module}.py"))
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module.partition(".")[0] in LIGHT, ast.unparse(node)


def test_visible_text_is_translated() -> None:
    """Title and help go through `_()`, without f-strings inside, which no translation could match."""
    for node in ast.walk(TREE):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("_", "translate"):
            assert all(isinstance(argument, ast.Constant) for argument in node.args), ast.unparse(node)
    assert "self.parent.title = _(" in FILE.read_text(encoding="utf-8")
