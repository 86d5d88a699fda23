"""Tables and sentences of a study, for the terminal and the page."""

import statistics
from collections.abc import Iterator
from typing import Any, Final

from dvtr_bench.ranking.group_figures import GroupFigures, are_few
from dvtr_bench.ranking.holm import holm
from dvtr_bench.runtime.terminal import count_of
from leaderboard.board import Cell
from leaderboard.comparison.tables import p_text, signed
from leaderboard.result_files import published_for
from leaderboard.study.figures import HEADLINE, RESAMPLING, Answer, MeasuredRow, StudyFigures
from leaderboard.tables import ABOUT_FEW, DIRECTION_TITLES, Field, Table, figure_field, number_field

_VERDICTS: Final = {
    "gain": "a gain",
    "loss": "a loss",
    "none": "open",
}

ABOUT_VERDICTS: Final = (
    "A gain or a loss is said where the interval excludes zero and every seed agrees; all else is "
    "open. This rule looks at one question by itself; corrected is the p-value after Holm's "
    "correction for all answers of that direction."
)
"""Explanation for readers of the answers."""

ABOUT_BREAKDOWN: Final = (
    "Each group's captions search the whole gallery; ± is the standard deviation over seeds. "
    f"{ABOUT_FEW}"
)
"""Explanation for readers of tables by group."""


def dataset_title(figures: StudyFigures) -> str:
    """Return the heading of a dataset: version, split, sizes."""
    dataset = figures.first.dataset
    return (
        f"{dataset.name} {dataset.version}, {dataset.split}: "
        f"{dataset.num_captions:,} captions, {dataset.num_videos:,} videos"
    )


def setup_line(figures: StudyFigures) -> str:
    """Return a line about what all rows share: backbone, training, seeds."""
    runs = [run for row in figures.rows for run in row.runs]
    trained = [run.model.training for run in runs if run.model.training is not None]
    parts = []
    if len(backbones := {run.model.backbone for run in runs}) == 1:
        parts.append(f"backbone {backbones.pop()}")
    for name in ("freeze", "epochs"):
        values = {training.recipe.get(name) for training in trained}
        if len(values) == 1 and None not in values:
            parts.append(f"{name} {values.pop()}")
    if len(datasets := {training.dataset for training in trained}) == 1:
        parts.append(f"trained on {datasets.pop()}, best epoch on validation")
    seeds = sorted({seed for row in figures.rows for seed in row.seeds})
    if seeds:
        parts.append(f"{count_of(len(seeds), 'seed')} ({', '.join(map(str, seeds))})")
    return f"{'; '.join(parts)}."


def how_to_read(figures: StudyFigures) -> str:
    """Return an explanation of the figures and differences."""
    has_several_seeds = any(len(row.runs) > 1 for row in figures.rows)
    seeds = "± is the standard deviation over seeds: what training again would move. "
    explanation = (
        f"{seeds if has_several_seeds else ''}Below a figure: its {RESAMPLING.level:.0%} interval "
        "by "
        "bootstrap over videos: what other test videos would move."
    )
    if figures.reference is None:
        return explanation
    return (
        f"{explanation} The last column is the difference to {figures.reference.row.name} with its "
        "two-sided p-value and, below, its interval, by paired bootstrap over videos, "
        f"{RESAMPLING.resamples:,} resamples; they take the seeds as they are. Corrected is the "
        f"p-value after Holm's correction for the {len(figures.rows) - 1} rows of the table that "
        "are compared."
    )


def study_tables(figures: StudyFigures, *, about: bool) -> Iterator[Table]:
    """Yield tables of the rows.

    Args:
        figures: Figures of a study on one dataset.
        about: Whether to describe each row in words.

    Yields:
        One table for t2v and one for v2t.
    """
    means = figures.rows[0].means
    for direction in ("t2v", "v2t"):
        columns = tuple(
            name for name in figures.study.figures if (direction, "strict", name) in means.values
        )
        header: tuple[str, ...] = ("model", *columns)
        if figures.reference is not None:
            header = (*header, f"{HEADLINE}, to {figures.reference.row.name}")
        rows, differences = [], _differences(figures, direction)
        for row in figures.rows:
            fields = [_name(figures, row, about)]
            fields += [figure_field(_cell(row, direction, name)) for name in columns]
            if figures.reference is not None:
                fields.append(differences.get(row.row.name, Field("")))
            rows.append(tuple(fields))
        frame = tuple(_frame(figures, direction, header))
        yield Table(DIRECTION_TITLES[direction], header, tuple(rows), frame, prose=True)


