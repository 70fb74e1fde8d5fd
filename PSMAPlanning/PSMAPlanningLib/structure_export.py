"""A structure set as a file: checked, whole and valid, or none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .dicomrt.export_plan import ExportOptions, ExportStructure
from .dicomrt.findings import Finding
from .dicomrt.planning_series import PlanningSeries
from .dicomrt.rtstruct_export import Export, prepare_export
from .errors import ExportError, OutputError
from .output import check_free, staged_file

_MOST_REASONS = 4


def write_export(export: Export, path: Path | str, overwrite: bool = False) -> None:
    """Write the structure set. Raises ExportError when its check found errors, OutputError when it cannot
    be written."""
    path = Path(path)
    if export.errors:
        raise ExportError(refusal(export.errors, path))
    check_free(path, overwrite)
    try:
        with staged_file(path, overwrite) as work:
            export.dataset.save_as(work, enforce_file_format=True)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); choose another folder or make room."
        ) from None


def write_rtstruct(
    structures: Sequence[ExportStructure],
    series: PlanningSeries,
    path: Path | str,
    options: ExportOptions | None = None,
    overwrite: bool = False,
) -> Export:
    """Structures as an RTSTRUCT on the planning CT; raises as `write_export` does, and then nothing is
    written."""
    check_free(Path(path), overwrite)
    export = prepare_export(structures, series, options)
    write_export(export, path, overwrite)
    return export


def refusal(errors: Sequence[Finding], path: Path) -> str:
    """One sentence with the first reasons."""
    reasons = [
        f"{each.structure}: {_first_small(each.sentence)}" if each.structure else _first_small(each.sentence)
        for each in errors[:_MOST_REASONS]
    ]
    more = f"; and {len(errors) - _MOST_REASONS} more" if len(errors) > _MOST_REASONS else ""
    return f"{path.name} was not written, because its check found errors: {'; '.join(reasons)}{more}."


def _first_small(sentence: str) -> str:
    sentence = sentence.rstrip(".")
    return sentence if sentence[:2].isupper() else sentence[:1].lower() + sentence[1:]
