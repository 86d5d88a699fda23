"""The results of a study on one dataset: rows, comparisons with the reference, and answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.errors import NotFoundError
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import Difference
from dvtr_bench.ranking.group_figures import compare_groups
from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.results import RunRecord, require_comparable
from dvtr_bench.studies.study import Question, Row, Study, Verdict

RESAMPLING: Final = BootstrapConfig()
"""Used for all rows, whatever settings their records have."""

HEADLINE: Final = "R@1"
"""The figure that is compared."""


DIRECTIONS_TOLD: Final[tuple[Direction, ...]] = ("t2v", "v2t")
"""Directions that answers are about."""


@dataclass(frozen=True, eq=False)
class MeasuredRow:
    """One row with its results.

    Attributes:
        row: The model with its settings.
        runs: One per seed, in order of seeds.
        means: Their figures.
    """

    row: Row
    runs: tuple[RunRecord, ...]
    means: SeedMeans

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of its runs."""
        return tuple(seed for run in self.runs for seed in run.model.seeds)

    def by_seed(self, direction: str) -> dict[int, float]:
        """Return R@1 of each seed, percent."""
        values = self.means.values[direction, "strict", HEADLINE].tolist()
        return dict(zip(self.seeds, values, strict=True)) if self.seeds else {}


@dataclass(frozen=True)
class Answer:
    """The answer to a question, in R@1 of one direction.

    Attributes:
        question: The question.
        direction: ``t2v`` or ``v2t``.
        queries: Number of queries, only of the group if the question is about one.
        difference: Difference of the means over seeds.
        by_seed: The difference of each seed that both rows have.
        verdict: ``gain`` or ``loss`` if the interval excludes zero and every seed agrees.
    """

    question: Question
    direction: str
    queries: int
    difference: Difference
    by_seed: Mapping[int, float]
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class StudyFigures:
    """The figures of a study on one dataset.

    Attributes:
        study: The study.
        rows: In the study's order; rows without results are left out.
        reference: The row that others are compared with; None for no comparison.
        answers: Answers to the questions whose rows have results, in both directions.
        conclusion: The conclusion from the T2V answers; empty if one is missing.
        missing: Names of rows without results.
    """

    study: Study
    rows: tuple[MeasuredRow, ...]
    reference: MeasuredRow | None
    answers: tuple[Answer, ...]
    conclusion: str
    missing: tuple[str, ...]

    def __repr__(self) -> str:
        """Study, dataset and number of rows."""
        return (
            f"StudyFigures({self.study.name} on {self.first.dataset.name}, {len(self.rows)} rows, "
            f"{len(self.missing)} missing)"
        )

    @property
    def first(self) -> RunRecord:
        """Any result: all have the same dataset facts."""
        return self.rows[0].runs[0]


def make_figures(
    study: Study,
    results: Mapping[str, Sequence[RunRecord]],
    resampling: BootstrapConfig = RESAMPLING,
) -> StudyFigures:
    """Compute the figures of a study on one dataset.

    Args:
        study: The study.
        results: Results by name of the row, one per seed.
        resampling: Settings of the paired bootstrap over videos.

    Returns:
        The figures.

    Raises:
        NotFoundError: No results at all.
        IncomparableError: Results that must not share a table.
    """
    rows = []
    for row in study.rows:
        if row_runs := sorted(results.get(row.name, ()), key=lambda run: run.model.seeds):
            means = SeedMeans.of([run.rank_table for run in row_runs], resampling)
            rows.append(MeasuredRow(row, tuple(row_runs), means))
    if not rows:
        raise NotFoundError(f"there are no results of the study {study.name}: run it first")
    require_comparable([run for row in rows for run in row.runs])
    by_name = {row.row.name: row for row in rows}
    answers = tuple(
        answer
        for question in study.questions
        if {question.first, question.second} <= by_name.keys()
        for answer in _answers(
            question, by_name[question.first], by_name[question.second], resampling
        )
    )
    verdicts = {
        answer.question.name: answer.verdict for answer in answers if answer.direction == "t2v"
    }
    return StudyFigures(
        study=study,
        rows=tuple(rows),
        reference=by_name.get(study.reference or ""),
        answers=answers,
        conclusion=study.conclusion(verdicts),
        missing=tuple(row.name for row in study.rows if row.name not in by_name),
    )


def _answers(
    question: Question, first: MeasuredRow, second: MeasuredRow, resampling: BootstrapConfig
) -> Iterator[Answer]:
    """Answer a question in each direction with enough queries and videos."""
    for direction in DIRECTIONS_TOLD:
        if question.breakdown:
            group_difference = _group_difference(question, direction, first, second, resampling)
            if group_difference is None:
                continue
            queries, difference, by_seed = group_difference
        else:
            difference = first.means.difference(second.means, direction, "strict", HEADLINE)
            first_by_seed, second_by_seed = first.by_seed(direction), second.by_seed(direction)
            by_seed = {
                seed: second_by_seed[seed] - first_by_seed[seed]
                for seed in first_by_seed
                if seed in second_by_seed
            }
            queries = len(first.runs[0].rank_table.query_videos(direction))
        verdict: Verdict = "none"
        if difference.low > 0 and all(value > 0 for value in by_seed.values()):
            verdict = "gain"
        elif difference.high < 0 and all(value < 0 for value in by_seed.values()):
            verdict = "loss"
        yield Answer(question, direction, queries, difference, by_seed, verdict)


def _group_difference(
    question: Question,
    direction: Direction,
    first: MeasuredRow,
    second: MeasuredRow,
    resampling: BootstrapConfig,
) -> tuple[int, Difference, dict[int, float]] | None:
    """Return queries, difference and difference by seed of a group; None if not available."""
    breakdowns = [run.breakdowns.get(question.breakdown) for run in (*first.runs, *second.runs)]
    reference = breakdowns[0]
    if reference is None or any(
        each is None or not each.sorts_like(reference) for each in breakdowns
    ):
        return None
    groups = reference.as_groups()
    if question.group not in groups.names or direction not in groups.directions:
        return None
    group_index = groups.names.index(question.group)
    sides = [[run.rank_table for run in row.runs] for row in (first, second)]
    changes = compare_groups(sides[0], sides[1], groups, resampling, direction)[group_index]
    change = changes.metrics.get(HEADLINE)
    if change is None or change.low is None or change.high is None or change.p_value is None:
        return None
    one, other = (
        {
            seed: run.breakdowns[question.breakdown]
            .results[direction][question.group]
            .metrics[HEADLINE]
            .value
            for seed, run in zip(row.seeds, row.runs, strict=False)
        }
        for row in (first, second)
    )
    by_seed = {seed: other[seed] - one[seed] for seed in one if seed in other}
    difference = Difference(
        change.first, change.second, change.difference, change.low, change.high, change.p_value
    )
    return changes.queries, difference, by_seed
