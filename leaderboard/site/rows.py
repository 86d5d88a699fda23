"""The data of a board's table, one entry per row."""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import figure_names, higher_is_better
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS
from dvtr_bench.results import RunRecord
from dvtr_bench.results.record import Breakdown
from dvtr_bench.results.setups import setup_of
from leaderboard.board import Board, Cell, Entry
from leaderboard.breakdown_tables import board_axes, group_cell, sorted_alike
from leaderboard.entry_file import EntryFile
from leaderboard.published import published_for, reported_columns
from leaderboard.site.rank_ranges import ALPHA, FigureKey, RankRange, rank_ranges, resampling_for
from leaderboard.tables import about_post_processing, board_title

_DIGITS: Final = 4

_SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def board_id(board: Board) -> str:
    """Return a unique name of a board, safe in addresses and file names."""
    key = board.key
    name = f"{key.dataset}-{key.split}"
    if key.post_processing != "none":
        name += f"-{key.post_processing}"
    plain = "".join(letter if letter in _SAFE else "_" for letter in name)[:60]
    return f"{plain}-{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"


def row_id(entry: Entry) -> str:
    """Return the id of a row, the same for runs that differ only in their seed."""
    return setup_of(entry.runs[0]).short_hash


def run_id(record: RunRecord) -> str:
    """Return the id of a run: its row's id and its seeds."""
    return "-".join([setup_of(record).short_hash, *map(str, record.model.seeds)])


def board_data(board: Board, notes: Mapping[int, EntryFile] | None = None) -> dict[str, Any]:
    """Return the data of a board.

    Args:
        board: The board.
        notes: What stands beside result files, by ``id`` of their records.

    Returns:
        JSON values. Figures are ``[value, low, high, deviation]`` by ``direction/relevance/name``;
        None stands for a part that a figure does not have. Rank ranges are ``[first, last, p
        against the best]`` by ``direction/name``.
    """
    resampling = resampling_for(len(board.entries))
    tables = [[run.rank_table for run in entry.runs] for entry in board.entries]
    ranges = rank_ranges(tables, resampling)
    axes = board_axes(board)
    return {
        **board_summary(board),
        "about": about_post_processing(board),
        "notes": list(board.notes),
        "chance": {name: dict(values) for name, values in board.chance.items()},
        "ceiling": _rounded(board.shared_text.ceiling),
        "sharedCaptions": board.shared_text.shared_captions,
        "figures": list(figure_names()),
        "lowerIsBetter": [name for name in figure_names() if not higher_is_better(name)],
        "ranking": {"alpha": ALPHA, "resamples": resampling.resamples},
        "draws": draws_data(BootstrapConfig()),
        "axes": {
            axis: {
                "title": breakdown.title,
                "groups": [
                    [name, group.queries, group.videos]
                    for name, group in breakdown.results["t2v"].items()
                ],
            }
            for axis, breakdown in axes.items()
        },
        "rows": [
            {
                **_row(entry, _ranges_of(ranges, row), axes),
                **_who_ran([(notes or {}).get(id(run)) for run in entry.runs]),
            }
            for row, entry in enumerate(board.entries)
        ],
        "published": [
            {
                "model": row.model,
                "about": row.about,
                "source": row.source,
                "figures": {
                    f"{direction}/{name}": row.figures(direction)[name]
                    for direction, name in reported_columns([row])
                },
            }
            for row in published_for(board.key.dataset)
        ],
    }


def board_summary(board: Board) -> dict[str, Any]:
    """Return the data of a board that the list of boards shows."""
    key = board.key
    return {
        "id": board_id(board),
        "title": board_title(board),
        "dataset": key.dataset,
        "version": key.dataset_version,
        "split": key.split,
        "postProcessing": key.post_processing,
        "fingerprint": key.fingerprint,
        "protocol": key.protocol_version,
        "videos": board.num_videos,
        "captions": board.num_captions,
        "numRows": len(board.entries),
    }


def draws_data(config: BootstrapConfig) -> dict[str, Any]:
    """Return what the page needs to draw the same resamples as Python.

    Args:
        config: Of the bootstrap.

    Returns:
        Number of resamples, level, and the initial state of the generator (PCG64, XSL-RR): 128
        bits each, as 32 hex digits.
    """
    state = np.random.PCG64(config.seed).state["state"]
    return {
        "resamples": config.resamples,
        "level": config.level,
        "fewestVideos": FEWEST_VIDEOS,
        "state": f"{int(state['state']):032x}",
        "increment": f"{int(state['inc']):032x}",
    }


