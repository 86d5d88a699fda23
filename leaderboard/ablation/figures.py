"""The runs of an ablation into figures: each variant beside the full model, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.ablation.variant import Ablations, Question, Variant, Verdict
from dvtr_bench.errors import NotFoundError
from dvtr_bench.protocol.bootstrap import BootstrapConfig
from dvtr_bench.protocol.figures import Difference
from dvtr_bench.protocol.seed_means import SeedMeans
from dvtr_bench.results import RunRecord, require_comparable

RESAMPLING: Final = BootstrapConfig()
"""The same for all variants, whatever their own records were made with."""

HEADLINE: Final = "R@1"
"""The figure whose difference is told."""


@dataclass(frozen=True, eq=False)
class Row:
    """One variant.

    Attributes:
        variant: What is changed.
        runs: One a seed, in order of seeds.
        means: Their figures.
    """

    variant: Variant
    runs: tuple[RunRecord, ...]
    means: SeedMeans

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of its runs."""
        return tuple(seed for run in self.runs for seed in run.model.seeds)

    def by_seed(self, direction: str) -> dict[int, float]:
        """Return R@1 of each seed, percent."""
        values = self.means.values[direction, "strict", HEADLINE].tolist()
        return dict(zip(self.seeds, values, strict=True))


@dataclass(frozen=True)
class Answer:
    """One question answered, in R@1 of one direction.

    Attributes:
        question: What was asked.
        direction: ``t2v`` or ``v2t``.
        difference: Of the means over seeds.
        by_seed: The difference of each seed that both rows have.
        verdict: ``gain`` or ``loss`` where the interval excludes zero and every seed agrees.
    """

    question: Question
    direction: str
    difference: Difference
    by_seed: Mapping[int, float]
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Ablation:
    """An ablation, ready to be laid out.

    Attributes:
        model: The model's key.
        rows: The full model first, then as the model orders them.
        answers: To the questions whose rows are there, each in both directions.
        conclusion: What the answers in T2V come to; empty where a row is missing.
    """

    model: str
    rows: tuple[Row, ...]
    answers: tuple[Answer, ...]
    conclusion: str

    @property
    def full(self) -> Row:
        """The full model."""
        return self.rows[0]


def make_ablation(
    ablations: Ablations,
    runs: Mapping[str, Sequence[RunRecord]],
    resampling: BootstrapConfig = RESAMPLING,
) -> Ablation:
    """Compute the figures of an ablation.

    Args:
        ablations: The model's.
        runs: By name of the variant, one a seed; the full model's among them.
        resampling: Of the paired bootstrap over videos.

    Returns:
        The ablation.

    Raises:
        NotFoundError: No runs of the full model.
        IncomparableError: Runs that must not share a table.
    """
    full = ablations.variants[0].name
    if not runs.get(full):
        raise NotFoundError(f"an ablation needs runs of the {full} model to compare with")
    rows = []
    for variant in ablations.variants:
        if found := sorted(runs.get(variant.name, ()), key=lambda run: run.model.seeds):
            means = SeedMeans.of([run.rank_table for run in found], resampling)
            rows.append(Row(variant, tuple(found), means))
    require_comparable([run for row in rows for run in row.runs])
    by_name = {row.variant.name: row for row in rows}
    answers = [
        _answer(question, direction, by_name[question.first], by_name[question.second])
        for question in ablations.questions
        for direction in ("t2v", "v2t")
        if {question.first, question.second} <= by_name.keys()
    ]
    verdicts = [answer.verdict for answer in answers if answer.direction == "t2v"]
    complete = len(verdicts) == len(ablations.questions)
    conclusion = ablations.conclude(verdicts) if complete else ""
    return Ablation(ablations.model, tuple(rows), tuple(answers), conclusion)


def _answer(question: Question, direction: str, first: Row, second: Row) -> Answer:
    difference = first.means.difference(second.means, direction, "strict", HEADLINE)
    one, other = first.by_seed(direction), second.by_seed(direction)
    by_seed = {seed: other[seed] - one[seed] for seed in one if seed in other}
    verdict: Verdict = "none"
    if difference.low > 0 and all(value > 0 for value in by_seed.values()):
        verdict = "gain"
    elif difference.high < 0 and all(value < 0 for value in by_seed.values()):
        verdict = "loss"
    return Answer(question, direction, difference, by_seed, verdict)
