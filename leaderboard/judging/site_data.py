"""Figures under judged relevance as the site takes them."""

from collections.abc import Iterator, Sequence
from typing import Any

from leaderboard.judging.judged_board import JudgedBoard
from leaderboard.row_json import row_id
from leaderboard.site.rows import cell_data, rounded


def judged_data(judged: Sequence[JudgedBoard]) -> dict[int, list[dict[str, Any]]]:
    """Return the tables of boards under the judgements that were given.

    Args:
        judged: Boards under judged relevance.

    Returns:
        By ``id`` of the board, JSON values: for each set of judgements, what to know of it, and a
        table for each direction. A table has its figures in the order of its columns, each as the
        table of the board has them.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    for one in judged:
        data = {"notes": list(one.notes), "tables": list(_tables(one))}
        found.setdefault(id(one.board), []).append(data)
    return found


def _tables(board: JudgedBoard) -> Iterator[dict[str, Any]]:
    for direction, table in zip(board.judgements.directions, board.tables, strict=True):
        columns = board.columns(direction)
        frames = board.frames.get(direction, {})
        yield {
            "direction": direction,
            "title": table.title,
            "columns": list(columns),
            "rows": [
                {
                    "id": row_id(row.entry),
                    "figures": [cell_data(row.figures[direction, name]) for name in columns],
                }
                for row in board.rows
            ],
            "frame": [
                {
                    "title": title,
                    "values": [
                        rounded(values[name]) if name in values else None for name in columns
                    ],
                }
                for title, values in frames.items()
            ],
        }
