"""A study into runs: each distinct training once, with all that is to be evaluated of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.models.entry import model_entry
from dvtr_bench.runtime.checkpoint import CONFIG_FILE
from dvtr_bench.studies.read_rows import row_recipe
from dvtr_bench.studies.study import Row, Study, TrainedBackbone
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import default_recipe

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset


@dataclass(frozen=True)
class Backbone:
    """A backbone whose weights are known.

    Attributes:
        name: As a model's configuration takes it.
        identity: What tells it from all others: its architecture and the hash of its weights; in
            words where they are drawn at random.
    """

    name: str
    identity: str

    @property
    def weights(self) -> Path | None:
        """The file of its weights, or a checkpoint folder; None for weights by tag, or none."""
        path = Path(self.name.partition("/")[2]).expanduser()
        is_ours = (path / CONFIG_FILE).is_file()
        return path if is_ours or (path.suffix and path.is_file()) else None

    @classmethod
    def of(cls, name: str, source: str | None, weights_sha256: str | None) -> "Backbone":
        """Make it of what checkpoints and result files state of a backbone."""
        told = source or ""
        if weights_sha256 is None:
            return cls(name, told)
        return cls(name, f"{told.partition('/')[0]} {weights_sha256}")


@dataclass(frozen=True)
class Build:
    """A dataset of a study, as it is built or will be.

    Attributes:
        name: As results call it.
        folder: Where it is.
        fingerprint: Of its rows and settings; empty before it is built.
    """

    name: str
    folder: Path
    fingerprint: str = ""

    @classmethod
    def of(cls, built: "BuiltDataset") -> "Build":
        """Take what there is."""
        return cls(built.name, built.folder, built.manifest.fingerprint)


@dataclass(frozen=True)
class Scoring:
    """One way to score the weights of a run.

    Attributes:
        rows: Names of the rows that it gives.
        settings: In which the scoring differs from the training's; empty for none.
        config: The whole configuration that its result states, but for the backbone (JSON values).
    """

    rows: tuple[str, ...]
    settings: Mapping[str, Any]
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One training, if any, and all that is evaluated of it; small, and can be pickled.

    Attributes:
        dataset: What is trained and evaluated on.
        split: What is evaluated.
        model: The model's key.
        settings: Of its configuration, but for the backbone, that training takes.
        config: Its whole configuration, but for the backbone (JSON values).
        backbone: What it is built on.
        recipe: How it is trained, its seed included; None for a model that is not trained.
        scorings: What is evaluated; nothing of a backbone that others start from.
        contact_sheets: Whether to draw what was found for a few queries.
    """

    dataset: Build
    split: str
    model: str
    settings: Mapping[str, Any]
    config: Mapping[str, Any]
    backbone: Backbone
    recipe: Recipe | None
    scorings: tuple[Scoring, ...]
    contact_sheets: bool = False

    @property
    def key(self) -> str:
        """Twelve hex digits that stand for the training: model, backbone, dataset and recipe."""
        whole = {
            "model": self.model,
            "config": self.config,
            "backbone": self.backbone.identity,
            "dataset": [self.dataset.name, self.dataset.fingerprint],
            "recipe": self.recipe and self.recipe.as_mapping(),
        }
        return hashlib.sha256(canonical_json(whole)).hexdigest()[:12]

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows that it gives."""
        return tuple(name for scoring in self.scorings for name in scoring.rows)

    @property
    def seed(self) -> int | None:
        """Of its training; None where there is none."""
        return None if self.recipe is None else self.recipe.seed

    @property
    def label(self) -> str:
        """What it is, for messages."""
        rows = ", ".join(self.rows) or f"backbone under {self.model}"
        seed = "" if self.seed is None else f" · seed {self.seed}"
        return f"{rows}{seed} · {self.dataset.name}"


def config_of(model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's whole configuration but for its backbone, as JSON has it.

    Args:
        model: The model's key.
        settings: Some of its fields, or all of them.

    Returns:
        All fields; what is not given is at its default.

    Raises:
        ConfigError: A setting that the model does not have, or out of range.
    """
    config = asdict(model_entry(model).config(settings))
    read: dict[str, Any] = json.loads(json.dumps(config))
    read.pop("backbone", None)
    return read


def with_backbone(model: str, settings: Mapping[str, Any], backbone: str) -> dict[str, Any]:
    """Return settings with a backbone, for a model that takes one."""
    takes = model_entry(model).takes("backbone")
    return {**settings, "backbone": backbone} if takes else dict(settings)


def scoring_only(model: str) -> frozenset[str]:
    """Return the fields of a model's configuration that never change how it is trained."""
    return model_entry(model).scoring_only


def backbone_run(study: Study, own: TrainedBackbone, dataset: Build, start: Backbone) -> Run:
    """Return the run that trains a backbone of the study on a dataset.

    Args:
        study: The study.
        own: The backbone.
        dataset: The dataset.
        start: What it starts from.

    Returns:
        A run that evaluates nothing.
    """
    recipe = replace(default_recipe(start.name), **own.recipe, seed=study.backbone_seed)
    settings = {name: value for name, value in own.settings.items() if name != "backbone"}
    return Run(
        dataset=dataset,
        split=study.split,
        model=own.model,
        settings=settings,
        config=config_of(own.model, settings),
        backbone=start,
        recipe=recipe,
        scorings=(),
    )


def make_runs(study: Study, dataset: Build, backbones: Mapping[str, Backbone]) -> tuple[Run, ...]:
    """Sort the rows of a study into runs on one dataset.

    Args:
        study: The study.
        dataset: The dataset.
        backbones: By the name that rows call them.

    Returns:
        Models that are not trained first, then one seed after the other, each in order of rows.
        Rows that differ in scoring alone share a run.
    """
    trained = [row for row in study.rows if model_entry(row.model).trainable]
    untrained = [row for row in study.rows if row not in trained]
    runs = _grouped(study, dataset, untrained, backbones, None)
    for seed in study.seeds:
        runs += _grouped(study, dataset, trained, backbones, seed)
    return tuple(runs)


def _grouped(
    study: Study,
    dataset: Build,
    rows: Sequence[Row],
    backbones: Mapping[str, Backbone],
    seed: int | None,
) -> list[Run]:
    runs: dict[str, Run] = {}
    for row in rows:
        fields = scoring_only(row.model) if seed is not None else frozenset()
        trained = {name: value for name, value in row.settings.items() if name not in fields}
        scoring = {name: value for name, value in row.settings.items() if name in fields}
        config = config_of(row.model, trained)
        whole = config_of(row.model, row.settings)
        if whole == config:
            scoring = {}
        run = Run(
            dataset=dataset,
            split=study.split,
            model=row.model,
            settings=trained,
            config=config,
            backbone=backbones[row.backbone],
            recipe=None if seed is None else row_recipe(row, study.backbones, seed),
            scorings=(),
            contact_sheets=study.contact_sheets,
        )
        run = runs.setdefault(run.key, run)
        more = Scoring((row.name,), scoring, whole)
        # What is scored as it was trained comes first: it may give others along with it.
        both = sorted((*run.scorings, more), key=lambda one: bool(one.settings))
        runs[run.key] = replace(run, scorings=tuple(both))
    return list(runs.values())
