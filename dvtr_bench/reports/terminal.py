"""Tables for the terminal; nothing is truncated."""

import os
import sys

from rich import box
from rich.console import Console
from rich.table import Table

_WIDE = 10_000
"""Width of piped output: one line per row, whatever its length."""


def make_console() -> Console:
    """Return a console for standard output.

    In a terminal a table fits the width: long names are wrapped, not truncated. In a pipe, each row
    is one line. ``COLUMNS`` sets the width.
    """
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_WIDE if is_free else None)


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
