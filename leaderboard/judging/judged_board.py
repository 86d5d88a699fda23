"""Figures of a board under judged relevance, beside its strict ones, as tables."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.metrics.recall import DEPTHS
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.bootstrap import figure_interval, video_draws
from dvtr_bench.ranking.ceilings import chance
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.reports.html_table import html_table
from dvtr_bench.results.record import RunRecord
from dvtr_bench.runtime.terminal import count_of
from leaderboard.board import Board, Cell, Entry
from leaderboard.html import table_html
from leaderboard.judging.facts import FITS, JudgedSplit
from leaderboard.judging.judged_queries import (
    NDCG,
    WHOLE,
    at_most,
    judged,
    query_figures,
    strict,
    unjudged,
)
from leaderboard.judging.judgements import Judgements
from leaderboard.row_json import row_id
from leaderboard.tables import DIRECTION_TITLES, Field, Table, figure_field, number_field

if TYPE_CHECKING:
    from leaderboard.result_files import ResultFile

_Values: TypeAlias = NDArray[np.float64]

ABOUT: Final = (
    "strict: the caption's own clip is among the first k. judged: a clip that fits is, be it the "
    "own one, one of the same text or one that was judged to fit; unjudged clips count as wrong, "
    "and as right in `at most`. nDCG is in percent; there, what fits in part counts half."
)


@dataclass(frozen=True, eq=False)
class JudgedRow:
    """One row of a board under judged relevance.

    Attributes:
        entry: The row of the board.
        figures: By direction and name, as `query_figures` names them, in percent.
    """

    entry: Entry
    figures: Mapping[tuple[Direction, str], Cell]

    def __repr__(self) -> str:
        """The row, and how many figures it has."""
        return f"JudgedRow({self.entry!r}, {len(self.figures)} figures)"


@dataclass(frozen=True, eq=False)
class JudgedBoard:
    """A board under judged relevance.

    Attributes:
        judgements: What was judged.
        board: The board.
        rows: Those of its rows whose top lists are at hand, in its order.
        missing: Names of the other rows.
        frames: By direction, for complete judgements: what chance and a model reach that knows all
            that captions say.
    """

    judgements: Judgements
    board: Board
    rows: tuple[JudgedRow, ...]
    missing: tuple[str, ...]
    frames: Mapping[Direction, Mapping[str, Mapping[str, float]]]

    def __repr__(self) -> str:
        """Judgements and number of rows."""
        return f"JudgedBoard({self.judgements!r}, {count_of(len(self.rows), 'row')})"

    def _repr_html_(self) -> str:
        shown = "".join(map(table_html, self.tables))
        return f"<div>{shown}{html_table([], [], notes=self.notes)}</div>"

    @property
    def tables(self) -> tuple[Table, ...]:
        """One table a direction that was judged."""
        return tuple(map(self._table, self.judgements.directions))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was judged by whom, how to read the tables, and which rows are missing."""
        return (
            *_about_judging(self.judgements),
            ABOUT,
            *(f"{name}: left out, its top lists are not at hand." for name in self.missing),
        )

    def to_json(self) -> dict[str, Any]:
        """Return facts and figures as JSON values, as docs/reference/json.md describes them."""
        judgements = self.judgements
        facts = ("sha256", "source", "complete", "unsettled", "date_utc", "agreement")
        return {
            **{name: to_json(getattr(judgements, name)) for name in ("dataset", *facts)},
            "post_processing": self.board.key.post_processing,
            "judged_pairs": judgements.num_judged,
            "judged_queries": {
                direction: None if queries is None else len(queries)
                for direction, queries in judgements.queries.items()
            },
            "frames": to_json(self.frames),
            "rows": [
                {
                    "id": row_id(row.entry),
                    "name": row.entry.name,
                    "figures": {
                        direction: {
                            name: to_json(cell)
                            for (of, name), cell in row.figures.items()
                            if of == direction
                        }
                        for direction in judgements.directions
                    },
                }
                for row in self.rows
            ],
            "missing": list(self.missing),
        }

    def columns(self, direction: Direction) -> tuple[str, ...]:
        """Return the names of the figures that the table of a direction shows."""
        columns = [name for of, name in self._columns if of == direction]
        if self.judgements.complete:
            columns = [name for name in columns if not name.startswith("unjudged")]
        if not any(
            row.figures[direction, name].value
            for row in self.rows
            for name in columns
            if name.startswith("unjudged")
        ):
            columns = [name for name in columns if not name.endswith("at most")]
        return tuple(columns)

    def _table(self, direction: Direction) -> Table:
        columns = self.columns(direction)
        rows = tuple(
            (
                Field(row.entry.label, row.entry.variant),
                *(figure_field(row.figures[direction, name]) for name in columns),
            )
            for row in self.rows
        )
        frame = tuple(
            (Field(title), *(number_field(values.get(name)) for name in columns))
            for title, values in self.frames.get(direction, {}).items()
        )
        title = f"{DIRECTION_TITLES[direction]}, judged relevance{self._sample(direction)}"
        return Table(title, ("model", *columns), rows, frame)

    @property
    def _columns(self) -> tuple[tuple[Direction, str], ...]:
        """Return the figures that every row has."""
        first = self.rows[0].figures if self.rows else {}
        return tuple(key for key in first if all(key in row.figures for row in self.rows))

    def _sample(self, direction: Direction) -> str:
        queries = self.judgements.queries[direction]
        if queries is None:
            return ""
        table = self.board.entries[0].runs[0].rank_table
        return f" ({len(queries):,} of {count_of(len(table.query_videos(direction)), 'query')})"


