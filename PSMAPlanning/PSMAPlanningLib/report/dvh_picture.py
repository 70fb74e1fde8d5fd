"""Dose-volume histograms as a picture: SVG text, no library needed and sharp in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_TARGET_KINDS = ("GTV", "CTV", "PTV", "ITV", "IGTV", "ICTV")
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a6d00")
"""Okabe and Ito's colours, which the colour-blind can tell apart; the yellow darkened to be seen on white."""
_DASHES = ("7 4", "2 3", "10 3 2 3")
_LEFT, _TOP, _WIDE, _HIGH, _LEGEND = 58, 14, 620, 340, 250


def dvh_svg(histograms: Sequence[Mapping[str, Any]]) -> str:
    """Cumulative histograms of a case document as one SVG element; "" when none has any dose.

    Targets are drawn solid, organs dashed; the external contour is neither and is left out. A structure that
    reaches out of the dose grid starts below 100 %.
    """
    drawn = [each for each in histograms if each["type"] != "EXTERNAL" and max(each["volume_ml"]) > 0]
    if not drawn:
        return ""
    largest = max(each["bin_gy"] * (len(each["volume_ml"]) - 1) for each in drawn)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if largest / s <= 10)
    end = step * (int(largest / step) + 1)
    order = sorted(drawn, key=lambda each: each["type"] not in _TARGET_KINDS)
    high = max(_HIGH + _TOP + 46, _TOP + 20 * len(order) + 20)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 24 + _LEGEND} {high}" '
        'style="width:100%;max-width:952px" role="img" aria-label="Dose-volume histograms" '
        'font-family="system-ui, sans-serif" font-size="13">',
        *_axes(end, step),
    ]
    for number, each in enumerate(order):
        is_target = each["type"] in _TARGET_KINDS
        colour = _COLOURS[number % len(_COLOURS)]
        dash = "" if is_target else f' stroke-dasharray="{_DASHES[number // len(_COLOURS) % len(_DASHES)]}"'
        stroke = f'fill="none" stroke="{colour}" stroke-width="{2.4 if is_target else 1.8}"{dash}'
        parts.append(f'<polyline points="{_points(each, end)}" {stroke}/>')
        x, y = _LEFT + _WIDE + 24, _TOP + 10 + 20 * number
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 34}" y2="{y}" {stroke}/>')
        parts.append(f'<text x="{x + 42}" y="{y + 4}">{escape(each["name"])}</text>')
    return "".join([*parts, "</svg>"])


def _points(histogram: Mapping[str, Any], end_gy: float) -> str:
    total = histogram["total_ml"]
    found = []
    last = None
    volumes = histogram["volume_ml"]
    for number, volume in enumerate(volumes):
        percent = 100.0 * volume / total
        following = volumes[number + 1] if number + 1 < len(volumes) else None
        # Along a level stretch only its ends are needed.
        if percent == last and following is not None and following == volume:
            continue
        last = percent
        x = _LEFT + _WIDE * histogram["bin_gy"] * number / end_gy
        found.append(f"{x:.1f},{_TOP + _HIGH * (1 - percent / 100):.1f}")
    return " ".join(found)


def _axes(end_gy: float, step_gy: float) -> list[str]:
    right, bottom = _LEFT + _WIDE, _TOP + _HIGH
    parts = []
    for percent in range(0, 101, 20):
        y = _TOP + _HIGH * (1 - percent / 100)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e3e7eb"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>')
    for number in range(round(end_gy / step_gy) + 1):
        x = _LEFT + _WIDE * number * step_gy / end_gy
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#e3e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number * step_gy:g}</text>')
    parts.append(
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#57606a" stroke-width="1.2"/>'
    )
    middle = _TOP + _HIGH / 2
    parts.append(f'<text x="{_LEFT + _WIDE / 2}" y="{bottom + 38}" text-anchor="middle">Dose, Gy</text>')
    parts.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">Volume, %</text>'
    )
    return parts
