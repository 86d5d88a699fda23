"""What a study holds: datasets, models with settings, recipes, seeds, and what its pages ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from dvtr_bench.errors import ConfigError
from dvtr_bench.training.recipe import Recipe

Verdict: TypeAlias = Literal["gain", "loss", "none"]
"""Of a difference: ``none`` is one that the test videos or the seeds leave open."""

FIGURES: Final = ("R@1", "R@5", "R@10", "MdR")
"""What a page shows where the study does not say."""


@dataclass(frozen=True)
class StudyDataset:
    """One dataset of a study.

    Attributes:
        name: Its folder under the root of datasets, and what result files call it.
        builder: What builds it, a file of `builders.datasets`; None where it is there already.
        options: Of the builder, as its ``Options`` takes them.
        sampling: Which frames are stored, as `dvtr-bench build --sampling` takes it.
        format: ``jpeg`` or ``png``.
        missing: ``stop`` at missing or broken clips, or ``drop`` them.
        place: Where it is built, as `open_dataset` takes it; the name where empty.
    """

    name: str
    builder: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sampling: str = "12"
    format: str = "jpeg"
    missing: str = "stop"
    place: str = ""


@dataclass(frozen=True)
class TrainedBackbone:
    """A backbone that the study trains itself, once on each dataset.

    Attributes:
        name: As the models call it.
        model: The model under whose head it is trained.
        settings: Of that model, ``backbone`` among them: what it starts from.
        recipe: Fields in which its recipe differs from that of its own backbone.
    """

    name: str
    model: str
    settings: Mapping[str, Any]
    recipe: Mapping[str, Any]

    @property
    def stands_for(self) -> str:
        """The name of a backbone of the same kind, as a path to it would be written."""
        architecture = str(self.settings["backbone"]).partition("/")[0]
        return f"{architecture}/{self.name}"


@dataclass(frozen=True)
class Row:
    """One model with its settings: one row of a page, trained with every seed.

    Attributes:
        name: Of the row.
        model: The model's key.
        about: What it is, in words.
        backbone: What it is built on: as a model's configuration takes it, or the name of a
            `TrainedBackbone`.
        settings: Fields of the model's configuration that differ from their defaults.
        recipe: Fields in which its recipe differs from the backbone's.
    """

    name: str
    model: str
    about: str
    backbone: str
    settings: Mapping[str, Any]
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A difference between two rows that is to be said in words.

    Attributes:
        name: As conclusions call it.
        first: Name of one row.
        second: Name of another; the difference is second - first.
        about: What the difference is the effect of; begins a sentence.
        breakdown: An axis, where the question is about one group of queries; else empty.
        group: The group's name on that axis; else empty.

    Raises:
        ConfigError: An axis without a group, or a group without an axis.
    """

    name: str
    first: str
    second: str
    about: str
    breakdown: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        """Check that a group has its axis."""
        if bool(self.breakdown) != bool(self.group):
            raise ConfigError(
                f"the question {self.name!r} needs both breakdown and group, or neither: found "
                f"breakdown {self.breakdown!r} and group {self.group!r}"
            )


@dataclass(frozen=True)
class Conclusion:
    """A sentence that holds under conditions on the answers in T2V; the first that holds is said.

    Attributes:
        say: The sentence.
        gains: Questions whose answers must all be gains.
        losses: Questions of which some answer must be a loss; empty for no such condition.
    """

    say: str
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()

    def holds(self, verdicts: Mapping[str, Verdict]) -> bool:
        """Say whether it holds.

        Args:
            verdicts: By question, those that it names among them.

        Returns:
            Whether every condition is met.
        """
        gained = all(verdicts[question] == "gain" for question in self.gains)
        lost = any(verdicts[question] == "loss" for question in self.losses)
        return gained and (lost or not self.losses)


@dataclass(frozen=True)
class Study:
    """A study, all of it checked.

    Attributes:
        name: Of its file.
        title: Heading of its page.
        about: What it is for, a paragraph; empty for none.
        datasets: What it trains and evaluates on.
        rows: Models with settings, in order of the page.
        backbones: Those that it trains itself, by name.
        seeds: Of every training of a row.
        backbone_seed: Of the backbones that it trains itself.
        split: What is evaluated: ``test``, or ``validation`` to choose by.
        reference: Name of the row that others are compared with; None for no comparison.
        questions: Differences to be said in words.
        conclusions: What the answers come to; the first that holds is said.
        figures: Columns of the page.
        breakdowns: Axes by which the page shows R@1 of each group of captions.
        contact_sheets: Whether to draw what each run found for a few queries.
        leaderboard: File name of the leaderboard; None for none.
        page: File name of the page; None for none.

    Raises:
        ConfigError: No rows, no seeds, or one twice.
    """

    name: str
    title: str
    about: str
    datasets: tuple[StudyDataset, ...]
    rows: tuple[Row, ...]
    backbones: Mapping[str, TrainedBackbone]
    seeds: tuple[int, ...]
    backbone_seed: int = Recipe.seed
    split: str = "test"
    reference: str | None = None
    questions: tuple[Question, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    figures: tuple[str, ...] = FIGURES
    breakdowns: tuple[str, ...] = ()
    contact_sheets: bool = True
    leaderboard: str | None = "LEADERBOARD.md"
    page: str | None = "STUDY.md"

    def __post_init__(self) -> None:
        """Check what no single place of the file can be blamed for."""
        if not self.rows:
            raise ConfigError(f"the study {self.name} has no models: add [models.NAME] tables")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"a study needs seeds, each once, found {list(self.seeds)}")

    def conclusion(self, verdicts: Mapping[str, Verdict]) -> str:
        """Say what the answers come to; empty where nothing holds, or an answer is missing."""
        named = {name for one in self.conclusions for name in (*one.gains, *one.losses)}
        if named - verdicts.keys():
            return ""
        found = (one.say for one in self.conclusions if one.holds(verdicts))
        return next(found, "")
