"""A study into tables and sentences of text: what the terminal and the page both show."""

import statistics
from collections.abc import Iterator
from typing import Any, Final

from dvtr_bench.ranking.group_figures import GroupFigures
from leaderboard.board import Cell
from leaderboard.comparison.tables import p_text, signed
from leaderboard.published import published_for
from leaderboard.study.figures import HEADLINE, RESAMPLING, Answer, MeasuredRow, StudyFigures
from leaderboard.tables import DIRECTION_TITLES, Field, Table, figure_field, number_field

_VERDICTS: Final = {
    "gain": "a gain",
    "loss": "a loss",
    "none": "open",
}

ABOUT_VERDICTS: Final = (
    "A gain or a loss is said where the interval excludes zero and every seed agrees; all else is "
    "open."
)
"""What a reader of the answers must know."""

ABOUT_BREAKDOWN: Final = (
    "Each group's captions search the whole gallery; ± is the standard deviation over seeds."
)
"""What a reader of tables by group must know."""


def dataset_title(figures: StudyFigures) -> str:
    """Return the heading of a dataset: version, split, sizes."""
    dataset = figures.first.dataset
    return (
        f"{dataset.name} {dataset.version}, {dataset.split}: "
        f"{dataset.num_captions:,} captions, {dataset.num_videos:,} videos"
    )


def setup_line(figures: StudyFigures) -> str:
    """Say what all rows share: backbone, training, seeds."""
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
        parts.append(f"{_count(len(seeds), 'seed')} ({', '.join(map(str, seeds))})")
    return f"{'; '.join(parts)}."


def how_to_read(figures: StudyFigures) -> str:
    """Say what the figures and differences mean."""
    several = any(len(row.runs) > 1 for row in figures.rows)
    seeds = "± is the standard deviation over seeds: what training again would move. "
    told = (
        f"{seeds if several else ''}Below a figure: its {RESAMPLING.level:.0%} interval by "
        "bootstrap over videos: what other test videos would move."
    )
    if figures.reference is None:
        return told
    return (
        f"{told} The last column is the difference to {figures.reference.row.name} with its "
        "two-sided p-value and, below, its interval, by paired bootstrap over videos, "
        f"{RESAMPLING.resamples:,} resamples; they take the seeds as they are, and the "
        f"{len(figures.rows) - 1} p-values are not corrected for their number."
    )


def study_tables(figures: StudyFigures, *, about: bool) -> Iterator[Table]:
    """Lay out the rows.

    Args:
        figures: Of a study on one dataset.
        about: Whether to say in words what each row is.

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
        rows = []
        for row in figures.rows:
            fields = [_name(figures, row, about)]
            fields += [figure_field(_cell(row, direction, name)) for name in columns]
            if figures.reference is not None:
                fields.append(_difference(figures.reference, row, direction))
            rows.append(tuple(fields))
        frame = tuple(_frame(figures, direction, header))
        yield Table(DIRECTION_TITLES[direction], header, tuple(rows), frame, prose=True)


def breakdown_tables(figures: StudyFigures) -> Iterator[Table]:
    """Lay out T2V R@1 by group of captions, for the axes that the study asks for.

    Yields:
        One table an axis; rows whose captions were sorted otherwise are left empty.
    """
    for axis in figures.study.breakdowns:
        named = figures.first.breakdowns.get(axis)
        if named is None:
            continue
        groups = named.results["t2v"]
        rows = []
        for row in figures.rows:
            found = [run.breakdowns.get(axis) for run in row.runs]
            alike = all(one is not None and one.sorts_like(named) for one in found)
            fields = [Field(row.row.name)]
            for group in groups:
                runs = [one.results["t2v"][group] for one in found if one] if alike else []
                fields.append(_group_field(runs))
            rows.append(tuple(fields))
        counts = ("captions", *(f"{figure.queries:,}" for figure in groups.values()))
        yield Table(
            f"T2V {HEADLINE} by {named.title[0].lower()}{named.title[1:]}",
            ("model", *groups),
            tuple(rows),
            (tuple(map(Field, counts)),),
            prose=True,
        )


def answer_lines(figures: StudyFigures) -> list[str]:
    """Say the answers in words, one line each, the conclusion last."""
    lines = [_answer_line(answer) for answer in figures.answers]
    return [*lines, figures.conclusion] if figures.conclusion else lines


def notes(figures: StudyFigures) -> list[str]:
    """Return what a reader must know beside the tables, one sentence each."""
    found = []
    if figures.missing:
        found.append(f"Without results yet: {', '.join(figures.missing)}.")
    if figures.first.dataset.split == "validation":
        found.append("These are figures of the validation split: for choosing, not for reporting.")
    return found


def _name(figures: StudyFigures, row: MeasuredRow, about: bool) -> Field:
    parts = [row.row.about] if about and row.row.about else []
    seeds = {seed for other in figures.rows for seed in other.seeds}
    if row.seeds and set(row.seeds) != seeds:
        parts.append(_count(len(row.runs), "seed"))
    return Field(row.row.name, ", ".join(parts))


def _cell(row: MeasuredRow, direction: str, name: str) -> Cell:
    figure = row.means.figure(direction, "strict", name)
    return Cell(figure.mean, figure.low, figure.high, figure.deviation)


def _difference(reference: MeasuredRow, row: MeasuredRow, direction: str) -> Field:
    if row is reference:
        return Field("")
    found = reference.means.difference(row.means, direction, "strict", HEADLINE)
    return Field(
        f"{signed(found.difference)}, p {p_text(found.p_value, RESAMPLING.resamples)}",
        f"{signed(found.low)} to {signed(found.high)}",
    )


def _frame(
    figures: StudyFigures, direction: str, header: tuple[str, ...]
) -> Iterator[tuple[Field, ...]]:
    """Yield what stands below the rows: what papers report, chance, and the ceiling."""
    named: list[tuple[str, dict[str, Any]]] = []
    if direction == "t2v" and figures.first.dataset.split == "test":
        for paper in published_for(figures.first.dataset.name):
            reported = {"R@1": paper.t2v_r1, "R@5": paper.t2v_r5}
            named.append((f"{paper.model} as published, {paper.source}", reported))
    named.append(("chance", dict(figures.first.chance.get(direction, {}))))
    if direction == "t2v":
        named.append(("caption ceiling", {"R@1": figures.first.shared_text.ceiling}))
    for name, values in named:
        yield (Field(name), *(number_field(values.get(column)) for column in header[1:]))


def _group_field(runs: list[GroupFigures]) -> Field:
    values = [run.metrics[HEADLINE].value for run in runs if HEADLINE in run.metrics]
    if not values:
        return Field("")
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return figure_field(Cell(statistics.mean(values), None, None, deviation))


def _answer_line(answer: Answer) -> str:
    found = answer.difference
    seeds = ""
    if len(answer.by_seed) > 1:
        seeds = f"; by seed {', '.join(signed(value) for value in answer.by_seed.values())}"
    of_group = ""
    if answer.question.group:
        of_group = f" ({answer.question.group}: {_count(answer.queries, 'query', 'queries')})"
    return (
        f"{answer.question.about}{of_group}: {answer.direction.upper()} {HEADLINE} "
        f"{found.first:.1f} to {found.second:.1f}, {signed(found.difference)} "
        f"({RESAMPLING.level:.0%} interval {signed(found.low)} to {signed(found.high)}, "
        f"p {p_text(found.p_value, RESAMPLING.resamples)}{seeds}): {_VERDICTS[answer.verdict]}."
    )


def _count(number: int, word: str, several: str = "") -> str:
    return f"{number:,} {word if number == 1 else several or f'{word}s'}"
