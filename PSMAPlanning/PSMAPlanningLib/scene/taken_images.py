"""The images of a stored case, taken from their nodes on the main thread and read on any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import PlanningError
from ..imaging.image import Image
from .inputs import Reading


@dataclass(frozen=True)
class Taken:
    """An image node, whose voxels are still to be read, or why it cannot be; one of the two is set."""

    read: Reading | None = None
    error: PlanningError | None = None

    def image(self, name: str, notes: list[str]) -> Image | None:
        """The image; None, and a sentence in notes about `name`, when it cannot be read."""
        try:
            if self.error is not None:
                raise self.error
            return self.read()
        except PlanningError as error:
            notes.append(f"The {name} was not restored: {error}")
            return None


def taken(node: Any | None, take: Callable[[Any], Reading]) -> Taken | None:
    """The first half of reading a node by `take`; None without a node."""
    if node is None:
        return None
    try:
        return Taken(take(node))
    except PlanningError as error:
        return Taken(error=error)
