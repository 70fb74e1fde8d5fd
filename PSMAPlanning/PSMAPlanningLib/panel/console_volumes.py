"""The RT volumes section's steps for the Python console."""

from __future__ import annotations

from .console import ConsoleSteps


class VolumeSteps(ConsoleSteps):
    """Importing, growing and generating radiotherapy volumes."""
