"""Results that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError


@contextmanager
def staged_folder(destination: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside `destination` that takes its name when the work succeeded.

    On any error the temporary folder is removed and what was at `destination` stays. Raises OutputError
    when something is there already and `overwrite` is false, or when the place cannot be written to.
    """
    check_free(destination, overwrite)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    except OSError as error:
        raise OutputError(
            f"{destination} cannot be written ({error.strerror}); choose another folder."
        ) from error
    try:
        yield work
        work.chmod(0o755)
        _replace(work, destination)
    finally:
        if work.exists():
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def staged_file(destination: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary file beside `destination`, with the same suffix, renamed when the work succeeded."""
    check_free(destination, overwrite)
    with tempfile.TemporaryDirectory(prefix=".psma-", dir=_existing_parent(destination)) as folder:
        work = Path(folder) / destination.name
        yield work
        work.replace(destination)


def check_free(destination: Path, overwrite: bool) -> None:
    """Raise OutputError when `destination` exists and must not be overwritten."""
    if destination.exists() and not overwrite:
        raise OutputError(f"{destination} exists already; choose another name or add --force to replace it.")


def _existing_parent(destination: Path) -> Path:
    if not destination.parent.is_dir():
        raise OutputError(f"The folder {destination.parent} does not exist; create it first.")
    return destination.parent


def _replace(work: Path, destination: Path) -> None:
    if not destination.exists():
        work.replace(destination)
        return
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}-old-", dir=destination.parent) as old:
        kept = Path(old) / destination.name
        destination.replace(kept)
        try:
            work.replace(destination)
        except OSError:
            kept.replace(destination)
            raise
