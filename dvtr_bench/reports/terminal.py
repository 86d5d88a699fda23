"""Tables for the terminal, in which nothing is cut short."""

import os
import sys

from rich import box
from rich.console import Console
from rich.table import Table

_WIDE = 10_000
"""Columns where nobody looks at the width: piped output has a line a row, whatever its length."""


def make_console() -> Console:
    """Return what prints to standard output.

    In a terminal a table fits its width: long names are folded, never cut. Piped on, a row is one
    line; ``COLUMNS`` sets another width.
    """
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_WIDE if is_free else None)


def plain_table(*columns: str, figures: bool = False) -> Table:
    """Return an empty table whose cells are folded, never cut.

    Args:
        columns: Headings.
        figures: Whether all columns but the first hold figures, set to the right.

    Returns:
        The table.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        to_the_right = figures and number
        table.add_column(column, justify="right" if to_the_right else "left", overflow="fold")
    return table
