"""Tables for the terminal; nothing is truncated."""

import os
import sys
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

from dvtr_bench.reports.others_text import printable_lines

_WIDE = 10_000
"""Width of piped output: one line per row, whatever its length."""


class SafeConsole(Console):
    """A console that shows control characters of texts as spaces, whoever prints them."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as `rich.console.Console.print` does.

        Args:
            *objects: What to print.
            **settings: As rich has them.
        """
        super().print(
            *(
                printable_lines(each) if isinstance(each, str) else _Printable(each)
                for each in objects
            ),
            **settings,
        )


class _Printable:
    """Something to print; its texts lose their control characters when it is rendered."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._shown)


def make_console() -> Console:
    """Return a console for standard output.

    In a terminal a table fits the width: long names are wrapped, not truncated. In a pipe, each row
    is one line. ``COLUMNS`` sets the width. Control characters of texts are shown as spaces.
    """
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return SafeConsole(highlight=False, width=_WIDE if is_free else None)


def plain_table(*columns: str, figures: bool = False) -> Table:
    """Return an empty table whose cells are wrapped, not truncated.

    Args:
        columns: Headings.
        figures: Whether all columns except the first hold numbers, which are right-aligned.

    Returns:
        The table.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        is_figure = figures and number
        table.add_column(column, justify="right" if is_figure else "left", overflow="fold")
    return table
