"""Training recipes: frozen settings, written completely into every checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, Self, get_args

from dvtr_bench.errors import ConfigError

Pairs = Literal["all", "one_a_video"]
Freeze = Literal["nothing", "frames", "backbone"]
Autocast = Literal["off", "bf16", "fp16"]
Origin = Literal["own", "published"]
Optimiser = Literal["bert_adam", "adamw"]
Draw = Literal["anywhere", "intervals"]

MOST_FROZEN_LAYERS: Final = 12
"""The number of blocks in both towers of ViT-B-32; the release allows no more."""


@dataclass(frozen=True)
class Recipe:
    """A training recipe; the defaults are those of MSAM's release.

    Attributes:
        epochs: Passes over the training pairs.
        batch_size: Pairs per step.
        learning_rate: Peak learning rate of the parameters on top of the backbone.
        backbone_learning_rate: Peak learning rate of the backbone.
        beta1: Decay of the gradient's running mean.
        beta2: Decay of its running square.
        epsilon: Added to the root of the running square.
        weight_decay: Decay of weights; never of biases, norms and scalars.
        warmup_fraction: Fraction of all steps over which the learning rate rises.
        max_grad_norm: The whole gradient is scaled down to this norm.
        max_logit_scale: Greatest logarithm of the logit scale.
        seed: Seed of the order of pairs, of dropout and of the frames of a step.
        pairs: ``all`` makes every caption a pair; ``one_a_video`` draws one caption of each video
            per epoch.
        frames_a_step: Frames drawn at random from each clip at each step, in order; None takes all.
        draw: From where in a clip these are drawn: ``anywhere``, or one of each of so many equal
            ``intervals``, as Temporal Segment Networks do (arXiv 1608.00859).
        freeze: ``frames`` freezes the image tower and encodes every clip only once; ``backbone``
            also freezes the text tower and encodes every caption only once. The logit scale belongs
            to neither tower and is trained at the backbone's learning rate.
        frozen_layers: How much of the start of both towers is frozen: 0 freezes what comes before
            the transformer blocks (embeddings, first convolution, first norm), N also the first N
            blocks of each, at most 12; None trains all. Can be combined with ``freeze``, which
            freezes whole towers. The release's ``freeze_layer_num``, whose -1 is None here.
        autocast: Lower precision in the forward pass; ``fp16`` only on GPUs.
        micro_batch_size: Captions, and clips, that a tower encodes at a time; None for all of a
            step's. Unlike with plain gradient accumulation, which gives each micro-batch only its
            own negatives, loss and gradient are those of the whole batch. Smaller pieces need less
            memory; the towers run forward twice (`training.grad_cache`).
        checkpointing: Whether the towers keep fewer activations and compute them again in the
            backward pass: slower, the same gradients. ResNet towers have no such mode.
        validations_per_epoch: How often an epoch is validated, at its end and evenly before; the
            checkpoint can then be one from within an epoch. X-Pool's ``evals_per_epoch``, which
            is 10 there.
        validation_window: The checkpoint is kept at which the mean T2V R@1 of so many validations
            in a row, its own the last, is best. X-Pool's ``eval_window_size``, which is 5 there.
        patience: Stop after this many epochs in a row without a better T2V R@1 on validation; None
            never stops early. The learning rate schedule is that of all ``epochs``.
        optimiser: ``bert_adam`` as published, or torch's ``adamw``.
        features: Where the outputs of frozen towers come from: ``own`` computes them; ``published``
            reads those that were published beside the dataset, so that no frame is encoded in
            training. They can differ in the last bits.

    Raises:
        ConfigError: A value out of range.

    Source: docs/reference/msam.md, "5. Recipe of the release" (arXiv 2510.15470 and the authors'
        code, after CLIP4Clip).
    """

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-4
    backbone_learning_rate: float = 1e-7
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-6
    weight_decay: float = 0.2
    warmup_fraction: float = 0.1
    max_grad_norm: float = 1.0
    max_logit_scale: float = math.log(100)
    seed: int = 42
    pairs: Pairs = "all"
    frames_a_step: int | None = None
    draw: Draw = "anywhere"
    freeze: Freeze = "nothing"
    frozen_layers: int | None = 0
    autocast: Autocast = "off"
    micro_batch_size: int | None = None
    checkpointing: bool = False
    validations_per_epoch: int = 1
    validation_window: int = 1
    patience: int | None = None
    optimiser: Optimiser = "bert_adam"
    features: Origin = "own"

    def __post_init__(self) -> None:
        """Check every field."""
        for name, least in (
            ("epochs", 1),
            ("batch_size", 2),
            ("seed", 0),
            ("validations_per_epoch", 1),
            ("validation_window", 1),
        ):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, found {getattr(self, name)}")
        for name in ("frames_a_step", "micro_batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1 or none, found {value}")
        if self.frozen_layers is not None and not 0 <= self.frozen_layers <= MOST_FROZEN_LAYERS:
            raise ConfigError(
                f"frozen_layers must be none or 0 to {MOST_FROZEN_LAYERS}, "
                f"found {self.frozen_layers}"
            )
        for name in ("learning_rate", "backbone_learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be 0 or more, found {getattr(self, name)}")
        for name in ("beta1", "beta2", "warmup_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), found {getattr(self, name)}")
        for name in ("epsilon", "max_grad_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, found {getattr(self, name)}")
        for name, choices in (
            ("pairs", Pairs),
            ("draw", Draw),
            ("freeze", Freeze),
            ("autocast", Autocast),
            ("optimiser", Optimiser),
            ("features", Origin),
        ):
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(
                    f"{name} must be one of {', '.join(get_args(choices))}, "
                    f"found {getattr(self, name)!r}"
                )
        if self.draw == "intervals" and self.frames_a_step is None:
            raise ConfigError(
                "draw=intervals draws one frame of each interval: say how many with frames_a_step, "
                "found none"
            )
        if self.features == "published" and self.freeze == "nothing":
            raise ConfigError(
                "features=published reads the outputs of frozen towers: it needs freeze=backbone "
                "or freeze=frames, found freeze=nothing"
            )

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Self:
        """Make a recipe from a run's JSON of any version (`whole_recipe`).

        Raises:
            ConfigError: A field that recipes do not have.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(f"a recipe has no setting called {', '.join(unknown)}")
        return cls(**whole_recipe(values))

    def as_mapping(self) -> dict[str, Any]:
        """Return all fields, as JSON values."""
        return asdict(self)

    def learning_rate_factor(self, step: int, total_steps: int) -> float:
        """Return the factor of the peak learning rates at a step.

        Args:
            step: Number of the step, from 0.
            total_steps: Steps of the whole training.

        Returns:
            A number in 0..1: rising over the warm-up, then half a cosine down to 0.

        Source: BERT's ``warmup_cosine``: the cosine runs over all steps, not over those after the
            warm-up.
        """
        progress = step / total_steps
        if progress < self.warmup_fraction:
            return progress / self.warmup_fraction
        return 0.5 * (1 + math.cos(math.pi * progress))


