"""What a source file imports, read from its syntax tree without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "PSMAPlanning"
LIBRARY = MODULE / "PSMAPlanningLib"


@dataclass(frozen=True)
class Import:
    """One import: the dotted name of what is imported, the line, and whether importing the file runs it."""

    name: str
    line: int
    at_file_scope: bool

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str | None:
        """Folder or file of the library that is imported; None for anything else."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "PSMAPlanningLib" and len(parts) > 1 else None


def library_files() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def room_of(path: Path) -> str:
    """Name of the folder, or of the file, directly under the library."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[Import]:
    """Every import of a file, also those inside functions and by importlib; relative names made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = list(path.relative_to(MODULE).with_suffix("").parts[:-1])
    return [
        Import(name, node.lineno, at_file_scope)
        for node, at_file_scope in _walk(tree, True)
        for name in _names(node, package)
    ]


def _walk(node: ast.AST, at_file_scope: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = at_file_scope and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inside = False
        yield child, inside
        yield from _walk(child, inside)


def _names(node: ast.AST, package: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        module = [*base, *([node.module] if node.module else [])]
        # The imported name may be a file (`from ..imaging import grid`) or not; only the room matters here.
        return [".".join([*module, alias.name]) for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
        return [node.args[0].value] if node.args and isinstance(node.args[0], ast.Constant) else []
    return []
