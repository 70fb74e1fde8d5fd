"""The presenter under 200 presses in any order inside desktop Slicer, with its views rendering.

Slicer --no-splash --additional-module-paths PSMAPlanning --python-script Testing/desktop_any_order.py [STEPS]

Needs hypothesis where Slicer's Python finds it (PYTHONPATH); prints the result and ends Slicer with 0 or 1.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import slicer

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_panel.any_order import AnyOrder, any_order_settings
from test_panel.test_volume_any_order import VolumesAnyOrder


class DesktopApp:
    """Slicer's own scene, emptied before and after."""

    scene = slicer.mrmlScene

    def __enter__(self) -> DesktopApp:
        slicer.mrmlScene.Clear()
        return self

    def __exit__(self, *_error: object) -> None:
        slicer.mrmlScene.Clear()


class DesktopAnyOrder(VolumesAnyOrder):
    @staticmethod
    def open_app() -> DesktopApp:
        return DesktopApp()

    def check_invariants(self, *arguments: object, **options: object) -> None:
        # Between two presses the views draw and timers fire, as they do for a person.
        slicer.app.processEvents()
        super().check_invariants(*arguments, **options)


def main(steps: int) -> int:
    case = type("Walk", (DesktopAnyOrder.TestCase,), {"settings": any_order_settings(3, steps // 2)})
    outcome = unittest.TextTestRunner(verbosity=2).run(case("runTest"))
    print(f"desktop any order: {AnyOrder.steps} steps, {'passed' if outcome.wasSuccessful() else 'FAILED'}")
    return 0 if outcome.wasSuccessful() else 1


slicer.util.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
