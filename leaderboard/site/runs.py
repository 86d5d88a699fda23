"""The data of one run: its page, and its ranks for comparisons."""

from typing import Any, Final

from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.results import RunRecord
from dvtr_bench.results.setups import contamination
from leaderboard.board import Board, Entry
from leaderboard.result_files import EntryFile
from leaderboard.row_json import row_id, run_id
from leaderboard.run_logs import RunFolders, read_log
from leaderboard.site.commands import about_repeating, bibtex, repeat_commands
from leaderboard.site.rows import board_id

_SHOWN_FIELDS: Final = (
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
"""Fields of the record that a run's page shows unchanged: all but checks, groups and ranks."""


def run_data(
    board: Board,
    entry: Entry,
    record: RunRecord,
    run_folders: RunFolders,
    note: EntryFile | None = None,
) -> dict[str, Any]:
    """Return the data of a run's page.

    Args:
        board: The board of the run.
        entry: The row of the run.
        record: The run.
        run_folders: Training runs, whose logs give the curves.
        note: What stands beside its result file: who ran it.

    Returns:
        JSON values; ``record`` holds the figures of the result file with all digits.
    """
    return {
        "id": run_id(record),
        "board": board_id(board),
        "row": row_id(entry),
        "name": entry.name,
        "record": {name: to_json(getattr(record, name)) for name in _SHOWN_FIELDS},
        "honesty": [{**to_json(check), "passed": check.passed} for check in record.honesty],
        "breakdowns": {
            axis: {"title": breakdown.title, "results": to_json(breakdown.results)}
            for axis, breakdown in sorted(record.breakdowns.items())
        },
        "contaminated": contamination(record),
        "entry": None if note is None else to_json(note),
        "commands": repeat_commands(record),
        "about": about_repeating(record),
        "bibtex": bibtex(record, run_id(record)),
        **_curves(record, run_folders),
    }


def _curves(record: RunRecord, run_folders: RunFolders) -> dict[str, Any]:
    """Return the curves of a run's training, or None and why there are none."""
    if record.model.training is None:
        return {"curves": None, "aboutCurves": "It was not trained, or not by dvtr-bench."}
    folder = run_folders.find(record)
    if folder is None:
        why = "There are no curves: whoever made this site had the results, but not the log."
        return {"curves": None, "aboutCurves": why}
    log = read_log(folder)
    curves = {"validation": log.validation, "loss": log.loss}
    return {"curves": curves, "aboutCurves": ""}


def ranks_data(record: RunRecord) -> dict[str, list[int]]:
    """Return the ranks of every query under strict relevance, by direction."""
    table = record.rank_table
    return {
        direction: table.ranks[direction]["strict"].pessimistic.tolist() for direction in DIRECTIONS
    }
