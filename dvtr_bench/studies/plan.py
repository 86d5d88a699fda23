"""Turn a study into runs: each distinct training once, with all its evaluations."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.models.entry import model_entry, whole_config, without_earlier
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
        identity: Its architecture and the hash of its weights; a description for random weights.
    """

    name: str
    identity: str

    @property
    def weights(self) -> Path | None:
        """The file or checkpoint folder of its weights; None for weights by tag or none."""
        path = Path(self.name.partition("/")[2]).expanduser()
        is_checkpoint = (path / CONFIG_FILE).is_file()
        return path if is_checkpoint or (path.suffix and path.is_file()) else None

    @classmethod
    def of(cls, name: str, source: str | None, weights_sha256: str | None) -> "Backbone":
        """Make it from what checkpoints and result files state about a backbone."""
        source_name = source or ""
        if weights_sha256 is None:
            return cls(name, source_name)
        return cls(name, f"{source_name.partition('/')[0]} {weights_sha256}")


@dataclass(frozen=True)
class Build:
    """A dataset of a study, built or to be built.

    Attributes:
        name: Its name in results.
        folder: Its folder.
        fingerprint: Fingerprint of rows and settings; empty before it is built.
    """

    name: str
    folder: Path
    fingerprint: str = ""

    @classmethod
    def of(cls, built: "BuiltDataset") -> "Build":
        """Make it from a built dataset."""
        return cls(built.name, built.folder, built.manifest.fingerprint)


@dataclass(frozen=True)
class Scoring:
    """One way to score the weights of a run.

    Attributes:
        rows: Names of the rows that it gives.
        settings: Settings that differ from the training's; can be empty.
        config: The whole configuration in its result, except the backbone (JSON values).
    """

    rows: tuple[str, ...]
    settings: Mapping[str, Any]
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One training, if any, and all its evaluations. Small, and can be pickled.

    Attributes:
        dataset: The dataset of training and evaluation.
        split: The split to evaluate.
        model: The model's key.
        settings: Settings for training, except the backbone.
        config: Its whole configuration, except the backbone (JSON values).
        backbone: Its backbone.
        recipe: The recipe, including the seed; None for a model that is not trained.
        scorings: The evaluations; none for a backbone that others start from.
        contact_sheets: Whether to draw the search results of a few queries.
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
        """Twelve hex digits that identify the training: model, backbone, dataset and recipe."""
        whole = {
            "model": self.model,
            "config": without_earlier(self.config),
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
        """Seed of its training; None if there is none."""
        return None if self.recipe is None else self.recipe.seed

    @property
    def label(self) -> str:
        """Its description, for messages."""
        rows = ", ".join(self.rows) or f"backbone under {self.model}"
        seed = "" if self.seed is None else f" · seed {self.seed}"
        return f"{rows}{seed} · {self.dataset.name}"


def config_of(
    model: str, settings: Mapping[str, Any], backbone: str | None = None
) -> dict[str, Any]:
    """Return a model's whole configuration except its backbone, as JSON values.

    Args:
        model: The model's key.
        settings: Some of its fields, or all of them.
        backbone: Its backbone, on which some settings may depend; None for the default.

    Returns:
        All fields, with defaults for those not given, as results state them.

    Raises:
        ConfigError: A setting is unknown or out of range.
    """
    if backbone:
        settings = with_backbone(model, settings, backbone)
    config = model_entry(model).config(settings)
    used = config.as_used() if hasattr(config, "as_used") else config
    read: dict[str, Any] = json.loads(json.dumps(asdict(used)))
    read.pop("backbone", None)
    return read


def stated_config_of(model: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole configuration that a checkpoint or a result states, like `config_of`.

    Args:
        model: The model's key.
        stated: Its configuration, as a version of any age wrote it.

    Returns:
        All fields except the backbone; those that it lacks are as they were at the time.

    Raises:
        ConfigError: A setting is unknown or out of range.
    """
    known = {field.name for field in fields(model_entry(model).config_class)}
    return config_of(model, whole_config(stated, known))


def with_backbone(model: str, settings: Mapping[str, Any], backbone: str) -> dict[str, Any]:
    """Return settings with a backbone, for a model that takes one."""
    takes = model_entry(model).takes("backbone")
    return {**settings, "backbone": backbone} if takes else dict(settings)


def scoring_only(model: str) -> frozenset[str]:
    """Return the fields of a model's configuration that never change how it is trained."""
    return model_entry(model).scoring_only


def backbone_run(
    study: Study, trained_backbone: TrainedBackbone, dataset: Build, start: Backbone
) -> Run:
    """Return the run that trains a backbone of the study on a dataset.

    Args:
        study: The study.
        trained_backbone: The backbone.
        dataset: The dataset.
        start: The backbone it starts from.

    Returns:
        A run that evaluates nothing.
    """
    recipe = replace(
        default_recipe(start.name), **trained_backbone.recipe, seed=study.backbone_seed
    )
    settings = {
        name: value for name, value in trained_backbone.settings.items() if name != "backbone"
    }
    return Run(
        dataset=dataset,
        split=study.split,
        model=trained_backbone.model,
        settings=settings,
        config=config_of(trained_backbone.model, settings, start.name),
        backbone=start,
        recipe=recipe,
        scorings=(),
    )


def make_runs(study: Study, dataset: Build, backbones: Mapping[str, Backbone]) -> tuple[Run, ...]:
    """Make the runs of a study on one dataset.

    Args:
        study: The study.
        dataset: The dataset.
        backbones: Backbones by their name in the rows.

    Returns:
        Untrained models first, then one seed after the other, each in order of rows. Rows that
        differ only in scoring share a run.
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
        backbone = backbones[row.backbone].name
        config = config_of(row.model, trained, backbone)
        whole = config_of(row.model, row.settings, backbone)
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
        added = Scoring((row.name,), scoring, whole)
        # The scoring with the training's settings comes first: it may give the others too.
        scorings = sorted((*run.scorings, added), key=lambda scoring: bool(scoring.settings))
        runs[run.key] = replace(run, scorings=tuple(scorings))
    return list(runs.values())
