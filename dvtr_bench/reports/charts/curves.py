"""Distributions as stepped lines over one axis."""

from typing import Final

from dvtr_bench.reports.chart_data import Distribution
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.reports.svg import COLOURS, WIDTH_PX, round_numbers, svg_element

TAKES: Final = Distribution

LEFT_PX: Final = 40
HEIGHT_PX: Final = 220


def draw(data: Distribution) -> str:
    """Draw the lines.

    Args:
        data: Without lines only the axes are drawn.

    Returns:
        An ``<svg>`` element.
    """
    top, bottom = 8, HEIGHT_PX - 40
    right = WIDTH_PX - 10
    most = max((max(values) for values in data.lines.values() if values), default=0) or 1
    low, high = data.edges[0], data.edges[-1]

    def at(edge: float) -> float:
        return LEFT_PX + (edge - low) / (high - low) * (right - LEFT_PX)

    def up(share: float) -> float:
        return bottom - share / most * (bottom - top)

    drawn = []
    for tick in round_numbers(0, most):
        drawn.append(
            f'<line x1="{LEFT_PX}" x2="{right}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="g"/>'
            f'<text x="{LEFT_PX - 6}" y="{up(tick) + 4:.1f}" class="e">{tick:g}%</text>'
        )
    for tick in round_numbers(max(low, 0), high):
        drawn.append(f'<text x="{at(tick):.1f}" y="{bottom + 16}" class="m">{tick:g}</text>')
    middle = (LEFT_PX + right) / 2
    drawn.append(f'<text x="{middle:g}" y="{bottom + 34}" class="m">{safe_html(data.axis)}</text>')
    for number, (name, values) in enumerate(data.lines.items()):
        points = [f"{at(low):.1f},{bottom}"]
        for left, after, share in zip(data.edges[:-1], data.edges[1:], values, strict=True):
            points += [f"{at(left):.1f},{up(share):.1f}", f"{at(after):.1f},{up(share):.1f}"]
        points.append(f"{at(high):.1f},{bottom}")
        drawn.append(
            f'<polyline points="{" ".join(points)}" class="l{number % COLOURS}">'
            f"<title>{safe_html(name)}</title></polyline>"
        )
    return svg_element(data.title, HEIGHT_PX, drawn)
