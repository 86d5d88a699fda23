"""Tables and sentences of a comparison, for the terminal and the page."""

from collections.abc import Iterator, Sequence

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import BOTH, Difference, figure_names, higher_is_better
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, GroupChange
from leaderboard.comparison.differences import Comparison, GroupRow, QueryChange
from leaderboard.comparison.evidence import Evidence
from leaderboard.result_files import ResultFile
from leaderboard.tables import DIRECTION_TITLES, LOWER_MEDIAN, Field, Table


def title(comparison: Comparison) -> str:
    """Return the heading: dataset, version, split, sizes."""
    dataset = comparison.first.dataset
    return (
        f"{dataset.name} {dataset.version}, {dataset.split}: {dataset.num_captions:,} captions, "
        f"{dataset.num_videos:,} videos"
    )


def legend(first: ResultFile, second: ResultFile) -> list[str]:
    """Return lines that say which run is A and which is B."""
    return [f"{letter}: {_run(file)}" for letter, file in zip("AB", (first, second), strict=True)]


def how_to_read(resampling: BootstrapConfig) -> str:
    """Return a text that explains intervals and p-values."""
    return (
        f"B - A with its {resampling.level:.0%} interval below. Intervals and two-sided p-values: "
        f"paired bootstrap over videos, {resampling.resamples:,} resamples. They say how far other "
        "test videos could move the difference; they do not cover training again with another seed."
    )


def about_groups(comparison: Comparison) -> str:
    """Return a text about the limits of the p-values of groups."""
    tested = sum(row.has_interval for rows in comparison.groups.values() for row in rows)
    return (
        f"The {tested} p-values of groups are not corrected for their number: where nothing "
        "differs, about one in twenty still falls below 0.05. A group of fewer than "
        f"{FEWEST_VIDEOS} videos gets neither interval nor p-value."
    )


def figure_tables(comparison: Comparison) -> Iterator[Table]:
    """Yield tables of the figures of both runs.

    Args:
        comparison: Of two runs.

    Yields:
        One table for t2v, v2t and what joins both.
    """
    for direction in ("t2v", "v2t", BOTH):
        names = ("mR", "RSum") if direction == BOTH else figure_names()
        rows = tuple(
            (
                Field(name if higher_is_better(name) else f"{name} (lower is better)"),
                *_fields(difference, comparison.resampling),
            )
            for name in names
            if (difference := comparison.figures.get((direction, name))) is not None
            and not (name == LOWER_MEDIAN and _same_medians(comparison, direction))
        )
        if rows:
            yield Table(DIRECTION_TITLES[direction], ("", "A", "B", "B - A", "p"), rows)


def group_tables(comparison: Comparison) -> Iterator[Table]:
    """Yield tables of R@1 by group.

    Args:
        comparison: Of two runs.

    Yields:
        One table per axis.
    """
    for axis, groups in comparison.groups.items():
        yield Table(
            f"T2V R@1 by group: {axis}",
            ("", "A", "B", "B - A", "p"),
            tuple(
                (
                    Field(row.name, _sizes(row)),
                    *_fields(row.change, comparison.resampling, with_p_value=row.has_interval),
                )
                for row in groups
            ),
            prose=True,
        )


def change_tables(comparison: Comparison, evidence: Evidence) -> Iterator[Table]:
    """Yield tables of the captions that changed most.

    Args:
        comparison: Of two runs.
        evidence: Evidence with texts and ids.

    Yields:
        One table for those that B ranks better and one for those that it ranks worse.
    """
    for name, changes in (("better", comparison.gained), ("worse", comparison.lost)):
        title = f"Captions that B ranks {name} than A, the largest ratio of ranks first"
        empty_row = (Field("none"), Field(""), Field(""))
        rows = tuple(_change_row(change, evidence) for change in changes)
        yield Table(title, ("caption", "rank A", "rank B"), rows or (empty_row,), prose=True)


def p_text(p_value: float, resamples: int) -> str:
    """Format a p-value with the precision that the number of resamples allows.

    Args:
        p_value: Two-sided bootstrap p-value.
        resamples: Number of resamples.

    Returns:
        Three digits; the smallest possible value is shown as a bound.

    Example:
        >>> p_text(0.25, 1000), p_text(2 / 1001, 1000)
        ('0.250', '<0.002')
    """
    smallest = 2.0 / (1 + resamples)
    return f"<{smallest:.1g}" if p_value <= smallest else f"{p_value:.3f}"


def _fields(
    change: Difference | GroupChange, resampling: BootstrapConfig, *, with_p_value: bool = True
) -> Sequence[Field]:
    interval = p_value = ""
    if (
        with_p_value
        and change.low is not None
        and change.high is not None
        and change.p_value is not None
    ):
        interval = f"{signed(change.low)} to {signed(change.high)}"
        p_value = p_text(change.p_value, resampling.resamples)
    return (
        Field(f"{change.first:.1f}"),
        Field(f"{change.second:.1f}"),
        Field(signed(change.difference), interval),
        Field(p_value),
    )


def _same_medians(comparison: Comparison, direction: str) -> bool:
    median, lower_median = (comparison.figures[direction, name] for name in ("MdR", LOWER_MEDIAN))
    return (median.first, median.second) == (lower_median.first, lower_median.second)


def signed(value: float) -> str:
    """Format a difference with its sign; 0.0 without one."""
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0.0 else text


def _change_row(change: QueryChange, evidence: Evidence) -> tuple[Field, ...]:
    ids = evidence.caption_ids
    name = f"caption row {change.query}" if ids is None else ids[change.query]
    caption = Field(name)
    if evidence.split is not None:
        caption = Field(evidence.split.captions[change.query], name)
    return caption, Field(f"{change.first_rank:,}"), Field(f"{change.second_rank:,}")


def _run(file: ResultFile) -> str:
    record = file.record
    parts = [record.label if record.kind == "model" else f"{record.label} (external)"]
    if record.model.seeds:
        parts.append(f"seed {', '.join(map(str, record.model.seeds))}")
    file_name = "" if file.path is None else f" · {file.path.name}"
    return ", ".join(parts) + file_name


def _sizes(row: GroupRow) -> str:
    return f"{_count(row.captions, 'caption')}, {_count(row.videos, 'video')}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
