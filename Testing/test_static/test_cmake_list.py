"""The package holds every file of the tree and no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "Testing" / "update_cmake_list.py"
CMAKE_LIST = REPOSITORY / "PSMAPlanning" / "CMakeLists.txt"


def test_list_is_what_the_script_would_write() -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_list_equals_the_tree() -> None:
    # Counted here without the script, which could be wrong in the same way as the list it wrote.
    module = CMAKE_LIST.parent
    listed = re.findall(r"^  (\S+\.\w+)$", CMAKE_LIST.read_text(encoding="utf-8"), re.MULTILINE)
    present = {
        path.relative_to(module).as_posix()
        for path in [
            *module.glob("*.py"),
            *(module / "Resources").rglob("*.*"),
            *(module / "PSMAPlanningLib").rglob("*.*"),
        ]
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == present


def test_lists_are_sorted() -> None:
    text = CMAKE_LIST.read_text(encoding="utf-8")
    for variable in ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"):
        names = re.search(rf"set\({variable}\n(.*?)\n  \)", text, re.DOTALL).group(1).split()
        assert names == sorted(names)
