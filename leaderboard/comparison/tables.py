"""Tables and sentences of a comparison, for the terminal and the page."""

from collections.abc import Iterator, Sequence

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import BOTH, Difference, figure_names, higher_is_better
from dvtr_bench.ranking.group_figures import FEWEST_VIDEOS, GroupChange
from dvtr_bench.results.setups import run_letter
from leaderboard.comparison.differences import Comparison, QueryChange
from leaderboard.comparison.evidence import Evidence
from leaderboard.result_files import ResultFile
from leaderboard.tables import (
    ABOUT_FEW,
    DIRECTION_TITLES,
    LOWER_MEDIAN,
    Field,
    Table,
    group_sizes,
)


def title(comparison: Comparison) -> str:
    """Return the heading: dataset, version, split, sizes."""
    dataset = comparison.first.dataset
    return (
        f"{dataset.name} {dataset.version}, {dataset.split}: {dataset.num_captions:,} captions, "
        f"{dataset.num_videos:,} videos"
    )


def legend(*files: ResultFile) -> list[str]:
    """Return lines that say which run is A, which is B and so on."""
    return [f"{run_letter(place)}: {run_text(file)}" for place, file in enumerate(files)]


def how_to_read(resampling: BootstrapConfig) -> str:
    """Return a text that explains intervals and p-values."""
    return (
        f"B - A with its {resampling.level:.0%} interval below. Intervals and two-sided p-values: "
        f"paired bootstrap over videos, {resampling.resamples:,} resamples. They say how far other "
        "test videos could move the difference; they do not cover training again with another seed."
    )


def about_groups(comparisons: Sequence[Comparison]) -> str:
    """Return a text about the corrected p-values of groups, and about groups of few."""
    pairs = "" if len(comparisons) == 1 else f" and the {len(comparisons)} comparisons"
    return (
        "Each table by group is a family of tests: corrected is the p-value after Holm's "
        f"correction for all groups{pairs} of that table. A group of fewer than {FEWEST_VIDEOS} "
        f"videos gets neither interval nor p-value. {ABOUT_FEW}"
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
                *change_fields(difference, comparison.resampling.resamples),
            )
            for name in names
            if (difference := comparison.figures.get((direction, name))) is not None
            and not (name == LOWER_MEDIAN and same_medians(comparison, direction))
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
            ("", "A", "B", "B - A", "p", "corrected"),
            tuple(
                (
                    Field(row.name, group_sizes(row.captions, row.videos)),
                    *change_fields(row.change, row.resamples),
                    corrected_field(row.p_corrected),
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


def change_fields(change: Difference | GroupChange, resamples: int) -> tuple[Field, ...]:
    """Return both values, the difference over its interval, and the p-value.

    Args:
        change: Of two runs; of too few videos it has neither interval nor p-value.
        resamples: Number of resamples behind it.
    """
    interval = p_value = ""
    if change.low is not None and change.high is not None and change.p_value is not None:
        interval = f"{signed(change.low)} to {signed(change.high)}"
        p_value = p_text(change.p_value, resamples)
    return (
        Field(f"{change.first:.1f}"),
        Field(f"{change.second:.1f}"),
        Field(signed(change.difference), interval),
        Field(p_value),
    )


def corrected_field(p_value: float | None) -> Field:
    """Return a corrected p-value as a cell; empty where there is none."""
    return Field("" if p_value is None else f"{p_value:.3f}")


def same_medians(comparison: Comparison, direction: str) -> bool:
    """Tell whether both medians of both runs are equal, so that one row says it all."""
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


def run_text(file: ResultFile) -> str:
    """Return a run's label, seed and file name."""
    record = file.record
    parts = [record.label if record.kind == "model" else f"{record.label} (external)"]
    if record.model.seeds:
        parts.append(f"seed {', '.join(map(str, record.model.seeds))}")
    file_name = "" if file.path is None else f" · {file.path.name}"
    return ", ".join(parts) + file_name
