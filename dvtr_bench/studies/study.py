"""The parts of a study: datasets, models with settings, recipes, seeds and questions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from dvtr_bench.errors import ConfigError
from dvtr_bench.training.recipe import Recipe

Verdict: TypeAlias = Literal["gain", "loss", "none"]
"""Verdict on a difference: ``none`` if the test videos or the seeds leave it open."""

FIGURES: Final = ("R@1", "R@5", "R@10", "MdR")
"""Default figures of a page."""


@dataclass(frozen=True)
class StudyDataset:
    """One dataset of a study.

    Attributes:
        name: Its folder under the root of datasets, and its name in result files.
        builder: Its builder, a file of `builders.datasets`; None if it is already built.
        options: Options of the builder.
        sampling: Which frames are stored, as `dvtr-bench build --sampling` takes it.
        format: ``jpeg`` or ``png``.
        missing: ``stop`` at missing or broken clips, or ``drop`` them.
        place: Where it is, as `open_dataset` takes it; empty for the name.
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
        name: Its name in the models.
        model: The model with whose head it is trained.
        settings: Settings of that model, including ``backbone``, from which it starts.
        recipe: Recipe fields that differ from those of its own backbone.
    """

    name: str
    model: str
    settings: Mapping[str, Any]
    recipe: Mapping[str, Any]

    @property
    def stands_for(self) -> str:
        """The name of a backbone with the same architecture, written like a path."""
        architecture = str(self.settings["backbone"]).partition("/")[0]
        return f"{architecture}/{self.name}"


@dataclass(frozen=True)
class Row:
    """One model with its settings: one row of a page, trained with every seed.

    Attributes:
        name: Of the row.
        model: The model's key.
        about: Its description.
        backbone: Its backbone, as a model's configuration takes it, or the name of a
            `TrainedBackbone`.
        settings: Fields of the model's configuration that differ from their defaults.
        recipe: Recipe fields that differ from those of the backbone.
    """

    name: str
    model: str
    about: str
    backbone: str
    settings: Mapping[str, Any]
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A difference between two rows that a page states in words.

    Attributes:
        name: Its name in conclusions.
        first: Name of one row.
        second: Name of another; the difference is second - first.
        about: What the difference is the effect of; begins a sentence.
        breakdown: An axis, if the question is about one group of queries; else empty.
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
    """A sentence that holds under conditions on the T2V answers; the first that holds is used.

    Attributes:
        say: The sentence.
        gains: Questions whose answers must all be gains.
        losses: Questions of which some answer must be a loss; empty for no such condition.
    """

    say: str
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()

    def holds(self, verdicts: Mapping[str, Verdict]) -> bool:
        """Tell whether it holds.

        Args:
            verdicts: Verdicts by question, including those that it names.

        Returns:
            Whether every condition is met.
        """
        gained = all(verdicts[question] == "gain" for question in self.gains)
        lost = any(verdicts[question] == "loss" for question in self.losses)
        return gained and (lost or not self.losses)


@dataclass(frozen=True)
class Study:
    """A checked study.

    Attributes:
        name: Of its file.
        title: Heading of its page.
        about: What it is for, a paragraph; empty for none.
        datasets: What it trains and evaluates on.
        rows: Models with settings, in order of the page.
        backbones: Those that it trains itself, by name.
        seeds: Seeds of the trainings of each row.
        backbone_seed: Seed of the backbones that it trains itself.
        split: The split to evaluate: ``test``, or ``validation`` for model selection.
        reference: Name of the row that others are compared with; None for no comparison.
        questions: Differences to state in words.
        conclusions: Possible conclusions; the first that holds is used.
        figures: Columns of the page.
        breakdowns: Axes for which the page shows R@1 of each group of captions.
        contact_sheets: Whether to draw the search results of each run for a few queries.
        leaderboard: File name of the leaderboard; None for none.
        page: File name of the page; None for none.

    Raises:
        ConfigError: There are no rows or seeds, or a seed occurs twice.
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
        """Check what concerns the whole study."""
        if not self.rows:
            raise ConfigError(f"the study {self.name} has no models: add [models.NAME] tables")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"a study needs seeds, each once, found {list(self.seeds)}")

    def conclusion(self, verdicts: Mapping[str, Verdict]) -> str:
        """Return the conclusion from the answers; empty if none holds or an answer is missing."""
        questions = {
            question
            for conclusion in self.conclusions
            for question in (*conclusion.gains, *conclusion.losses)
        }
        if questions - verdicts.keys():
            return ""
        return next((each.say for each in self.conclusions if each.holds(verdicts)), "")
