"""The presenter under presses in any order: 300 of them always, 5,000 with the slow tests."""

from __future__ import annotations

import pytest
from test_panel.any_order import AnyOrder, any_order_settings
from test_panel.test_volume_any_order import VolumesAnyOrder


class TestAnyOrder(AnyOrder.TestCase):
    settings = any_order_settings(examples=4, steps=100)


@pytest.mark.slow
class TestAnyOrderForLong(VolumesAnyOrder.TestCase):
    settings = any_order_settings(examples=26, steps=200)
