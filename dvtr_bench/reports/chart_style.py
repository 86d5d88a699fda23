"""How every chart looks: sizes, and colours that colour-blind readers tell apart."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final

from dvtr_bench.errors import ConfigError

CHART_STYLE: Final = "chart.css"

SIZES: Final = {"column": 3.3, "page": 6.9}
"""Widths in inches: one column of a paper with two, and the whole page."""

NARROWEST_INCHES: Final = 2.0
WIDEST_INCHES: Final = 20.0

FONT_POINTS: Final = 8.0
LETTER_POINTS: Final = 0.56 * FONT_POINTS
"""Approximate width of a letter."""
LINE_INCHES: Final = 1.25 * FONT_POINTS / 72
"""Height of a line of text."""

INK: Final = "#202124"
FAINT: Final = "#5f6368"
GRID: Final = "#dcdcd8"
PAPER: Final = "#ffffff"
COLOURS: Final = {
    "blue": "#2b50e0",
    "orange": "#ec5c00",
    "green": "#3a9c7c",
    "pink": "#c850c8",
    "plum": "#602060",
    "olive": "#204000",
}
"""Found by search: the nearest two differ by 25 (CIE 1976) to readers who lack any one cone, as
Machado, Oliveira and Fernandes (2009) have it, and each stands out from white by 3 to 1."""

IN_THE_DARK: Final = {
    INK: "#e6e6e3",
    FAINT: "#a3a6aa",
    GRID: "#3a3c40",
    PAPER: "#1f2124",
    COLOURS["blue"]: "#5c93ff",
    COLOURS["orange"]: "#ff6a20",
    COLOURS["green"]: "#3fcf9f",
    COLOURS["pink"]: "#ffb8f4",
    COLOURS["plum"]: "#b04fc0",
    COLOURS["olive"]: "#f6f07a",
}
"""Each colour as a dark page shows it."""

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
LINES: Final = ("-", "--", ":", "-.")

_SETTINGS: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": FONT_POINTS,
    "axes.labelsize": FONT_POINTS,
    "axes.titlesize": FONT_POINTS,
    "xtick.labelsize": FONT_POINTS - 1,
    "ytick.labelsize": FONT_POINTS,
    "legend.fontsize": FONT_POINTS,
    "figure.titlesize": FONT_POINTS + 1,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "savefig.facecolor": "auto",
    # Texts of others may hold dollar signs, which are no formulas.
    "text.parse_math": False,
    # Text stays text: it can be searched, copied and edited.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "dvtr-bench",
    "savefig.dpi": 300,
}


@contextmanager
def chart_settings() -> Iterator[None]:
    """Set matplotlib to the look of our charts, whatever its user has set, and back."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def width_inches(size: str) -> float:
    """Return the width that a size stands for.

    Args:
        size: ``column``, ``page``, or a width with its unit, such as ``85mm`` or ``3.3in``.

    Returns:
        Inches.

    Raises:
        ConfigError: It is none of these, or too narrow or wide to draw.

    Example:
        >>> width_inches("column"), width_inches("50.8mm")
        (3.3, 2.0)
    """
    if size in SIZES:
        return SIZES[size]
    read = re.fullmatch(r"(\d+(?:\.\d+)?) ?(mm|cm|in)", size.strip())
    if read is None:
        raise ConfigError(
            f"no size is called {size!r}: expected {', '.join(SIZES)} or a width such as 85mm"
        )
    inches = round(float(read[1]) / {"mm": 25.4, "cm": 2.54, "in": 1.0}[read[2]], 6)
    if not NARROWEST_INCHES <= inches <= WIDEST_INCHES:
        raise ConfigError(
            f"a chart {size} wide: expected {NARROWEST_INCHES:g} to {WIDEST_INCHES:g} inches"
        )
    return inches


def chart_style() -> str:
    """Return the style sheet of pages with charts: their colours, light and dark."""
    page = resources.files(__package__).joinpath(CHART_STYLE).read_text(encoding="utf-8")
    return page + dark_style()


def dark_style() -> str:
    """Return the rules that turn the colours of charts where the reader prefers a dark page.

    Drawing programs, and print, know none of this and keep the colours of paper.
    """
    rules = "".join(
        f'.dvtr-chart [style*="{use}: {light}"]{{{use}:{dark}!important}}'
        for light, dark in IN_THE_DARK.items()
        for use in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"