def _row(
    entry: Entry, ranges: Mapping[str, list[float | None]], axes: Mapping[str, Breakdown]
) -> dict[str, Any]:
    first = entry.runs[0]
    model, environment = first.model, first.environment
    return {
        "id": row_id(entry),
        "label": entry.label,
        "variant": entry.variant,
        "name": entry.name,
        "model": model.name,
        "family": model.name.split("_")[0],
        "kind": first.kind,
        "backbone": model.backbone,
        "backboneHash": model.backbone_sha256,
        "training": _training(first),
        "sampling": first.dataset.sampling,
        "frames": first.dataset.frames_per_video,
        "parameters": model.num_parameters,
        "seconds": _seconds(entry),
        "seeds": list(entry.seeds),
        "runs": [run_id(run) for run in entry.runs],
        "scoring": first.scoring.scoring,
        "textBlock": first.scoring.text_block,
        "date": max(run.environment.date_utc for run in entry.runs),
        "device": f"{environment.device} ({environment.device_name})",
        "version": environment.libraries.get("dvtr-bench"),
        "commit": environment.git_commit,
        "dirty": environment.git_dirty,
        "honest": _honest(entry),
        "contaminated": entry.contamination,
        "values": {"/".join(figure): _cell(cell) for figure, cell in entry.figures.items()},
        "ranks": ranges,
        "groups": {axis: _groups(entry, axis, breakdown) for axis, breakdown in axes.items()},
    }


def _who_ran(notes: Sequence[EntryFile | None]) -> dict[str, Any]:
    """Return who ran the runs of a row, and which of them a maintainer ran again."""
    known = [note for note in notes if note is not None]
    people = dict.fromkeys((note.ran_by, note.link) for note in known)
    reruns = [note.rerun for note in known if note.rerun is not None]
    return {
        "ranBy": [{"name": name, "link": link} for name, link in people],
        "reruns": [
            {"by": one.by, "date": one.date, "r1": one.t2v_r1, "note": one.note} for one in reruns
        ],
    }


def _training(record: RunRecord) -> dict[str, Any] | None:
    training = record.model.training
    if training is None:
        return None
    return {
        "dataset": training.dataset,
        "fingerprint": training.fingerprint,
        "epochs": training.recipe.get("epochs"),
        "freeze": training.recipe.get("freeze"),
    }


def _seconds(entry: Entry) -> dict[str, float | None]:
    """Return the mean seconds of each step over the runs of a row; None if it was not timed."""
    seconds: dict[str, float | None] = {}
    for name, label in (
        ("encode_texts", "texts"),
        ("encode_videos", "videos"),
        ("score", "score"),
    ):
        values = [getattr(run.seconds, name) for run in entry.runs]
        known = [value for value in values if value is not None]
        seconds[label] = _rounded(statistics.mean(known)) if known else None
    return seconds


def _honest(entry: Entry) -> bool | None:
    """Return whether every honesty check passed; None without checks."""
    checks = [check.passed for run in entry.runs for check in run.honesty]
    return all(checks) if checks else None


def _ranges_of(
    ranges: Mapping[FigureKey, tuple[RankRange, ...]], row: int
) -> dict[str, list[float | None]]:
    return {
        "/".join(figure): [
            by_row[row].first,
            by_row[row].last,
            None if (p_best := by_row[row].p_best) is None else float(f"{p_best:.3g}"),
        ]
        for figure, by_row in ranges.items()
    }


def _groups(
    entry: Entry, axis: str, reference: Breakdown
) -> list[list[float | None] | None] | None:
    """Return T2V R@1 of each group; None if the row sorts its captions into other groups."""
    if not sorted_alike(entry, axis, reference):
        return None
    cells = (
        group_cell([run.breakdowns[axis].results["t2v"][group] for run in entry.runs])
        for group in reference.results["t2v"]
    )
    return [None if cell is None else _cell(cell) for cell in cells]


def _cell(cell: Cell) -> list[float | None]:
    parts = (cell.value, cell.low, cell.high, cell.deviation)
    return [None if part is None else _rounded(part) for part in parts]


def _rounded(value: float) -> float:
    """Round to more digits than tables show; the run's page has all digits."""
    return round(value, _DIGITS)
