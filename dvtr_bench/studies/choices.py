"""What a user asks of a study beyond its file: part of it, other seeds, settings or datasets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.studies.read_rows import CheckBackbone, row_recipe
from dvtr_bench.studies.study import Row, Study, StudyDataset
from dvtr_bench.training.options import parse_settings
from dvtr_bench.training.recipe import Recipe


@dataclass(frozen=True)
class Choices:
    """What is asked of a study; all that is left out stays as the study has it.

    Attributes:
        only: Names of models; the reference is always among them. All of them when empty.
        seeds: In place of the study's.
        backbone_seed: In place of the study's.
        settings: Of every model, ``name=value``, ``backbone=...`` among them.
        recipe: Of every training, ``name=value``.
        datasets: Names or folders of built datasets, in place of the study's.
    """

    only: Sequence[str] = ()
    seeds: Sequence[int] = ()
    backbone_seed: int | None = None
    settings: Sequence[str] = ()
    recipe: Sequence[str] = ()
    datasets: Sequence[str] = ()


def choose(study: Study, choices: Choices, check_backbone: CheckBackbone = str) -> Study:
    """Return a study as it is asked for.

    Args:
        study: As its file has it.
        choices: What is asked.
        check_backbone: Refuses the name of a backbone.

    Returns:
        Another study, checked too.

    Raises:
        NotFoundError: A model that the study does not have.
        ConfigError: A setting that some model does not have or that the study varies, a value out
            of range, seeds twice.

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
        name: replace(one, recipe={**one.recipe, **recipe}) for name, one in backbones.items()
    }
    for row in rows:
        row_recipe(row, backbones, Recipe.seed)
    seed = study.backbone_seed if choices.backbone_seed is None else choices.backbone_seed
    if twice := [one for one in choices.datasets if list(choices.datasets).count(one) > 1]:
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
    named = [one.partition("=")[2] for one in settings if one.partition("=")[0] == "backbone"]
    others = tuple(one for one in settings if one.partition("=")[0] != "backbone")
    return _Settings(named[-1] if named else None, others)


def _with_settings(row: Row, study: Study, settings: _Settings) -> Row:
    if not settings.others:
        return row
    entry = model_entry(row.model)
    try:
        given = parse_settings(entry.config_class, settings.others)
    except ConfigError as failure:
        raise ConfigError(f"--set is for all models of the study; {row.model}: {failure}") from None
    for name in given:
        values = {repr(_value(other, name)) for other in study.rows if other.model == row.model}
        if len(values) > 1:
            raise ConfigError(
                f"leave out --set {name}=...: it is one of the things that the study changes, and "
                f"{study.reference or 'the first model'} keeps its own value"
            )
    changed: dict[str, Any] = {**row.settings, **given}
    entry.config(changed)
    return replace(row, settings=changed)


def _value(row: Row, name: str) -> Any:
    return getattr(model_entry(row.model).config(row.settings), name)


def _only(study: Study, rows: Sequence[Row], names: Sequence[str]) -> Sequence[Row]:
    known = [row.name for row in rows]
    if unknown := [name for name in names if name not in known]:
        raise NotFoundError(
            f"there is no model {unknown[0]!r} in the study {study.name}: there are "
            f"{', '.join(known)}"
        )
    wanted = {*names, study.reference}
    return [row for row in rows if row.name in wanted] if names else rows


def _built(dataset: str) -> StudyDataset:
    """Name a dataset that is built already, by its name or folder."""
    return StudyDataset(Path(dataset).name, place=dataset)
