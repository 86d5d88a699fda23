"""One run as data: its own page, its ranks for comparisons, its best clips for the browser."""

from typing import Any, Final

from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.results import RunRecord
from dvtr_bench.runtime.json_records import to_json
from leaderboard.board import Board, Entry
from leaderboard.site.commands import about_repeating, bibtex, repeat_commands
from leaderboard.site.contamination import contamination
from leaderboard.site.rows import board_id, row_id, run_id

_TOLD: Final = (
    "format_version",
    "protocol_version",
    "kind",
    "dataset",
    "model",
    "scoring",
    "environment",
    "seconds",
    "bootstrap",
    "metrics",
    "left_out",
    "ties",
    "shared_text",
)
"""What a run's page shows of its record as it is: all but honesty checks, groups and ranks."""


def run_data(board: Board, entry: Entry, record: RunRecord) -> dict[str, Any]:
    """Lay out a run's page.

    Args:
        board: Where it stands.
        entry: Its row.
        record: The run, one of the row's.

    Returns:
        JSON values; ``record`` holds what the result file says, every digit.
    """
    return {
        "id": run_id(record),
        "board": board_id(board),
        "row": row_id(entry),
        "name": entry.name,
        "record": {name: to_json(getattr(record, name)) for name in _TOLD},
        "honesty": [{**to_json(check), "passed": check.passed} for check in record.honesty],
        "breakdowns": {
            axis: {"title": found.title, "results": to_json(found.results)}
            for axis, found in sorted(record.breakdowns.items())
        },
        "contaminated": contamination(record),
        "commands": repeat_commands(record),
        "about": about_repeating(record),
        "bibtex": bibtex(record, run_id(record)),
    }


def ranks_data(record: RunRecord) -> dict[str, list[int]]:
    """Return the ranks of every query under strict relevance, by direction."""
    table = record.rank_table
    return {
        direction: table.ranks[direction]["strict"].pessimistic.tolist() for direction in DIRECTIONS
    }
