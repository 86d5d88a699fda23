"""Draw data with a chart chosen by name, for a page or as an SVG file."""

import re
from importlib import resources
from typing import Final

from dvtr_bench.catalog import CHARTS
from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.reports.chart_data import ChartData
from dvtr_bench.reports.svg import COLOURS, WIDTH_PX, shortened

CHART_STYLE: Final = "chart.css"

HEIGHT_PX: Final = 320.0
"""Height of a chart that states none."""

LETTER_PX: Final = 6
"""Approximate width of a letter in a legend."""


def draw_chart(chart: str, data: ChartData) -> str:
    """Draw data for a page that has the style of `chart_style`.

    Args:
        chart: Name of a file in `dvtr_bench.reports.charts`, or of a plug-in.
        data: Of the kind that the chart takes.

    Returns:
        An ``<svg>`` element.

    Raises:
        NotFoundError: There is no such chart.
        ConfigError: The chart takes data of another kind.
        ExtensionError: The chart's file lacks something, or does not return an SVG element.

    Example:
        >>> from dvtr_bench.reports.chart_data import NamedValues
        >>> draw_chart("bars", NamedValues("Clips", ["train"], {"clips": [640]}))[:15]
        '<svg viewBox="0'
    """
    module, entry = CHARTS.load(chart), CHARTS.entry(chart)
    if not isinstance(data, module.TAKES):
        raise ConfigError(
            f"the chart {entry.name} draws {module.TAKES.__name__}, and {data.title!r} is "
            f"{type(data).__name__}"
        )
    drawn = module.draw(data)
    if not isinstance(drawn, str) or not drawn.startswith("<svg"):
        raise ExtensionError(
            f"{entry.place}: draw returns {str(drawn)[:40]!r}: expected an <svg> element as text"
        )
    return drawn


def chart_style() -> str:
    """Return the style sheet that gives charts their colours, light and dark."""
    return resources.files(__package__).joinpath(CHART_STYLE).read_text(encoding="utf-8")


def svg_file_text(chart: str, data: ChartData) -> str:
    """Draw data as the text of a self-contained SVG file, in the light colours.

    Args:
        chart: As `draw_chart` takes it.
        data: Of the kind that the chart takes.

    Returns:
        XML.
    """
    element = draw_chart(chart, data)
    # Drawing programs do not know CSS variables, and print needs the light colours.
    style = chart_style()
    colours = dict(re.findall(r"--(\w+): (#\w+);", style.partition("@media")[0]))
    rules = style[style.index("svg text") :]
    plain = re.sub(r"var\(--(\w+)\)", lambda match: colours[match[1]], rules)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', element)
    width, height = (float(size[1]), float(size[2])) if size else (float(WIDTH_PX), HEIGHT_PX)
    heading, top = _heading(data, width)
    inner = element.replace("<svg", f'<svg y="{top}" width="{width:g}" height="{height:g}"', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {top + height:g}" '
        f'font-family="system-ui, sans-serif"><style>{plain}</style>{heading}{inner}</svg>\n'
    )


def _heading(data: ChartData, width: float) -> tuple[str, int]:
    """Return the title and legend of a chart, and the y position of the chart below them."""
    drawn = [f'<text x="4" y="12">{shortened(data.title, 85)}</text>']
    left, baseline = 4.0, 28
    for number, key in enumerate(data.keys):
        wide = 22 + LETTER_PX * min(len(key), 40)
        if left + wide > width and left > 4:
            left, baseline = 4.0, baseline + 14
        drawn.append(
            f'<rect x="{left:g}" y="{baseline - 8}" width="9" height="9" '
            f'class="f{number % COLOURS}"/>'
            f'<text x="{left + 13:g}" y="{baseline}">{shortened(key, 40)}</text>'
        )
        left += wide
    return "".join(drawn), baseline + 10 if data.keys else 22
