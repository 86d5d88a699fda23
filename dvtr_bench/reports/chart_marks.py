"""What the files of `charts/` share: colours by number, names that fit, texts shown on hover."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dvtr_bench.reports.chart_style import (
    COLOURS,
    LETTER_POINTS,
    LINE_INCHES,
    LINES,
    MARKERS,
)
from dvtr_bench.runtime.terminal import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

HOVER: Final = "hover:"
"""Begins the id of an artist whose text a page shows on hover."""

NAME_SHARE: Final = 0.4
"""Share of a chart's width that names beside it may take."""

MOST_LINES: Final = 5
"""Lines of a name; what does not fit is cut."""

_COLOURS: Final = tuple(COLOURS.values())


def colour(number: int) -> str:
    """Return the colour of a part; a seventh part begins again, with another marker and line."""
    return _COLOURS[number % len(_COLOURS)]


def marker(number: int) -> str:
    """Return the marker of a part, another one for each of seven."""
    return MARKERS[number % len(MARKERS)]


def line_style(number: int) -> str:
    """Return the line of a part: one below another shows through its gaps."""
    return LINES[number % len(LINES)]


def told(artist: "Artist", text: str) -> None:
    """Let pages show a text when a reader points at a mark; others' text is welcome."""
    artist.set_gid(HOVER + printable(text))


def number_text(value: float) -> str:
    """Return a value as a chart label: integers whole, other numbers with one decimal.

    Example:
        >>> number_text(12_345), number_text(29.96)
        ('12,345', '30.0')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def value_text(value: float, ends: tuple[float, float] | None) -> str:
    """Return a value and its interval, if it has one.

    Example:
        >>> value_text(30.0, (25.0, 40.0))
        '30.0 (25.0 to 40.0)'
    """
    if ends is None or math.isnan(ends[0]):
        return number_text(value)
    return f"{number_text(value)} ({number_text(ends[0])} to {number_text(ends[1])})"


def fitted(name: str, letters: int, lines: int = MOST_LINES) -> str:
    """Return a name broken into lines that fit; a name that is longer ends in an ellipsis.

    Example:
        >>> fitted("clip4clip_tighttransf", 12, lines=1)
        'clip4clip_t…'
    """
    found = textwrap.wrap(printable(name), max(letters, 4), break_on_hyphens=False) or [""]
    if len(found) > lines:
        found = found[:lines]
        found[-1] = found[-1][: max(letters, 4) - 1] + "…"
    return "\n".join(found)


def letters_within(inches: float) -> int:
    """Return how many letters fit into a width."""
    return int(inches * 72 / LETTER_POINTS)


def rows_height(names: Sequence[str], width_inches: float, least_inches: float) -> float:
    """Return the height of rows with their names on the left.

    Args:
        names: One for each row.
        width_inches: Of the whole chart.
        least_inches: Height of a row whose name takes one line.

    Returns:
        Inches, with room for the axis below.
    """
    letters = letters_within(NAME_SHARE * width_inches)
    most = max((fitted(name, letters).count("\n") + 1 for name in names), default=1)
    row = max(least_inches, most * LINE_INCHES + 0.06)
    return max(0.9, row * max(len(names), 1) + 0.45)


def put_names(axes: "Axes", names: Sequence[str]) -> None:
    """Write the names of rows on the left, the first one at the top."""
    letters = letters_within(NAME_SHARE * axes.figure.get_figwidth())  # type: ignore[union-attr]
    axes.set_yticks(range(len(names)), [fitted(name, letters) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)


def logarithmic(axes: "Axes") -> None:
    """Make the x axis logarithmic, with plain numbers at 1, 2, 5, 10 and so on."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
