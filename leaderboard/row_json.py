"""One row of a board as JSON values: every command and the site describe a row by these keys."""

import statistics
from collections.abc import Mapping
from typing import Any

from dvtr_bench.reading.json_records import to_json
from dvtr_bench.results import RunRecord, breakdowns_frame
from dvtr_bench.results.setups import setup_of
from leaderboard.board import Board, Entry
from leaderboard.rank_ranges import FigureKey, RankRange, rank_ranges, resampling_for


def row_id(entry: Entry) -> str:
    """Return the id of a row, the same for runs that differ only in their seed."""
    return setup_of(entry.runs[0]).short_hash


def run_id(record: RunRecord) -> str:
    """Return the id of a run: its row's id and its seeds."""
    return "-".join([setup_of(record).short_hash, *map(str, record.model.seeds)])


_BREAKDOWN_COLUMNS = (
    "seeds",
    "axis",
    "group",
    "direction",
    "metric",
    "value",
    "low",
    "high",
    "queries",
    "videos",
)


def row_as_json(
    entry: Entry,
    places: Mapping[FigureKey, RankRange] | None = None,
    *,
    breakdowns: bool = False,
) -> dict[str, Any]:
    """Return a row as JSON values, as docs/reference/json.md describes them.

    Args:
        entry: The row.
        places: The places that it may have on its board, by direction and figure; None where it
            stands on none.
        breakdowns: Whether to include its figures by group of captions.

    Returns:
        What it is, how it was made, and its figures, keyed by direction, relevance and name:
        ``figures["t2v"]["strict"]["R@1"]["value"]``.
    """
    first = entry.runs[0]
    row = {
        "id": row_id(entry),
        "name": entry.name,
        "label": entry.label,
        "variant": entry.variant,
        **_model(first),
        "seeds": list(entry.seeds),
        "num_runs": entry.num_runs,
        "runs": [run_id(run) for run in entry.runs],
        "scoring": first.scoring.scoring,
        "text_block": first.scoring.text_block,
        "seconds": _seconds(entry),
        **_environment(entry),
        "honest": _honest(entry),
        "contaminated": entry.contamination,
        "figures": _figures(entry),
        "places": _places(places or {}),
    }
    return {**row, "breakdowns": _breakdowns(entry)} if breakdowns else row


def places_of(board: Board) -> list[dict[FigureKey, RankRange]]:
    """Return the places that each row of a board may have, by direction and figure."""
    tables = [[run.rank_table for run in entry.runs] for entry in board.entries]
    ranges = rank_ranges(tables, resampling_for(len(tables)))
    return [
        {figure: by_row[row] for figure, by_row in ranges.items()} for row in range(len(tables))
    ]


def _model(record: RunRecord) -> dict[str, Any]:
    model = record.model
    training = None
    if model.training is not None:
        training = {
            "dataset": model.training.dataset,
            "fingerprint": model.training.fingerprint,
            "epochs": model.training.recipe.get("epochs"),
            "freeze": model.training.recipe.get("freeze"),
        }
    return {
        "model": model.name,
        "kind": record.kind,
        "backbone": model.backbone or "",
        "backbone_sha256": model.backbone_sha256,
        "num_parameters": model.num_parameters,
        "training": training,
        "sampling": record.dataset.sampling,
        "frames_per_video": record.dataset.frames_per_video,
    }


def _environment(entry: Entry) -> dict[str, Any]:
    environment = entry.runs[0].environment
    return {
        "date_utc": max(run.environment.date_utc for run in entry.runs),
        "device": environment.device,
        "device_name": environment.device_name,
        "dvtr_bench": environment.libraries.get("dvtr-bench"),
        "git_commit": environment.git_commit,
        "git_dirty": environment.git_dirty,
    }


def _seconds(entry: Entry) -> dict[str, float | None]:
    """Return the mean seconds of each step over the runs of a row; None if it was not timed."""
    seconds: dict[str, float | None] = {}
    for name in ("encode_texts", "encode_videos", "score"):
        values = [getattr(run.seconds, name) for run in entry.runs]
        known = [value for value in values if value is not None]
        seconds[name] = statistics.mean(known) if known else None
    return seconds


def _honest(entry: Entry) -> bool | None:
    """Return whether every honesty check passed; None without checks."""
    checks = [check.passed for run in entry.runs for check in run.honesty]
    return all(checks) if checks else None


def _figures(entry: Entry) -> dict[str, dict[str, dict[str, Any]]]:
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for (direction, relevance, name), cell in entry.figures.items():
        kinds = figures.setdefault(direction, {})
        kinds.setdefault(relevance, {})[name] = to_json(cell)
    return figures


def _places(places: Mapping[FigureKey, RankRange]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (direction, name), place in places.items():
        found.setdefault(direction, {})[name] = to_json(place)
    return found


def _breakdowns(entry: Entry) -> list[dict[Any, Any]]:
    frame = breakdowns_frame(entry.runs)
    # Without breakdowns the frame has no columns.
    if frame.empty:
        return []
    rows = frame[list(_BREAKDOWN_COLUMNS)].to_dict("records")
    return [
        {name: None if value != value else value for name, value in row.items()} for row in rows
    ]
