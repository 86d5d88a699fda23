"""Boards and comparisons as tables in a notebook."""

from collections.abc import Iterable, Iterator

from dvtr_bench.reports.html_table import html_table
from leaderboard.board import Board
from leaderboard.result_files import TABLE_DIRECTIONS
from leaderboard.tables import (
    ABOUT_SEEDS,
    Table,
    about_post_processing,
    board_tables,
    board_title,
    published_table,
)


def table_html(table: Table, notes: Iterable[str] = ()) -> str:
    """Return a table as HTML, with the rows of chance and ceiling last.

    Args:
        table: What to show.
        notes: Sentences below it.

    Returns:
        A ``<div>``; names are escaped.
    """
    rows = [[(field.text, field.detail) for field in row] for row in (*table.rows, *table.frame)]
    return html_table(table.header, rows, title=table.title, notes=notes)


def board_html(board: Board) -> str:
    """Return a board as HTML: both directions under strict relevance, and published figures.

    Args:
        board: The results.

    Returns:
        A ``<div>``; names are escaped.
    """
    return f"<div>{''.join(_parts(board))}</div>"


def _parts(board: Board) -> Iterator[str]:
    about = [part for part in (about_post_processing(board),) if part]
    if any(entry.num_runs > 1 for entry in board.entries):
        about.append(ABOUT_SEEDS)
    yield html_table([board_title(board)], [], notes=about)
    for table in board_tables(board, "strict", TABLE_DIRECTIONS):
        yield table_html(table)
    if (published := published_table(board)) is not None:
        yield table_html(published)
    yield html_table([], [], notes=board.notes)
