"""What a check of a structure set found: a code for programmes, a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """severity: "error" stops an export, "warning" does not. structure: its name, None for the whole file."""

    code: str
    severity: str
    sentence: str
    structure: str | None = None

    def to_document(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "structure": self.structure,
            "sentence": self.sentence,
        }


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if each.severity == ERROR)