_EARLIER_BEHAVIOUR: Final[Mapping[str, Any]] = {"frozen_layers": None}
"""How runs behaved before a setting existed, if that is not its default."""


def whole_recipe(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's JSON with all settings, including newer ones.

    Args:
        values: A recipe of any version.

    Returns:
        Its settings; those that it lacks get the value of the behaviour at the time.

    Example:
        >>> whole_recipe({"epochs": 3})["frozen_layers"] is None
        True
    """
    return {**Recipe().as_mapping(), **_EARLIER_BEHAVIOUR, **values}


TINY_SCRATCH: Final = Recipe(
    epochs=6,
    learning_rate=1e-3,
    backbone_learning_rate=1e-3,
    weight_decay=0.1,
    frames_a_step=1,
    frozen_layers=None,
)
"""Trains ``tiny-scratch``, whose weights are random, with a head.

One frame of each clip per step: the frames of a clip are very similar, so that more of them cost
time and help little.
"""

TINY: Final = Recipe(
    epochs=4,
    learning_rate=5e-4,
    backbone_learning_rate=1e-6,
    weight_decay=0.1,
    freeze="backbone",
    frozen_layers=None,
)
"""Trains a head on ``tiny``, whose weights come with the package, in a minute on a CPU.

Chosen on the validation split of aerosynth, small: with its 640 clips, training the towers too
loses more than the heads gain.
"""
