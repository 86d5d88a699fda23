"""Draw data with a chart chosen by name: for a page, or as a file for a paper."""

import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dvtr_bench.catalog import CHARTS
from dvtr_bench.errors import ConfigError
from dvtr_bench.reports.chart_data import ChartData
from dvtr_bench.reports.chart_marks import HOVER, fitted, letters_within
from dvtr_bench.reports.chart_style import (
    FONT_POINTS,
    LINE_INCHES,
    SIZES,
    chart_settings,
    dark_style,
)
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_INCHES: Final = 2.4
"""Height of a chart that states none, without title and legend."""

SUFFIXES: Final = (".pdf", ".svg", ".png")

_KEY_LETTERS: Final = 8
"""Width of the mark and the gaps of a legend's entry, in letters."""

_MOST_COLUMNS: Final = 4


def make_figure(
    chart: str, data: ChartData, width_inches: float = SIZES["page"], *, titled: bool = True
) -> "Figure":
    """Draw data onto a matplotlib figure.

    Args:
        chart: Name of a file in `dvtr_bench.reports.charts`, or of a plug-in.
        data: Of the kind that the chart takes.
        width_inches: Width; the height follows from the data.
        titled: Whether the title stands above it.

    Returns:
        The figure: one ``Axes``, a legend below if it has several parts.

    Raises:
        NotFoundError: There is no such chart.
        ConfigError: The chart takes data of another kind.
        ExtensionError: The chart's file lacks something.

    Example:
        >>> from dvtr_bench.reports.chart_data import NamedValues
        >>> figure = make_figure("bars", NamedValues("Clips", ["train"], {"clips": [640]}))
        >>> [int(bar.get_width()) for bar in figure.axes[0].patches]
        [640]
    """
    module, entry = CHARTS.load(chart), CHARTS.entry(chart)
    if not isinstance(data, module.TAKES):
        raise ConfigError(
            f"the chart {entry.name} draws {module.TAKES.__name__}, and {data.title!r} is "
            f"{type(data).__name__}"
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with chart_settings():
        figure = Figure(figsize=(width_inches, HEIGHT_INCHES), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        module.draw(axes, data)
        _make_printable(axes, width_inches)
        height = HEIGHT_INCHES
        if hasattr(module, "height"):
            height = module.height(data, width_inches)
        height += _add_legend(figure, axes)
        if titled:
            lines = fitted(data.title, int(letters_within(width_inches) * 0.85))
            figure.suptitle(lines, x=0.01, ha="left")
            height += (lines.count("\n") + 1) * LINE_INCHES + 0.1
        figure.set_size_inches(width_inches, height)
    return figure


def draw_chart(chart: str, data: ChartData) -> str:
    """Draw data for a page that has the style of `chart_style`; the page shows the title.

    Args:
        chart: As `make_figure` takes it.
        data: Of the kind that the chart takes.

    Returns:
        An ``<svg>`` element, with texts to show on hover.
    """
    text = _svg_text(make_figure(chart, data, titled=False))
    root = re.match(r"""<svg (?=[^>]*?(viewBox="[^"]*"))[^>]*>""", text)
    if root is None:
        raise ValueError("matplotlib wrote an SVG without a view box")
    # In a page the element needs no name spaces; ids would clash with those of other charts.
    inner = text[root.end() :].replace("xlink:href", "href")
    return (
        f'<svg class="dvtr-chart" {root[1]} role="img" aria-label="{safe_html(data.title)}" '
        f'style="stroke-linejoin: round; stroke-linecap: butt">{inner}'
    )


def svg_file_text(chart: str, data: ChartData) -> str:
    """Draw data as the text of an SVG file, `page` wide, with its title.

    Args:
        chart: As `make_figure` takes it.
        data: Of the kind that the chart takes.

    Returns:
        XML.
    """
    return figure_as_svg(make_figure(chart, data), data.title)


def figure_as_svg(figure: "Figure", title: str) -> str:
    """Return a figure as the text of an SVG file that shows well on light and dark pages.

    Args:
        figure: As `make_figure` returns it.
        title: What it shows, for screen readers; any text.

    Returns:
        XML.
    """
    text = _svg_text(figure)
    told = f"<title>{safe_html(title)}</title><style>{dark_style()}</style>"
    return re.sub(
        r"<svg ([^>]*)>",
        lambda root: (
            f'<svg class="dvtr-chart" role="img" style="stroke-linejoin: round; '
            f'stroke-linecap: butt" {root[1]}>{told}'
        ),
        text,
        count=1,
    )


def save_figure(figure: "Figure", title: str, path: Path) -> None:
    """Write a figure as a file of the kind that its suffix names, atomically.

    The same figure gives the same bytes under one version of matplotlib: no date is written.

    Args:
        figure: As `make_figure` returns it.
        title: What it shows, for the file's own title.
        path: Ends in .pdf, .svg or .png; its folder is created if missing.

    Raises:
        ConfigError: The path has another suffix.
    """
    suffix = checked_suffix(path)
    if suffix == ".svg":
        content = figure_as_svg(figure, title).encode("utf-8")
    elif suffix == ".pdf":
        about = {"Title": printable(title), "Creator": "dvtr-bench", "Producer": None}
        content = _rendered(figure, "pdf", {**about, "CreationDate": None})
    else:
        content = _rendered(figure, "png", {"Title": printable(title), "Software": None})
    with written_beside(path) as beside:
        beside.write_bytes(content)


def checked_suffix(path: Path) -> str:
    """Return the suffix of a chart's file in small letters; raise ConfigError for another one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path}: a chart is written as {', '.join(SUFFIXES)}, not as "
            f"{path.suffix or 'a file without suffix'}"
        )
    return suffix


def _rendered(figure: "Figure", kind: str, about: dict[str, str | None]) -> bytes:
    stream = io.BytesIO()
    with chart_settings(), warnings.catch_warnings():
        # Letters that the font lacks are shown as boxes; in SVG the reader's own fonts have them.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(stream, format=kind, metadata=about)
    return stream.getvalue()


def _svg_text(figure: "Figure") -> str:
    """Return a figure as an ``<svg>`` element, its ids gone and its hover texts in their place."""
    text = _rendered(figure, "svg", {"Date": None}).decode("utf-8")
    text = text[text.index("<svg ") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"\s*<defs>\s*<style.*?</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(rf'<g id="{HOVER}([^"]*)"([^>]*)>', r"<g\2><title>\1</title>", text)
    return re.sub(r'<g id="[\w.]+_\d+"', "<g", text)


def _make_printable(axes: "Axes", width_inches: float) -> None:
    """Take control characters out of texts, and break the names of the axes into lines."""
    for text in axes.texts:
        text.set_text("\n".join(map(printable, text.get_text().split("\n"))))
    for label, inches in (
        (axes.xaxis.label, 0.55 * width_inches),
        (axes.yaxis.label, 0.8 * HEIGHT_INCHES),
    ):
        label.set_text(fitted(label.get_text(), letters_within(inches)))


def _add_legend(figure: "Figure", axes: "Axes") -> float:
    """Add a legend below the axes if there are several parts; return its height in inches."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) < 2:
        return 0.0
    room = letters_within(figure.get_figwidth())
    names = [fitted(label, room - _KEY_LETTERS) for label in labels]
    longest = max(len(line) for name in names for line in name.split("\n"))
    columns = max(1, min(_MOST_COLUMNS, len(names), room // (longest + _KEY_LETTERS)))
    figure.legend(
        handles, names, loc="outside lower left", ncols=columns, labelspacing=0.3, borderpad=0.2
    )
    entries = -(-len(names) // columns)
    lines = sum(name.count("\n") for name in names) + entries
    return lines * LINE_INCHES * 1.08 + 0.1 * FONT_POINTS / 8
