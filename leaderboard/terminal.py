"""Boards as tables in the terminal: what a person asks first; the page has the rest."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from leaderboard.board import Board
from leaderboard.tables import Field, Table, board_tables, board_title, published_table

DIRECTIONS: Final = ("t2v", "v2t")


def print_boards(boards: Sequence[Board], console: Console | None = None) -> None:
    """Print boards: both directions under both kinds of relevance, chance, ceiling, papers.

    Args:
        boards: What to print.
        console: Where to; standard output when left out.
    """
    console = console or Console()
    for board in boards:
        console.print()
        console.print(Text(board_title(board), style="bold"))
        console.print(
            Text(
                f"95% intervals by bootstrap over videos below each figure; "
                f"{board.shared_text.shared_percent:.1f}% of the captions have a text that "
                "another video has too",
                style="dim",
            )
        )
        for table in board_tables(board, "strict", DIRECTIONS):
            _print_table(console, table)
        for table in board_tables(board, "text_identical", DIRECTIONS):
            _print_table(console, table, details=False)
        if (published := published_table(board)) is not None:
            _print_table(console, published)
        for note in board.notes:
            console.print(Text(f"  {note}", style="dim"))


def _print_table(console: Console, table: Table, *, details: bool = True) -> None:
    console.print()
    console.print(Text(table.title, style="italic"))
    console.print(_table(table, details=details))


def _table(table: Table, *, details: bool = True) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    shown.add_column(table.header[0], justify="left", no_wrap=True)
    for name in table.header[1:]:
        shown.add_column(name, justify="right", no_wrap=True)
    for number, row in enumerate(table.rows, start=1):
        last = number == len(table.rows)
        shown.add_row(*(_text(field, details) for field in row), end_section=last)
    for row in table.frame:
        shown.add_row(*(Text(field.text, style="dim") for field in row))
    return shown


def _text(field: Field, details: bool) -> Text:
    text = Text(field.text)
    if details and field.detail:
        text.append(f"\n{field.detail}", style="dim")
    return text
