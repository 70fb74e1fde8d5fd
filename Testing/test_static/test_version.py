"""One version number: Python, CMake and the wheel read the same line."""

from __future__ import annotations

import re
from pathlib import Path

import PSMAPlanningLib
from PSMAPlanningLib.version import VERSION

REPOSITORY = Path(__file__).resolve().parents[2]


def test_version_is_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert PSMAPlanningLib.__version__ == VERSION


def test_cmake_reads_the_line_that_python_reads() -> None:
    cmake = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    source = (REPOSITORY / "PSMAPlanning" / "PSMAPlanningLib" / "version.py").read_text(encoding="utf-8")
    pattern = re.search(r'REGEX "(\^VERSION.*?)"\)', cmake).group(1)
    # What CMake's string syntax escapes, Python's does not need.
    pattern = pattern.replace('\\"', '"').replace("\\\\", "\\")
    lines = [line for line in source.splitlines() if re.search(pattern, line)]
    assert len(lines) == 1
    assert VERSION in lines[0]


def test_no_second_version_number() -> None:
    cmake = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{VERSION}"' not in cmake
    assert not re.search(r"^version\s*=\s*[\"']", pyproject, re.MULTILINE)


def test_index_script_finds_name_and_pictures() -> None:
    """The expressions are those of Slicer's ExtensionsIndex, scripts/check_description_files.py."""
    cmake = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    names = re.findall(r"project\s*\(\s*([^\s\)\n\r]+)", cmake, re.IGNORECASE | re.MULTILINE)
    assert names[0] == "PSMAPlanning"
    assert "not a medical device" in cmake
    for variable in ("EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"):
        urls = re.findall(rf'set\s*\({variable}\s*"([^"]+)"\)', cmake, re.IGNORECASE | re.MULTILINE)
        assert len(urls) == 1
        assert all(
            re.fullmatch(r"https://raw\.githubusercontent\.com/[^\s&]+\.png", u) for u in urls[0].split()
        )
