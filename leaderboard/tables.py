"""Boards as tables of text, for the terminal and the page: figures, and groups of captions."""

import statistics
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.ranking.figures import BOTH, figure_names
from dvtr_bench.ranking.group_figures import (
    FEW,
    FEWEST_VIDEOS,
    GroupFigures,
    are_few,
    group_figure_names,
)
from dvtr_bench.results.record import Breakdown
from dvtr_bench.runtime.terminal import count_of
from leaderboard.board import SEEN, Board, Cell, Entry
from leaderboard.result_files import published_for, reported_columns

DIRECTION_TITLES: Final = {
    "t2v": "Text to video (T2V)",
    "v2t": "Video to text (V2T, caption sets)",
    "v2t_caption": "Video to text (V2T, single captions)",
    BOTH: "Both directions",
}

LOWER_MEDIAN: Final = "MdR-lower"
"""Shown if it differs from MdR in some row of a table."""

ABOUT_LOWER_MEDIAN: Final = (
    "MdR is the mean of the two middle ranks where the number of queries is even, MdR-lower the "
    "lower one, as CLIP4Clip has it for T2V."
)
"""Explanation for tables with both medians."""

ABOUT_SEEDS: Final = (
    "A row of several seeds shows their mean ± the standard deviation over seeds, which says what "
    "training again would move; the interval below is that of the mean, and says what other test "
    "videos would move."
)
"""Explanation for tables with several seeds."""

ABOUT_FEW: Final = (
    f'A group marked "few" has fewer than {FEW} captions or videos: its figures say little.'
)
"""Explanation for tables by group."""

RELEVANCE_TITLES: Final = {
    "strict": "",
    "text_identical": ", text-identical relevance",
}


@dataclass(frozen=True)
class Field:
    """One cell of a table.

    Attributes:
        text: The figure, with its deviation over seeds, or a name; can be empty.
        detail: Its interval, or further facts about a row; can be empty.
    """

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: Heading.
        header: Column names, including that of the row names.
        rows: Measured rows, best first.
        frame: Rows of chance and ceiling, separate from measured ones.
        prose: Whether the first column has sentences, which can be wrapped.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]
    frame: tuple[tuple[Field, ...], ...] = ()
    prose: bool = False


def board_title(board: Board) -> str:
    """Return the heading of a board: dataset, version, split, sizes."""
    key = board.key
    title = (
        f"{key.dataset} {key.dataset_version}, {key.split}: "
        f"{board.num_captions:,} captions, {board.num_videos:,} videos"
    )
    if key.post_processing != "none":
        title += f", post-processed by {key.post_processing}"
    return title


def group_sizes(captions: int, videos: int) -> str:
    """Return the sizes of a group of captions in words; says so if they are few.

    Example:
        >>> group_sizes(1234, 56), group_sizes(12, 1)
        ('1,234 captions, 56 videos', '12 captions, 1 video, few')
    """
    sizes = f"{count_of(captions, 'caption')}, {count_of(videos, 'video')}"
    return f"{sizes}, few" if are_few(captions, videos) else sizes


def about_post_processing(board: Board) -> str:
    """Return what post-processed scores depend on besides their pair; empty for raw scores."""
    if board.key.post_processing == "none":
        return ""
    runs = (run for entry in board.entries for run in entry.runs)
    facts = next((run.scoring.post_processed for run in runs if run.scoring.post_processed), None)
    statement = (
        "by whoever brought them, and nothing says what they depend on: the queries may not be "
        "independent"
        if facts is None
        else f"by {facts.name}: {facts.statement}"
    )
    return f"The scores of this table were post-processed {statement}."


def board_tables(
    board: Board, relevance: str, directions: Collection[str] = tuple(DIRECTION_TITLES)
) -> Iterator[Table]:
    """Return the tables of a board.

    Args:
        board: The results.
        relevance: ``strict`` or ``text_identical``.
        directions: The directions to show.

    Yields:
        One table a direction.
    """
    for direction, title in DIRECTION_TITLES.items():
        names = ("mR", "RSum") if direction == BOTH else figure_names()
        columns = tuple(
            name
            for name in names
            if any((direction, relevance, name) in entry.figures for entry in board.entries)
            and not (name == LOWER_MEDIAN and _same_medians(board, direction, relevance))
        )
        if not columns or direction not in directions:
            continue
        rows = tuple(
            (
                Field(entry.label, _about(entry)),
                *(
                    figure_field(entry.figures.get((direction, relevance, name)))
                    for name in columns
                ),
            )
            for entry in board.entries
        )
        frame = tuple(_frame(board, direction, columns)) if relevance == "strict" else ()
        heading = f"{title}{RELEVANCE_TITLES[relevance]}"
        yield Table(heading, ("model", *columns), rows, frame)


def published_table(board: Board) -> Table | None:
    """Return a table of published figures for the board's dataset; None if there are none."""
    rows = published_for(board.key.dataset)
    if not rows:
        return None
    columns = reported_columns(rows)
    return Table(
        "As published, not measured here",
        ("model", *(f"{direction.upper()} {name}" for direction, name in columns), "source"),
        tuple(
            (
                Field(row.model, row.about or ""),
                *(number_field(row.figures(direction).get(name)) for direction, name in columns),
                Field(row.source),
            )
            for row in rows
        ),
    )


def _same_medians(board: Board, direction: str, relevance: str) -> bool:
    return all(
        entry.figures[direction, relevance, "MdR"].value
        == entry.figures[direction, relevance, LOWER_MEDIAN].value
        for entry in board.entries
    )


