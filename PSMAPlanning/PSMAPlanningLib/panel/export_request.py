"""What the Export section writes, as it was chosen there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..case_export import CANDIDATES, LESIONS, VOLUMES
from ..errors import OutputError


@dataclass(frozen=True)
class ExportRequest:
    """Where to, and what. Raises OutputError for a folder that is none.

    parent: folder in which a new one is made. planning_ct: DICOM folder that structures refer to, None
    without. pictures, scene: whether they are written.
    structures: parts of the structure set (LESIONS, VOLUMES, CANDIDATES); none: no structure set.
    include_undecided: also what nobody has accepted.
    """

    parent: Path
    planning_ct: Path | None = None
    pictures: bool = True
    scene: bool = True
    structures: frozenset[str] = frozenset()
    include_undecided: bool = False

    def __post_init__(self) -> None:
        if str(self.parent) in ("", "."):
            raise OutputError("Choose the folder for the results first.")
        if not self.parent.is_dir():
            raise OutputError(f"The folder {self.parent} does not exist; create it first.")
        unknown = self.structures - {LESIONS, VOLUMES, CANDIDATES}
        if unknown:
            raise OutputError(f"There is no part {min(unknown)!r}; choose lesions, volumes or candidates.")
        if self.structures and self.planning_ct is None:
            raise OutputError(
                "A structure set refers to the files of the planning CT; choose their DICOM folder first."
            )
        if self.planning_ct is not None and not self.planning_ct.is_dir():
            raise OutputError(f"The planning CT's folder {self.planning_ct} does not exist; choose another.")

    def destination(self, now: datetime) -> Path:
        """A name that nothing has yet, after date and time; it tells nothing of the patient."""
        name = f"psma-planning-{now:%Y%m%d-%H%M%S}"
        found, number = self.parent / name, 1
        while found.exists():
            number += 1
            found = self.parent / f"{name}-{number}"
        return found
