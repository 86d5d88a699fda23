"""Downloads of a board: CSV for spreadsheets, JSON for programs, TeX for papers."""

import csv
import io
import json
from typing import Any

from dvtr_bench.ranking import RELEVANCE_KINDS
from dvtr_bench.reports.others_text import printable
from leaderboard.board import Board
from leaderboard.exports.latex import board_tabular

_FORMULA = ("=", "+", "-", "@")


def csv_text(board: Board, data: dict[str, Any]) -> str:
    """Return every figure of a board as CSV, one per row.

    Args:
        board: The board.
        data: As `leaderboard.site.rows.board_data` returns it.

    Returns:
        CSV. A text that a spreadsheet would take for a formula starts with an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    facts = ("dataset", "version", "split", "post_processing", "row", "model", "variant", "seeds")
    figures = ("direction", "relevance", "metric", "value", "low", "high", "std")
    writer.writerow([*facts, *figures, "rank_first", "rank_last", "p_best"])
    key = board.key
    for entry, row in zip(board.entries, data["rows"], strict=True):
        facts_of_row = [
            *(key.dataset, key.dataset_version, key.split, key.post_processing, row["id"]),
            *(entry.label, entry.variant, " ".join(map(str, entry.seeds))),
        ]
        for (direction, relevance, name), cell in sorted(
            entry.figures.items(), key=lambda item: (RELEVANCE_KINDS.index(item[0][1]), item[0])
        ):
            ranks = row["ranks"].get(f"{direction}/{name}") if relevance == "strict" else None
            writer.writerow(
                [
                    *map(spreadsheet_text, facts_of_row),
                    *(direction, relevance, name),
                    *(cell.value, cell.low, cell.high, cell.deviation),
                    *(ranks or (None, None, None)),
                ]
            )
    return stream.getvalue()


def json_download(data: dict[str, Any]) -> str:
    """Return everything in a board's table as JSON."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def tex_text(board: Board) -> str:
    r"""Return a board as a LaTeX tabular, which needs ``\usepackage{booktabs}``."""
    return "\n".join(board_tabular(board)) + "\n"


def spreadsheet_text(text: str) -> str:
    """Return a text that a spreadsheet shows but never evaluates.

    Example:
        >>> spreadsheet_text("=cmd|' /C calc'!A0")
        "'=cmd|' /C calc'!A0"
    """
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