def judged_boards(
    boards: Sequence[Board], files: "Sequence[ResultFile]", judgements: Judgements
) -> list[JudgedBoard]:
    """Compute the figures of boards under judged relevance.

    Args:
        boards: Any boards; those of other splits are passed over.
        files: Their results, with top lists.
        judgements: Of one split.

    Returns:
        One for each board of that split.

    Raises:
        IncomparableError: No board is of that split.
        ResultError: Top lists beside a result file belong to another run.
    """
    file_of = {id(file.record): file for file in files}
    found = [board for board in boards if _split(board) == judgements.dataset]
    if not found:
        others = ", ".join(dict.fromkeys(_split(board).title for board in boards))
        raise IncomparableError(
            f"the judgements are of {judgements.dataset.title} (fingerprint "
            f"{judgements.dataset.fingerprint[:12]}), and no result is of that build and split: "
            f"found {others or 'none'}"
        )
    return [_judged_board(board, file_of, judgements) for board in found]


def _split(board: Board) -> JudgedSplit:
    return JudgedSplit.of(board.entries[0].runs[0])


def _judged_board(
    board: Board, file_of: "Mapping[int, ResultFile]", judgements: Judgements
) -> JudgedBoard:
    rows, missing = [], []
    for entry in board.entries:
        try:
            lists = [file_of[id(run)].top_lists() for run in entry.runs]
        except NotFoundError:
            missing.append(entry.name)
            continue
        figures: dict[tuple[Direction, str], Cell] = {}
        for direction in judgements.directions:
            by_run = [
                query_figures(run, listed[direction], judgements, direction)
                for run, listed in zip(entry.runs, lists, strict=True)
            ]
            is_judged = _judged_queries(judgements, direction, lists[0][direction].query_ids)
            for name in _columns(by_run):
                values = [run_figures[name] for run_figures in by_run]
                cell = _cell(values, is_judged, entry.runs[0], direction)
                if name.startswith("unjudged"):  # a fact about the pool, nothing to be estimated
                    cell = replace(cell, low=None, high=None)
                figures[direction, name] = cell
        rows.append(JudgedRow(entry, figures))
    frames = _frames(board, judgements) if judgements.complete else {}
    return JudgedBoard(judgements, board, tuple(rows), tuple(missing), frames)


def _columns(by_run: Sequence[Mapping[str, _Values]]) -> Iterator[str]:
    """Yield the figures that all runs have, in the order of tables."""
    wanted = [name(k) for k in DEPTHS for name in (strict, judged, at_most)]
    wanted += [*(unjudged(k) for k in DEPTHS), NDCG]
    yield from (name for name in wanted if all(name in figures for figures in by_run))


