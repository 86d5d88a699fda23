"""What an ablation has to train and to evaluate: each distinct setup once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvtr_bench.ablation.variant import Ablations, Variant
from dvtr_bench.errors import ConfigError, NotFoundError


@dataclass(frozen=True)
class Training:
    """One setup to train, with every seed.

    Attributes:
        name: Of the first variant that asks for it; names its run folders.
        settings: Of the model's configuration, base settings included.
    """

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """One evaluation, of every seed of a training.

    Attributes:
        training: Whose checkpoints.
        scoring: Settings in which the scoring differs from the training's; empty for none.
        variants: The rows that it fills.
    """

    training: Training
    scoring: Mapping[str, Any]
    variants: tuple[Variant, ...]

    @property
    def name(self) -> str:
        """Names of the rows that it fills."""
        return ", ".join(variant.name for variant in self.variants)


@dataclass(frozen=True)
class Plan:
    """All that an ablation does.

    Attributes:
        jobs: In order of the table.
        seeds: Of every training.
    """

    jobs: tuple[Job, ...]
    seeds: tuple[int, ...]

    @property
    def trainings(self) -> tuple[Training, ...]:
        """The distinct setups to train, in order."""
        return tuple({job.training.name: job.training for job in self.jobs}.values())

    @property
    def names(self) -> frozenset[str]:
        """Names of the variants in it."""
        return frozenset(variant.name for job in self.jobs for variant in job.variants)


def make_plan(
    ablations: Ablations,
    base: Mapping[str, Any],
    seeds: Sequence[int],
    only: Sequence[str] = (),
) -> Plan:
    """Sort variants into trainings and evaluations.

    Args:
        ablations: The model's.
        base: Settings that all variants share, ``backbone`` among them.
        seeds: Of every training.
        only: Names of variants; all of them when empty. The full model is always among them.

    Returns:
        The plan: variants that differ in scoring alone share a training, and those that an
        evaluation gives anyway share that.

    Raises:
        NotFoundError: A name that no variant has.
        ConfigError: A base setting that a variant changes; no seeds, or one twice.

    Example:
        >>> from msam.ablations import MSAM
        >>> plan = make_plan(MSAM, {}, [42], ["text_block=1", "K=3"])
        >>> [job.name for job in plan.jobs], len(plan.trainings)
        (['full, text_block=1', 'K=3'], 2)
    """
    names = [variant.name for variant in ablations.variants]
    if unknown := [name for name in only if name not in names]:
        raise NotFoundError(f"there is no variant {unknown[0]!r}: there are {', '.join(names)}")
    _require_base(ablations, base)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ConfigError(f"an ablation needs seeds, each once, found {list(seeds)}")
    full = ablations.variants[0]
    trainings: dict[str, Training] = {}
    filled: dict[tuple[str, str], list[Variant]] = {}
    scorings: dict[tuple[str, str], Mapping[str, Any]] = {}
    for variant in ablations.variants:
        if only and variant.name not in only and variant is not full:
            continue
        own = {} if variant.with_full else variant.settings
        trained, scoring = _split(own, ablations.scoring_only)
        training = trainings.setdefault(_key(trained), Training(variant.name, {**base, **trained}))
        place = (training.name, _key(scoring))
        filled.setdefault(place, []).append(variant)
        scorings[place] = scoring
    by_name = {training.name: training for training in trainings.values()}
    jobs = tuple(
        Job(by_name[place[0]], scorings[place], tuple(variants))
        for place, variants in filled.items()
    )
    return Plan(jobs, tuple(seeds))


def _split(
    settings: Mapping[str, Any], scoring_only: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    trained = {name: value for name, value in settings.items() if name not in scoring_only}
    return trained, {name: value for name, value in settings.items() if name in scoring_only}


def _key(settings: Mapping[str, Any]) -> str:
    return repr(sorted(settings.items()))


def _require_base(ablations: Ablations, base: Mapping[str, Any]) -> None:
    changed = {name for variant in ablations.variants for name in variant.settings}
    if clash := sorted(changed & base.keys()):
        raise ConfigError(
            f"leave out --set {clash[0]}=...: it is one of the things that the ablation changes "
            f"({', '.join(sorted(changed))}), and the full model keeps its published value"
        )
