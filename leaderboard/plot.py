"""Boards and results as charts: which board, which kind, and one file for each."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from dvtr_bench.catalog import CHARTS, PLOTS
from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import ChartData, Distribution, NamedValues, Series
from dvtr_bench.reports.drawing import svg_file_text
from dvtr_bench.runtime.files import written_beside
from leaderboard.board import Board, Cell, Entry
from leaderboard.plot_subject import Subject
from leaderboard.tables import board_title

FIGURES: Final = {"T2V R@1": ("t2v", "strict", "R@1"), "V2T R@1": ("v2t", "strict", "R@1")}
"""Figures that a chart of named values shows for each row."""

MOST_RANKS: Final = 50
"""Number of first ranks that a distribution chart shows."""


def write_charts(boards: Sequence[Board], charts: Sequence[str], page: Path) -> list[Path]:
    """Draw every board with every chart, in files beside a page.

    Args:
        boards: As returned by `leaderboard.board.make_boards`.
        charts: Names of files in `dvtr_bench.reports.charts`, or of plug-ins.
        page: The page; the chart files are named after it, the board and the chart.

    Returns:
        The SVG files.

    Raises:
        NotFoundError: There is no such chart.
        ConfigError: A chart takes data that a board does not have.
    """
    names = [CHARTS.entry(chart).name for chart in charts]
    written: list[Path] = []
    for board in boards:
        for name in names:
            key = board.key
            parts = [page.stem, key.dataset, key.split, key.post_processing, name]
            stem = "-".join(part for part in parts if part != "none")
            stem = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)
            path, number = page.with_name(f"{stem}.svg"), 1
            while path in written:
                number += 1
                path = page.with_name(f"{stem}-{number}.svg")
            text = svg_file_text(name, board_data(board, name))
            with written_beside(path) as beside:
                beside.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


def board_data(board: Board, chart: str) -> ChartData:
    """Return a board's data for a chart.

    Args:
        board: The board.
        chart: The chart whose kind of data is returned.

    Returns:
        For a chart of named values, R@1 in both directions with intervals, one row per entry; for a
        distribution, the ranks of each caption's own video; for series, T2V R@k over k, one line
        per entry.
    """
    if CHARTS.load(chart).TAKES is Distribution:
        return _ranks(board)
    if CHARTS.load(chart).TAKES is Series:
        return recall_series(
            board_title(board),
            {entry.name: [run.rank_table for run in entry.runs] for entry in board.entries},
        )
    figure_keys = {
        name: key
        for name, key in FIGURES.items()
        if all(key in entry.figures for entry in board.entries)
    }
    cells = {
        name: [entry.figures[key] for entry in board.entries] for name, key in figure_keys.items()
    }
    return NamedValues(
        f"{board_title(board)}: R@1",
        [entry.name for entry in board.entries],
        {name: [cell.value for cell in column] for name, column in cells.items()},
        {name: ends for name, column in cells.items() if (ends := _intervals(column))},
    )


def recall_series(
    title: str, runs: Mapping[str, Sequence[RankTable]], deepest: int = MOST_RANKS
) -> Series:
    """Return T2V R@k over k.

    Args:
        title: What the runs have in common.
        runs: Ranks by name of the line; of several runs the mean is shown.
        deepest: The last k, at most the gallery's size.

    Returns:
        A line for each name.
    """
    last = min(deepest, *(table.num_videos for tables in runs.values() for table in tables))
    return Series(
        f"{title}: T2V R@k",
        "k",
        "percent of the captions",
        {name: _recalls(tables, last) for name, tables in runs.items()},
    )


def _recalls(tables: Sequence[RankTable], last: int) -> list[tuple[float, float]]:
    ranks = [table.ranks["t2v"]["strict"].pessimistic for table in tables]
    return [
        (float(k), float(np.mean([100.0 * (rank_array <= k).mean() for rank_array in ranks])))
        for k in range(1, last + 1)
    ]


def _intervals(cells: Sequence[Cell]) -> list[tuple[float, float]]:
    """Return the intervals of a column; none if a cell lacks one."""
    ends = [(cell.low, cell.high) for cell in cells if cell.low is not None]
    complete = [(low, high) for low, high in ends if high is not None]
    return complete if len(complete) == len(cells) else []


def _ranks(board: Board) -> Distribution:
    last = min(MOST_RANKS, board.num_videos)
    return Distribution(
        f"{board_title(board)}: at which rank a caption's own video is found",
        "rank" if last == board.num_videos else f"rank (to {last})",
        [number + 0.5 for number in range(last + 1)],
        {entry.name: _shares(entry, last) for entry in board.entries},
    )


def _shares(entry: Entry, last: int) -> list[float]:
    ranks = np.concatenate(
        [run.rank_table.ranks["t2v"]["strict"].pessimistic for run in entry.runs]
    )
    counts = np.bincount(ranks, minlength=last + 1)[1 : last + 1]
    shares: list[float] = (100.0 * counts / len(ranks)).tolist()
    return shares


def make_plot(kind: str, subject: Subject) -> Chart:
    """Return the chart of a board.

    Args:
        kind: A file of `leaderboard.plots`, or a chart, see `board_data`.
        subject: The board, and what is shown of it.

    Returns:
        The chart; its notes say what is left out.

    Raises:
        NotFoundError: There is no such kind, or the results lack what it shows.
        ExtensionError: A chart's file lacks something.
    """
    entry, module = PLOTS.entry(kind), PLOTS.load(kind)
    if not hasattr(module, "make"):
        return Chart(entry.name, board_data(subject.board, entry.name))
    chart: Chart = module.make(subject)
    return chart


def choose_board(
    boards: Sequence[Board],
    dataset: str | None = None,
    split: str | None = None,
    post_processing: str | None = None,
) -> Board:
    """Return the one board that is meant.

    Args:
        boards: All there are; at least one.
        dataset: Name of its dataset; None for any.
        split: Name of its split; None for any.
        post_processing: Of its scores; None for raw scores where there are several.

    Returns:
        The board.

    Raises:
        NotFoundError: None fits, or several do; lists those there are.
    """
    fitting = [
        board
        for board in boards
        if dataset in (None, board.key.dataset)
        and split in (None, board.key.split)
        and post_processing in (None, board.key.post_processing)
    ]
    raw = [board for board in fitting if board.key.post_processing == "none"]
    if len(fitting) > 1 and post_processing is None and len(raw) == 1:
        return raw[0]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(
        f"{board_title(board)} (fingerprint {board.key.fingerprint[:12]})"
        for board in fitting or boards
    )
    if not fitting:
        raise NotFoundError(f"no results of that dataset, split and post-processing: {listed}")
    raise NotFoundError(
        "a plot shows results of one dataset, split, build and post-processing, found several: "
        f"{listed}: say which dataset and split, or name the result files"
    )
