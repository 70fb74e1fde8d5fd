"""The one version number; CMake and pyproject.toml read it from here."""

VERSION = "0.1.0"
