"""Draws data with a chart by its name, for a page or as a file of its own."""

from importlib import resources
from typing import Final

from dvtr_bench.catalog import CHARTS
from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.reports.chart_data import ChartData

CHART_STYLE: Final = "chart.css"


def draw_chart(chart: str, data: ChartData) -> str:
    """Draw data for a page that has the style of `chart_style`.

    Args:
        chart: A file of `dvtr_bench.reports.charts`, or a plug-in.
        data: Of the kind that the chart takes.

    Returns:
        An ``<svg>`` element.

    Raises:
        NotFoundError: No chart is called so.
        ConfigError: The chart takes data of another kind.
        ExtensionError: The chart's file lacks something, or gives something else.

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
            f"{entry.place}: draw gives {str(drawn)[:40]!r}: expected an <svg> element as text"
        )
    return drawn


def chart_style() -> str:
    """Return the style sheet that gives charts their colours, light and dark."""
    return resources.files(__package__).joinpath(CHART_STYLE).read_text(encoding="utf-8")


def svg_file_text(chart: str, data: ChartData) -> str:
    """Draw data as the text of an SVG file that needs nothing beside it.

    Args:
        chart: As `draw_chart` takes it.
        data: Of the kind that the chart takes.

    Returns:
        XML.
    """
    element = draw_chart(chart, data)
    head, body = element.split(">", 1)
    return (
        f'{head} xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif">'
        f"<style>{chart_style()}</style>{body}\n"
    )
