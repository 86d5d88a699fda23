"""Plots as inline SVG: they take their colours from the page, so that light and dark are one."""

from collections.abc import Sequence
from typing import Final

from builders.checks.audit.blocks import Bars, Curves
from dvtr_bench.reports.others_text import safe_html

WIDTH_PX: Final = 480
LABEL_PX: Final = 130
BAR_PX: Final = 12
LEFT_PX: Final = 40
PLOT_HEIGHT_PX: Final = 220
COLOURS: Final = 6
"""Classes ``c0`` to ``c5`` of the page's style sheet."""


def draw_bars(block: Bars) -> str:
    """Draw horizontal bars: the name on the left, the value at its end.

    Args:
        block: At least one name.

    Returns:
        An ``<svg>`` element.
    """
    parts = list(block.parts.items())
    row_px = BAR_PX * len(parts) + 8
    height = row_px * len(block.names) + 4
    most = max((max(values) for _, values in parts), default=0) or 1
    room = WIDTH_PX - LABEL_PX - 45
    drawn = []
    for place, name in enumerate(block.names):
        top = place * row_px + 4
        middle = top + BAR_PX * len(parts) / 2 + 4
        drawn.append(f'<text x="{LABEL_PX - 8}" y="{middle:g}" class="e">{_short(name, 20)}</text>')
        for number, (part, values) in enumerate(parts):
            value, y = values[place], top + number * BAR_PX
            drawn.append(
                f'<rect x="{LABEL_PX}" y="{y:g}" width="{room * value / most:.1f}" '
                f'height="{BAR_PX - 2}" class="f{number % COLOURS}">'
                f"<title>{safe_html(f'{name}, {part}: {value:,}')}</title></rect>"
                f'<text x="{LABEL_PX + room * value / most + 5:.1f}" y="{y + BAR_PX - 3:g}" '
                f'class="s">{value:,}</text>'
            )
    return _svg(block.title, height, drawn)


def draw_curves(block: Curves) -> str:
    """Draw distributions as stepped lines over one axis.

    Args:
        block: At least one bin.

    Returns:
        An ``<svg>`` element.
    """
    top, bottom = 8, PLOT_HEIGHT_PX - 40
    right = WIDTH_PX - 10
    most = max((max(values) for values in block.lines.values() if values), default=0) or 1
    low, high = block.edges[0], block.edges[-1]

    def at(edge: float) -> float:
        return LEFT_PX + (edge - low) / (high - low) * (right - LEFT_PX)

    def up(share: float) -> float:
        return bottom - share / most * (bottom - top)

    drawn = []
    for tick in _ticks(0, most):
        drawn.append(
            f'<line x1="{LEFT_PX}" x2="{right}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="g"/>'
            f'<text x="{LEFT_PX - 6}" y="{up(tick) + 4:.1f}" class="e">{tick:g}%</text>'
        )
    for tick in _ticks(max(low, 0), high):
        drawn.append(f'<text x="{at(tick):.1f}" y="{bottom + 16}" class="m">{tick:g}</text>')
    middle = (LEFT_PX + right) / 2
    drawn.append(f'<text x="{middle:g}" y="{bottom + 34}" class="m">{safe_html(block.axis)}</text>')
    for number, (name, values) in enumerate(block.lines.items()):
        points = [f"{at(low):.1f},{bottom}"]
        for left, after, share in zip(block.edges[:-1], block.edges[1:], values, strict=True):
            points += [f"{at(left):.1f},{up(share):.1f}", f"{at(after):.1f},{up(share):.1f}"]
        points.append(f"{at(high):.1f},{bottom}")
        drawn.append(
            f'<polyline points="{" ".join(points)}" class="l{number % COLOURS}">'
            f"<title>{safe_html(name)}</title></polyline>"
        )
    return _svg(block.title, PLOT_HEIGHT_PX, drawn)


def _ticks(low: float, high: float) -> list[float]:
    """Return four to ten round numbers within a range."""
    step = 10.0 ** len(str(int(high - low)))
    for part in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        if (high - low) / (step * part) <= 9:
            step *= part
            break
    first = int(-(-low // step))
    return [round(number * step, 6) for number in range(first, int(high / step + 1e-9) + 1)]


def _svg(title: str, height: float, drawn: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH_PX} {height:g}" role="img" '
        f'aria-label="{safe_html(title)}">{"".join(drawn)}</svg>'
    )


def _short(text: str, letters: int) -> str:
    return safe_html(text if len(text) <= letters else text[: letters - 1] + "\u2026")