def _frame(board: Board, direction: str, columns: tuple[str, ...]) -> Iterator[tuple[Field, ...]]:
    chance = board.chance.get(direction, {})
    if chance:
        yield (Field("chance"), *(number_field(chance.get(name)) for name in columns))
    if direction == "t2v":
        ceiling = {"R@1": board.shared_text.ceiling}
        yield (
            Field("caption ceiling"),
            *(number_field(ceiling.get(name)) for name in columns),
        )


def figure_field(cell: Cell | None) -> Field:
    """Format a figure with its deviation over seeds, and its interval as detail, if it has them."""
    if cell is None:
        return Field("")
    deviation = "" if cell.deviation is None else f" ± {cell.deviation:.1f}"
    interval = "" if cell.low is None else f"{cell.low:.1f}–{cell.high:.1f}"
    return Field(f"{cell.value:.1f}{deviation}", interval)


def number_field(value: float | None) -> Field:
    """Format a figure without deviation and interval; empty for None."""
    return Field("" if value is None else f"{value:.1f}")


def _about(entry: Entry) -> str:
    seeds = "" if entry.num_runs == 1 else f"{entry.num_runs} seeds"
    seen = SEEN if entry.contamination else ""
    return ", ".join(part for part in (seeds, entry.variant, seen) if part)


FIGURE: Final = "R@1"

_NOT_SHOWN: Final = ("R@5", "R@10", "MdR")
"""Figures that result files have by group, but tables do not show."""

ABOUT: Final = (
    "Each group's captions search the whole gallery. Borders are the same for every dataset; a "
    f"group of fewer than {FEWEST_VIDEOS} videos has no interval. Nor has the mean of several "
    f"seeds: ± is their standard deviation. {ABOUT_FEW}"
)
"""Explanation for readers of these tables."""


@dataclass(frozen=True)
class BreakdownTable:
    """One axis of a board.

    Attributes:
        title: Title of the axis, for use within a sentence.
        table: One row per group with captions, one column per model.
        notes: Which rows of the board are left out, and why.
    """

    title: str
    table: Table
    notes: tuple[str, ...]


def make_breakdowns(board: Board) -> Iterator[BreakdownTable]:
    """Lay out the breakdowns of a board.

    Args:
        board: The results. All rows have the same captions and videos. A row whose groups differ
            from those of the first, because another version made it, is left out of that axis and
            named.

    Yields:
        For each axis, in order of their keys, a table of R@1 and one of each figure of a plug-in.
    """
    for axis, first_breakdown in board_axes(board).items():
        entries = [entry for entry in board.entries if sorted_alike(entry, axis, first_breakdown)]
        others = [entry for entry in board.entries if entry not in entries]
        title = first_breakdown.title[0].lower() + first_breakdown.title[1:]
        notes = tuple(
            f"{entry.name} is not in the table by {title}: {_why(entry, axis)}. Evaluate it again."
            for entry in others
        )
        for figure in (FIGURE, *further_figures(board)):
            table = Table(
                f"T2V {figure} by {title}",
                ("group", *(entry.name for entry in entries)),
                tuple(_rows(axis, figure, first_breakdown, entries)),
                prose=True,
            )
            yield BreakdownTable(title, table, notes if figure == FIGURE else ())


def further_figures(board: Board) -> tuple[str, ...]:
    """Return the figures that tables by group show besides R@1: those of plug-in metrics."""
    stated = {
        name
        for entry in board.entries
        for run in entry.runs
        for breakdown in run.breakdowns.values()
        for group in breakdown.results["t2v"].values()
        for name in group.metrics
    }
    shown = (FIGURE, *_NOT_SHOWN)
    return tuple(name for name in group_figure_names() if name in stated and name not in shown)


def board_axes(board: Board) -> dict[str, Breakdown]:
    """Return the axes of a board, sorted by key, each as its first run with that axis has it."""
    axes: dict[str, Breakdown] = {}
    for entry in board.entries:
        for run in entry.runs:
            for axis, breakdown in run.breakdowns.items():
                axes.setdefault(axis, breakdown)
    return dict(sorted(axes.items()))


def _why(entry: Entry, axis: str) -> str:
    if any(axis in run.breakdowns for run in entry.runs):
        return "its captions were sorted otherwise"
    return "it was evaluated where there was no such breakdown"


def sorted_alike(entry: Entry, axis: str, reference: Breakdown) -> bool:
    """Return whether all runs of a row sort their captions into the groups of a breakdown."""
    return all(
        (breakdown := run.breakdowns.get(axis)) is not None and breakdown.sorts_like(reference)
        for run in entry.runs
    )


def _rows(
    axis: str, figure: str, reference: Breakdown, entries: Sequence[Entry]
) -> Iterator[tuple[Field, ...]]:
    for group, reference_figures in reference.results["t2v"].items():
        yield (
            Field(
                group,
                group_sizes(reference_figures.queries, reference_figures.videos),
            ),
            *(
                _field([run.breakdowns[axis].results["t2v"][group] for run in entry.runs], figure)
                for entry in entries
            ),
        )


def group_cell(runs: Sequence[GroupFigures], figure: str = FIGURE) -> Cell | None:
    """Return a T2V figure of one group for a row.

    Args:
        runs: The group in each run of the row.
        figure: The figure.

    Returns:
        The figure with its interval, or the mean over several seeds; None for an empty group.
    """
    found = [run.metrics[figure] for run in runs if figure in run.metrics]
    if not found:
        return None
    if len(found) == 1:
        return Cell(found[0].value, found[0].low, found[0].high)
    values = [each.value for each in found]
    return Cell(statistics.mean(values), None, None, statistics.stdev(values))


def _field(runs: Sequence[GroupFigures], figure: str) -> Field:
    cell = group_cell(runs, figure)
    return Field("") if cell is None else figure_field(cell)