def _judged_queries(
    judgements: Judgements, direction: Direction, query_ids: Sequence[str]
) -> NDArray[np.bool_]:
    queries = judgements.queries[direction]
    if queries is None:
        return np.ones(len(query_ids), dtype=np.bool_)
    chosen = frozenset(queries)
    return np.array([query in chosen for query in query_ids], dtype=np.bool_)


def _cell(
    runs: Sequence[_Values], is_judged: NDArray[np.bool_], record: RunRecord, direction: Direction
) -> Cell:
    """Return the mean over queries and runs, with its bootstrap interval over videos.

    Args:
        runs: Q values of each run.
        is_judged: bool, Q: which queries count.
        record: One of the runs.
        direction: Of the queries.
    """
    table, config = record.rank_table, record.bootstrap
    clusters = table.query_clusters(direction)[is_judged]
    means = [float(values[is_judged].mean()) for values in runs]
    deviation = statistics.stdev(means) if len(means) > 1 else None
    videos = len(np.unique(clusters))
    value = statistics.mean(means)
    if videos < FEWEST_VIDEOS:
        return Cell(value, None, None, deviation)
    size = len(table.query_videos("v2t"))
    queries = np.bincount(clusters, minlength=size).astype(np.float64)
    sums = np.bincount(clusters, np.mean(runs, axis=0)[is_judged], size)
    resampled = []
    for drawn in video_draws(table, config):
        counts = drawn @ queries
        resampled.append((drawn @ sums)[counts > 0] / counts[counts > 0])
    low, high = figure_interval(value, np.concatenate(resampled), WHOLE, videos, config.level)
    return Cell(value, low, high, deviation)


def _frames(board: Board, judgements: Judgements) -> dict[Direction, dict[str, dict[str, float]]]:
    """Return what chance reaches, and the strict R@1 that the fitting clips leave."""
    table = board.entries[0].runs[0].rank_table
    frames: dict[Direction, dict[str, dict[str, float]]] = {}
    for direction in judgements.directions:
        gallery = table.gallery_size(direction)
        relevant = judgements.relevant[direction].values()
        fitting = [sum(grade == FITS for grade in graded.values()) for graded in relevant]
        depths = [k for k in DEPTHS if k <= gallery]
        by_chance = {strict(k): board.chance.get(direction, {}).get(f"R@{k}", 0.0) for k in depths}
        for k in depths:
            reached = {count: chance(gallery, k, count) for count in set(fitting)}
            by_chance[judged(k)] = statistics.mean(reached[count] for count in fitting)
        frames[direction] = {"chance": by_chance}
        if direction == "t2v":
            left = statistics.mean(WHOLE / count for count in fitting)
            frames[direction]["any clip that fits"] = {strict(1): left, judged(1): WHOLE}
    return frames


def _about_judging(judgements: Judgements) -> Iterator[str]:
    name = f"Judgements {judgements.sha256[:8]}"
    if judgements.complete:
        yield (
            f"{name}, by ground truth: every pair of caption and clip is judged. Any clip that "
            "fits: a model that knows all that a caption says and takes one of the clips that fit."
        )
        return
    judges = judgements.judges
    yield (
        f"{name}: {count_of(judgements.num_judged, 'pair')}, by "
        f"{count_of(len(judges), 'judge')}; {judgements.unsettled:,} more have no majority "
        "and stay unjudged."
    )
    if (pool := judgements.pool) is not None:
        runs = ", ".join(dict.fromkeys(run.label for run in pool.runs))
        yield (
            f"Pooled from the first {count_of(pool.depth, 'candidate')} of "
            f"{count_of(len(pool.runs), 'run')}: {runs}. "
            "Other runs have more unjudged candidates, so compare their ranges."
        )
    for pair in judgements.agreement:
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        yield (
            f"{pair.first} and {pair.second}: Cohen's kappa {kappa} on "
            f"{count_of(pair.pairs, 'pair')}."
        )
