"""Write the list of packaged files into PSMAPlanning/CMakeLists.txt; with --check only compare.

python Testing/update_cmake_list.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE = REPOSITORY / "PSMAPlanning"
CMAKE_LIST = MODULE / "CMakeLists.txt"
START = "# <file-list>\n"
STOP = "# </file-list>\n"


def packaged_files(module: Path = MODULE) -> list[str]:
    """Every file that belongs into the package, relative to the module, sorted."""
    return sorted(
        relative.as_posix()
        for path in module.rglob("*")
        if path.is_file() and _is_packaged(relative := path.relative_to(module))
    )


def _is_packaged(relative: Path) -> bool:
    # Installing the wheel from the tree leaves an .egg-info folder; editors leave hidden files.
    is_by_product = any(
        part.startswith(".") or part == "__pycache__" or part.endswith(".egg-info") for part in relative.parts
    )
    return not is_by_product and relative.suffix != ".pyc" and relative.as_posix() != "CMakeLists.txt"


def with_list(text: str, files: Iterable[str]) -> str:
    """The CMake text with what stands between the markers replaced by the list of `files`."""
    before, _, rest = text.partition(START)
    _, marker, after = rest.partition(STOP)
    if not marker:
        raise SystemExit(f"{CMAKE_LIST} lacks the markers {START.strip()} and {STOP.strip()}.")
    files = list(files)
    scripts = [name for name in files if name.endswith(".py")]
    resources = [name for name in files if not name.endswith(".py")]
    blocks = (
        _cmake_set("MODULE_PYTHON_SCRIPTS", scripts) + "\n" + _cmake_set("MODULE_PYTHON_RESOURCES", resources)
    )
    return before + START + blocks + STOP + after


def _cmake_set(variable: str, names: list[str]) -> str:
    return f"set({variable}\n" + "".join(f"  {name}\n" for name in names) + "  )\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when the list differs from the tree")
    check = parser.parse_args(arguments).check
    old = CMAKE_LIST.read_text(encoding="utf-8")
    new = with_list(old, packaged_files())
    if old == new:
        return 0
    if check:
        listed, present = set(old.splitlines()), set(new.splitlines())
        for line in sorted(present - listed):
            print(f"not listed: {line.strip()}", file=sys.stderr)
        for line in sorted(listed - present):
            print(f"listed, but not there: {line.strip()}", file=sys.stderr)
        print("Run `python Testing/update_cmake_list.py`.", file=sys.stderr)
        return 1
    CMAKE_LIST.write_text(new, encoding="utf-8", newline="\n")
    print(f"wrote {CMAKE_LIST.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
