"""Series as lines with a mark at every point, over one axis."""

from typing import Final

from dvtr_bench.reports.chart_data import Series
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.reports.svg import COLOURS, WIDTH_PX, round_numbers, svg_element

TAKES: Final = Series

LEFT_PX: Final = 40
TOP_PX: Final = 22
HEIGHT_PX: Final = 240


def draw(data: Series) -> str:
    """Draw the lines; the axes reach from the lowest to the highest value of any of them.

    Args:
        data: Without points only the axes are drawn.

    Returns:
        An ``<svg>`` element.
    """
    bottom, right = HEIGHT_PX - 40, WIDTH_PX - 12
    points = [point for line in data.lines.values() for point in line] or [(0.0, 0.0)]
    first, last = _range([x for x, _ in points])
    low, high = _range([y for _, y in points])

    def at(x: float) -> float:
        return LEFT_PX + (x - first) / (last - first) * (right - LEFT_PX)

    def up(y: float) -> float:
        return bottom - (y - low) / (high - low) * (bottom - TOP_PX)

    drawn = [f'<text x="4" y="12">{safe_html(data.y_axis)}</text>']
    for tick in round_numbers(low, high):
        drawn.append(
            f'<line x1="{LEFT_PX}" x2="{right}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="g"/>'
            f'<text x="{LEFT_PX - 6}" y="{up(tick) + 4:.1f}" class="e">{tick:g}</text>'
        )
    for tick in round_numbers(first, last):
        drawn.append(f'<text x="{at(tick):.1f}" y="{bottom + 16}" class="m">{tick:g}</text>')
    middle = (LEFT_PX + right) / 2
    drawn.append(f'<text x="{middle:g}" y="{bottom + 34}" class="m">{safe_html(data.axis)}</text>')
    for number, (name, line) in enumerate(data.lines.items()):
        colour = number % COLOURS
        coordinates = [f"{at(x):.1f},{up(y):.1f}" for x, y in line]
        drawn.append(f'<polyline points="{" ".join(coordinates)}" class="l{colour}"/>')
        for x, y in line:
            tooltip = safe_html(f"{name}, {x:g}: {y:.1f}")
            drawn.append(
                f'<circle cx="{at(x):.1f}" cy="{up(y):.1f}" r="2.5" class="f{colour}">'
                f"<title>{tooltip}</title></circle>"
            )
    return svg_element(data.title, HEIGHT_PX, drawn)


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 1.0, high + 1.0)
