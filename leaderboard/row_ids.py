"""Ids of rows and of runs, in addresses, files and JSON."""

from dvtr_bench.results import RunRecord
from dvtr_bench.results.setups import setup_of
from leaderboard.board import Entry


def row_id(entry: Entry) -> str:
    """Return the id of a row, the same for runs that differ only in their seed."""
    return setup_of(entry.runs[0]).short_hash


def run_id(record: RunRecord) -> str:
    """Return the id of a run: its row's id and its seeds."""
    return "-".join([setup_of(record).short_hash, *map(str, record.model.seeds)])
