"""Downloads of a board: CSV for spreadsheets, JSON for programs, TeX for papers."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from dvtr_bench.ranking import RELEVANCE_KINDS
from dvtr_bench.reports.others_text import safe_cell
from leaderboard.board import Board
from leaderboard.exports.latex import board_tabular
from leaderboard.json_form import board_as_json
from leaderboard.rank_ranges import FigureKey, RankRange


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
                    *map(safe_cell, facts_of_row),
                    *(direction, relevance, name),
                    *(cell.value, cell.low, cell.high, cell.deviation),
                    *(ranks or (None, None, None)),
                ]
            )
    return stream.getvalue()


def json_download(board: Board, places: Sequence[Mapping[FigureKey, RankRange]]) -> str:
    """Return a board as `leaderboard --json --breakdowns` describes it.

    Args:
        board: The board.
        places: The places that each row may have.
    """
    content = board_as_json(board, places, breakdowns=True)
    rows = ",\n".join(json.dumps(row, allow_nan=False) for row in content.pop("rows"))
    # A row a line: json's own indentation takes ten times as long.
    shared = json.dumps(content, allow_nan=False)
    return f'{shared.removesuffix("}")},\n"rows": [\n{rows}\n]}}\n'


def tex_text(board: Board) -> str:
    r"""Return a board as a LaTeX tabular, which needs ``\usepackage{booktabs}``."""
    return "\n".join(board_tabular(board)) + "\n"
