"""The data of a board's table, one entry per row."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from dvtr_bench.ranking.bootstrap import BootstrapConfig, squared_quantile
from dvtr_bench.ranking.figures import figure_names, higher_is_better
from dvtr_bench.ranking.group_figures import FEW, FEWEST_VIDEOS
from dvtr_bench.results.record import Breakdown
from leaderboard.board import Board, Cell, Entry
from leaderboard.rank_ranges import ALPHA, FigureKey, RankRange, resampling_for
from leaderboard.result_files import EntryFile, published_for, reported_columns
from leaderboard.row_json import places_of, row_as_json
from leaderboard.tables import (
    FIGURE,
    about_post_processing,
    board_axes,
    board_title,
    further_figures,
    group_cell,
    sorted_alike,
)

_DIGITS: Final = 4

_SAME_KEYS: Final = (
    "id",
    "label",
    "variant",
    "name",
    "model",
    "kind",
    "training",
    "sampling",
    "seeds",
    "runs",
    "scoring",
    "honest",
    "contaminated",
)
"""What the page calls by the name that it has in JSON."""

_STEPS: Final = {"texts": "encode_texts", "videos": "encode_videos", "score": "score"}

_SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def board_id(board: Board) -> str:
    """Return a unique name of a board, safe in addresses and file names."""
    key = board.key
    name = f"{key.dataset}-{key.split}"
    if key.post_processing != "none":
        name += f"-{key.post_processing}"
    plain = "".join(letter if letter in _SAFE else "_" for letter in name)[:60]
    return f"{plain}-{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"


def board_data(
    board: Board,
    places: Sequence[Mapping[FigureKey, RankRange]] | None = None,
    notes: Mapping[int, EntryFile] | None = None,
    judged: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the data of a board.

    Args:
        board: The board.
        places: The places that each row may have; None to compute them.
        notes: What stands beside result files, by ``id`` of their records.
        judged: Its figures under judged relevance.

    Returns:
        JSON values. Figures are ``[value, low, high, deviation]`` by ``direction/relevance/name``;
        None stands for a part that a figure does not have. Rank ranges are ``[first, last, p
        against the best]`` by ``direction/name``.
    """
    places = places_of(board) if places is None else places
    axes, further = board_axes(board), further_figures(board)
    return {
        **board_summary(board),
        "about": about_post_processing(board),
        "notes": list(board.notes),
        "chance": {name: dict(values) for name, values in board.chance.items()},
        "ceiling": rounded(board.shared_text.ceiling),
        "sharedCaptions": board.shared_text.shared_captions,
        "figures": list(figure_names()),
        "lowerIsBetter": [name for name in figure_names() if not higher_is_better(name)],
        "ranking": {
            "alpha": ALPHA,
            "resamples": resampling_for(len(board.entries)).resamples,
        },
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
                **_row(entry, row_places, axes, further),
                **_who_ran([(notes or {}).get(id(run)) for run in entry.runs]),
            }
            for entry, row_places in zip(board.entries, places, strict=True)
        ],
        "groupFigures": [FIGURE, *further],
        "judged": list(judged),
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
        "square": squared_quantile(config.level),
        "fewestVideos": FEWEST_VIDEOS,
        "few": FEW,
        "state": f"{int(state['state']):032x}",
        "increment": f"{int(state['inc']):032x}",
    }


def _row(
    entry: Entry,
    places: Mapping[FigureKey, RankRange],
    axes: Mapping[str, Breakdown],
    further: Sequence[str],
) -> dict[str, Any]:
    """Return a row in the short form that the page loads, from what JSON says of it in full."""
    row = row_as_json(entry, places)
    seconds = row["seconds"]
    return {
        **{name: row[name] for name in _SAME_KEYS},
        "family": row["model"].split("_")[0],
        "backbone": entry.runs[0].model.backbone,
        "backboneHash": row["backbone_sha256"],
        "frames": row["frames_per_video"],
        "parameters": row["num_parameters"],
        "seconds": {
            short: None if seconds[name] is None else rounded(seconds[name])
            for short, name in _STEPS.items()
        },
        "textBlock": row["text_block"],
        "date": row["date_utc"],
        "device": f"{row['device']} ({row['device_name']})",
        "version": row["dvtr_bench"],
        "commit": row["git_commit"],
        "dirty": row["git_dirty"],
        "values": {"/".join(figure): cell_data(cell) for figure, cell in entry.figures.items()},
        "ranks": {
            "/".join(figure): [
                place.first,
                place.last,
                None if place.p_best is None else float(f"{place.p_best:.3g}"),
            ]
            for figure, place in places.items()
        },
        "groups": {axis: _groups(entry, axis, breakdown) for axis, breakdown in axes.items()},
        "furtherGroups": {
            figure: {
                axis: _groups(entry, axis, breakdown, figure) for axis, breakdown in axes.items()
            }
            for figure in further
        },
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


def _groups(
    entry: Entry, axis: str, reference: Breakdown, figure: str = FIGURE
) -> list[list[float | None] | None] | None:
    """Return a T2V figure of each group; None if the row sorts its captions into other groups."""
    if not sorted_alike(entry, axis, reference):
        return None
    cells = (
        group_cell([run.breakdowns[axis].results["t2v"][group] for run in entry.runs], figure)
        for group in reference.results["t2v"]
    )
    return [None if cell is None else cell_data(cell) for cell in cells]


def cell_data(cell: Cell) -> list[float | None]:
    """Return value, low, high and deviation of a figure, as the page takes them."""
    parts = (cell.value, cell.low, cell.high, cell.deviation)
    return [None if part is None else rounded(part) for part in parts]


def rounded(value: float) -> float:
    """Round to more digits than tables show; the run's page has all digits."""
    return round(value, _DIGITS)
