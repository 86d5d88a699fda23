"""A board as data: all that its table shows, one entry a row."""

import hashlib
import statistics
from collections.abc import Mapping
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
from leaderboard.published import published_for
from leaderboard.site.contamination import contamination
from leaderboard.site.rank_ranges import ALPHA, Place, RankRange, rank_ranges, resampling_for
from leaderboard.tables import about_post_processing, board_title

_DIGITS: Final = 4

_SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def board_id(board: Board) -> str:
    """Return a name for a board that an address and a file can have; no other board has it."""
    key = board.key
    told = f"{key.dataset}-{key.split}"
    if key.post_processing != "none":
        told += f"-{key.post_processing}"
    plain = "".join(letter if letter in _SAFE else "_" for letter in told)[:60]
    return f"{plain}-{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"


def row_id(entry: Entry) -> str:
    """Return what stands for a row: equal for runs that differ in nothing but their seed."""
    return setup_of(entry.runs[0]).short_hash


def run_id(record: RunRecord) -> str:
    """Return what stands for a run: its row and its seeds."""
    return "-".join([setup_of(record).short_hash, *map(str, record.model.seeds)])


def board_data(board: Board) -> dict[str, Any]:
    """Lay out a board.

    Args:
        board: The board.

    Returns:
        JSON values. A figure is ``[value, low, high, deviation]``, None for what it has not, under
        ``direction/relevance/name``; a rank range ``[first, last, p against the best]``, under
        ``direction/name``.
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
                "title": named.title,
                "groups": [
                    [name, found.queries, found.videos]
                    for name, found in named.results["t2v"].items()
                ],
            }
            for axis, named in axes.items()
        },
        "rows": [
            _row(entry, _ranges_of(ranges, place), axes)
            for place, entry in enumerate(board.entries)
        ],
        "published": [
            {"model": row.model, "r1": row.t2v_r1, "r5": row.t2v_r5, "source": row.source}
            for row in published_for(board.key.dataset)
        ],
    }


def board_summary(board: Board) -> dict[str, Any]:
    """Return what the list of boards shows of one."""
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
    """Return what a page needs to draw the videos that Python draws.

    Args:
        config: Of the bootstrap.

    Returns:
        Number and level, and the generator's state before the first draw (PCG64, XSL-RR): 128 bits
        each as 32 hex digits.
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
        "contaminated": next(filter(None, map(contamination, entry.runs)), ""),
        "values": {"/".join(place): _cell(cell) for place, cell in entry.figures.items()},
        "ranks": ranges,
        "groups": {axis: _groups(entry, axis, named) for axis, named in axes.items()},
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
    """Average what the runs of a row took; None for what was not done here."""
    found: dict[str, float | None] = {}
    for name, label in (
        ("encode_texts", "texts"),
        ("encode_videos", "videos"),
        ("score", "score"),
    ):
        values = [getattr(run.seconds, name) for run in entry.runs]
        known = [value for value in values if value is not None]
        found[label] = _rounded(statistics.mean(known)) if known else None
    return found


def _honest(entry: Entry) -> bool | None:
    """Say whether every check passed; None where there was none to make."""
    checks = [check.passed for run in entry.runs for check in run.honesty]
    return all(checks) if checks else None


def _ranges_of(
    ranges: Mapping[Place, tuple[RankRange, ...]], row: int
) -> dict[str, list[float | None]]:
    return {
        "/".join(place): [
            found[row].first,
            found[row].last,
            None if (p_best := found[row].p_best) is None else float(f"{p_best:.3g}"),
        ]
        for place, found in ranges.items()
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
    """Round as far as tables can show; the run's own page has every digit."""
    return round(value, _DIGITS)
