"""Boards as tables in the terminal, with the most important figures."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.terminal import printable
from leaderboard.board import Board
from leaderboard.breakdown_tables import ABOUT, make_breakdowns
from leaderboard.tables import (
    ABOUT_LOWER_MEDIAN,
    ABOUT_SEEDS,
    LOWER_MEDIAN,
    Field,
    Table,
    about_post_processing,
    board_tables,
    board_title,
    published_table,
)

if TYPE_CHECKING:
    from leaderboard.judging.judged_board import JudgedBoard

DIRECTIONS: Final = ("t2v", "v2t")


def print_boards(
    boards: Sequence[Board],
    console: Console | None = None,
    *,
    breakdowns: bool = False,
    judged: "Sequence[JudgedBoard]" = (),
) -> None:
    """Print boards: both directions and kinds of relevance, chance, ceiling, published figures.

    Args:
        boards: The boards.
        console: The console; standard output by default.
        breakdowns: Whether to print T2V R@1 by group of captions too.
        judged: Boards under judged relevance, which are printed below their own.
    """
    console = console or make_console()
    for board in boards:
        console.print()
        console.print(Text(printable(board_title(board)), style="bold"))
        console.print(
            Text(
                f"95% intervals by bootstrap over videos below each figure; "
                f"{board.shared_text.shared_percent:.1f}% of the captions have a text that "
                "another video has too",
                style="dim",
            )
        )
        if about := about_post_processing(board):
            console.print(Text(printable(about)))
        tables = list(board_tables(board, "strict", DIRECTIONS))
        for table in tables:
            print_table(console, table)
        identical = list(board_tables(board, "text_identical", DIRECTIONS))
        for table in identical:
            print_table(console, table, details=False)
        if (published := published_table(board)) is not None:
            print_table(console, published)
        notes = board.notes
        if any(LOWER_MEDIAN in table.header for table in [*tables, *identical]):
            notes += (ABOUT_LOWER_MEDIAN,)
        if any(entry.num_runs > 1 for entry in board.entries):
            notes = (ABOUT_SEEDS, *notes)
        if breakdowns:
            console.print(Text(f"\n{ABOUT}", style="dim"))
            for breakdown in make_breakdowns(board):
                print_table(console, breakdown.table)
                notes += breakdown.notes
        for of_judges in judged:
            if of_judges.board is board:
                for table in of_judges.tables:
                    print_table(console, table)
                notes += of_judges.notes
        for note in notes:
            console.print(Text(f"  {printable(note)}", style="dim"))


def print_table(console: Console, table: Table, *, details: bool = True) -> None:
    """Print a table under its title.

    Args:
        console: The console.
        table: The table.
        details: Whether to print intervals below figures; facts about a row are always printed
            below its name.
    """
    console.print()
    console.print(Text(printable(table.title), style="italic"))
    console.print(_table(table, details=details))


def _table(table: Table, *, details: bool = True) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    header = [Text(printable(name)) for name in table.header]
    shown.add_column(header[0], justify="left", overflow="fold")
    for column, name in enumerate(header[1:], start=1):
        if table.prose:
            # Parts of a model's name are stacked, because the groups need the space.
            name = Text(re.sub(r"(?<=_)(?=\S)| (?=\()", "\n", name.plain))
        # Names of models can be wrapped, figures not.
        widest = max((len(part) for row in table.rows for part in _parts(row[column])), default=0)
        shown.add_column(
            name, justify="right", no_wrap=not table.prose, overflow="fold", min_width=widest
        )
    for number, row in enumerate(table.rows, start=1):
        last = number == len(table.rows)
        fields = (_text(field, details or not column) for column, field in enumerate(row))
        shown.add_row(*fields, end_section=last)
    for row in table.frame:
        shown.add_row(*(Text(printable(field.text), style="dim") for field in row))
    return shown


def _text(field: Field, details: bool) -> Text:
    text = Text(printable(field.text))
    if details and field.detail:
        text.append(f"\n{printable(field.detail)}", style="dim")
    return text


def _parts(field: Field) -> tuple[str, str]:
    return field.text, field.detail