def breakdown_tables(figures: StudyFigures) -> Iterator[Table]:
    """Yield tables of T2V R@1 by group of captions, for the study's axes.

    Yields:
        One table per axis; rows whose captions were grouped differently are empty.
    """
    for axis in figures.study.breakdowns:
        reference = figures.first.breakdowns.get(axis)
        if reference is None:
            continue
        groups = reference.results["t2v"]
        rows = []
        for row in figures.rows:
            row_breakdowns = [run.breakdowns.get(axis) for run in row.runs]
            alike = all(
                breakdown is not None and breakdown.sorts_like(reference)
                for breakdown in row_breakdowns
            )
            fields = [Field(row.row.name)]
            for group in groups:
                runs = (
                    [breakdown.results["t2v"][group] for breakdown in row_breakdowns if breakdown]
                    if alike
                    else []
                )
                fields.append(_group_field(runs))
            rows.append(tuple(fields))
        counts = ("captions", *map(_group_count, groups.values()))
        yield Table(
            f"T2V {HEADLINE} by {reference.title[0].lower()}{reference.title[1:]}",
            ("model", *groups),
            tuple(rows),
            (tuple(map(Field, counts)),),
            prose=True,
        )


def answer_lines(figures: StudyFigures) -> list[str]:
    """Return the answers in words, one line each, the conclusion last."""
    corrected: dict[int, float] = {}
    for direction in ("t2v", "v2t"):
        family = [answer for answer in figures.answers if answer.direction == direction]
        p_values = holm([answer.difference.p_value for answer in family]).tolist()
        corrected |= dict(zip(map(id, family), p_values, strict=True))
    lines = [_answer_line(answer, corrected[id(answer)]) for answer in figures.answers]
    return [*lines, figures.conclusion] if figures.conclusion else lines


def notes(figures: StudyFigures) -> list[str]:
    """Return further notes for readers, one sentence each."""
    sentences = []
    if figures.missing:
        sentences.append(f"Without results yet: {', '.join(figures.missing)}.")
    if figures.first.dataset.split == "validation":
        sentences.append(
            "These are figures of the validation split: for choosing, not for reporting."
        )
    return sentences


def _name(figures: StudyFigures, row: MeasuredRow, about: bool) -> Field:
    parts = [row.row.about] if about and row.row.about else []
    seeds = {seed for other in figures.rows for seed in other.seeds}
    if row.seeds and set(row.seeds) != seeds:
        parts.append(count_of(len(row.runs), "seed"))
    return Field(row.row.name, ", ".join(parts))


def _cell(row: MeasuredRow, direction: str, name: str) -> Cell:
    figure = row.means.figure(direction, "strict", name)
    return Cell(figure.mean, figure.low, figure.high, figure.deviation)


def _differences(figures: StudyFigures, direction: str) -> dict[str, Field]:
    """Return the difference of every other row to the reference, by name of the row."""
    reference = figures.reference
    if reference is None:
        return {}
    found = {
        row.row.name: reference.means.difference(row.means, direction, "strict", HEADLINE)
        for row in figures.rows
        if row is not reference
    }
    corrected = holm([difference.p_value for difference in found.values()]).tolist()
    return {
        name: Field(
            f"{signed(difference.difference)}, "
            f"p {p_text(difference.p_value, RESAMPLING.resamples)}, corrected {p_value:.3f}",
            f"{signed(difference.low)} to {signed(difference.high)}",
        )
        for (name, difference), p_value in zip(found.items(), corrected, strict=True)
    }


def _frame(
    figures: StudyFigures, direction: str, header: tuple[str, ...]
) -> Iterator[tuple[Field, ...]]:
    """Yield the rows below the measured ones: published figures, chance and ceiling."""
    labelled_values: list[tuple[str, dict[str, Any]]] = []
    if figures.first.dataset.split == "test":
        for paper in published_for(figures.first.dataset.name):
            if reported := paper.figures(direction):
                label = f"{paper.model} as published, {paper.source}"
                labelled_values.append((label, {str(name): reported[name] for name in reported}))
    labelled_values.append(("chance", dict(figures.first.chance.get(direction, {}))))
    if direction == "t2v":
        labelled_values.append(("caption ceiling", {"R@1": figures.first.shared_text.ceiling}))
    for name, values in labelled_values:
        yield (Field(name), *(number_field(values.get(column)) for column in header[1:]))


def _group_count(group: GroupFigures) -> str:
    few = " (few)" if are_few(group.queries, group.videos) else ""
    return f"{group.queries:,}{few}"


def _group_field(runs: list[GroupFigures]) -> Field:
    values = [run.metrics[HEADLINE].value for run in runs if HEADLINE in run.metrics]
    if not values:
        return Field("")
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return figure_field(Cell(statistics.mean(values), None, None, deviation))


def _answer_line(answer: Answer, corrected: float) -> str:
    difference = answer.difference
    seeds = ""
    if len(answer.by_seed) > 1:
        seeds = f"; by seed {', '.join(signed(value) for value in answer.by_seed.values())}"
    of_group = ""
    if answer.question.group:
        of_group = f" ({answer.question.group}: {count_of(answer.queries, 'query')})"
    return (
        f"{answer.question.about}{of_group}: {answer.direction.upper()} {HEADLINE} "
        f"{difference.first:.1f} to {difference.second:.1f}, {signed(difference.difference)} "
        f"({RESAMPLING.level:.0%} interval {signed(difference.low)} to {signed(difference.high)}, "
        f"p {p_text(difference.p_value, RESAMPLING.resamples)}, corrected {corrected:.3f}{seeds}): "
        f"{_VERDICTS[answer.verdict]}."
    )
