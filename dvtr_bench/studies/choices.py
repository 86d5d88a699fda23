"""Changes to a study from the command line: some rows, other seeds, settings or datasets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.settings import parse_settings
from dvtr_bench.studies.read_rows import CheckBackbone, row_recipe
from dvtr_bench.studies.study import Row, Study, StudyDataset
from dvtr_bench.training.recipe import Recipe


@dataclass(frozen=True)
class Choices:
    """Changes to a study; what is left out stays as in its file.

    Attributes:
        only: Names of models to keep, in addition to the reference; empty for all.
        seeds: Seeds instead of the study's.
        backbone_seed: Seed instead of the study's.
        settings: Settings of all models as ``name=value``, including ``backbone=...``.
        recipe: Recipe fields of all trainings as ``name=value``.
        datasets: Names or folders of built datasets, instead of the study's.
    """

    only: Sequence[str] = ()
    seeds: Sequence[int] = ()
    backbone_seed: int | None = None
    settings: Sequence[str] = ()
    recipe: Sequence[str] = ()
    datasets: Sequence[str] = ()


def choose(study: Study, choices: Choices, check_backbone: CheckBackbone = str) -> Study:
    """Apply choices to a study.

    Args:
        study: The study from its file.
        choices: The changes.
        check_backbone: Raises for an invalid name of a backbone.

    Returns:
        The changed study, checked.

    Raises:
        NotFoundError: A model that the study does not have.
        ConfigError: A setting is missing in some model or varied by the study, a value is out of
            range, or a seed occurs twice.

    Example:
        >>> from dvtr_bench.studies.read import read_study
        >>> chosen = choose(read_study("msam-ablation"), Choices(only=["K=3"], seeds=[1]))
        >>> [row.name for row in chosen.rows], chosen.seeds
        (['msam', 'K=3'], (1,))
    """
    settings = _split_backbone(choices.settings)
    rows = [_with_settings(row, study, settings) for row in study.rows]
    backbones = study.backbones
    if backbone := settings.backbone:
        named = sorted({row.backbone for row in study.rows if row.backbone})
        if len(named) > 1:
            raise ConfigError(
                f"leave out --set backbone={backbone}: the study compares models on several "
                f"backbones ({', '.join(named)})"
            )
        if backbone not in backbones:
            check_backbone(backbone)
        rows = [replace(row, backbone=backbone) if row.backbone else row for row in rows]
    recipe = parse_settings(Recipe, choices.recipe)
    if "seed" in recipe:
        raise ConfigError("leave out --recipe seed=...: --seeds says which seeds are trained")
    rows = [replace(row, recipe={**row.recipe, **recipe}) for row in rows]
    backbones = {
        name: replace(trained, recipe={**trained.recipe, **recipe})
        for name, trained in backbones.items()
    }
    for row in rows:
        row_recipe(row, backbones, Recipe.seed)
    seed = study.backbone_seed if choices.backbone_seed is None else choices.backbone_seed
    names = list(choices.datasets)
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"--dataset {twice[0]}: given twice")
    return replace(
        study,
        rows=tuple(_only(study, rows, choices.only)),
        backbones=backbones,
        seeds=tuple(choices.seeds) or study.seeds,
        backbone_seed=seed,
        datasets=tuple(map(_built, choices.datasets)) or study.datasets,
    )


@dataclass(frozen=True)
class _Settings:
    backbone: str | None
    others: tuple[str, ...]


def _split_backbone(settings: Sequence[str]) -> _Settings:
    pairs = [(setting, *setting.partition("=")[::2]) for setting in settings]
    backbones = [value for _, name, value in pairs if name == "backbone"]
    others = tuple(setting for setting, name, _ in pairs if name != "backbone")
    return _Settings(backbones[-1] if backbones else None, others)


def _with_settings(row: Row, study: Study, settings: _Settings) -> Row:
    if not settings.others:
        return row
    entry = model_entry(row.model)
    try:
        parsed = parse_settings(entry.config_class, settings.others)
    except ConfigError as failure:
        raise ConfigError(f"--set is for all models of the study; {row.model}: {failure}") from None
    for name in parsed:
        values = {repr(_value(other, name)) for other in study.rows if other.model == row.model}
        if len(values) > 1:
            raise ConfigError(
                f"leave out --set {name}=...: it is one of the things that the study changes, and "
                f"{study.reference or 'the first model'} keeps its own value"
            )
    changed: dict[str, Any] = {**row.settings, **parsed}
    entry.config(changed)
    return replace(row, settings=changed)


def _value(row: Row, name: str) -> Any:
    return getattr(model_entry(row.model).config(row.settings), name)


def _only(study: Study, rows: Sequence[Row], names: Sequence[str]) -> Sequence[Row]:
    names_known = [row.name for row in rows]
    if unknown := [name for name in names if name not in names_known]:
        raise NotFoundError(
            f"there is no model {unknown[0]!r} in the study {study.name}: there are "
            f"{', '.join(names_known)}"
        )
    wanted = {*names, study.reference}
    return [row for row in rows if row.name in wanted] if names else rows


def _built(dataset: str) -> StudyDataset:
    """Return a study's entry for a built dataset, given its name or folder."""
    return StudyDataset(Path(dataset).name, place=dataset)
