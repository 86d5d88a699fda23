"""What an ablation compares: variants of one model, each with one thing changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from dvtr_bench.training.contract import Trainable


Verdict: TypeAlias = Literal["gain", "loss", "none"]
"""Of a difference: ``none`` is one that the test videos or the seeds leave open."""


@dataclass(frozen=True)
class Variant:
    """One row of an ablation table.

    Attributes:
        name: As the command line takes it, such as ``pooling=mean``.
        about: What is changed, in words.
        settings: Fields of the model's configuration that differ from the full model's.
        with_full: Whether evaluating the full model gives this row too, as the protocol has a model
            with a text block scored at block 1 beside its own.
    """

    name: str
    about: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    with_full: bool = False


@dataclass(frozen=True)
class Question:
    """A difference between two rows that is to be said in words.

    Attributes:
        first: Name of one variant.
        second: Name of another; the difference is second - first.
        about: What the difference is the effect of; begins a sentence.
    """

    first: str
    second: str
    about: str


@dataclass(frozen=True)
class Ablations:
    """What a model says of its ablations.

    Attributes:
        model: The model's key.
        variants: The rows, the full model first.
        scoring_only: Fields that change how a trained model scores, never how it is trained.
        questions: Differences to be said in words.
        with_scoring: Takes a trained model, settings among those fields and the training captions;
            returns a model with the same weights that scores so.
        conclude: Says in a sentence what the verdicts on all questions come to.
    """

    model: str
    variants: tuple[Variant, ...]
    scoring_only: frozenset[str]
    questions: tuple[Question, ...]
    with_scoring: "Callable[[Any, Mapping[str, Any], Sequence[str]], Trainable]"
    conclude: Callable[[Sequence[Verdict]], str]
