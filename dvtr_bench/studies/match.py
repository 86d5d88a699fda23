"""Find the row of a study to which a result file belongs, from the file alone.

`dvtr-bench run` knows its runs. With only a study and result files, it is not known which backbone,
recipe or build of a dataset they used: these must be the same for all rows, except for what the
study varies.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.models.entry import model_entry, whole_config
from dvtr_bench.results import RunRecord, comparable_key
from dvtr_bench.studies.plan import config_of, scoring_only
from dvtr_bench.studies.read_rows import row_recipe
from dvtr_bench.studies.study import Row, Study
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run import comparable

Rows: TypeAlias = dict[str, list[RunRecord]]
"""The results of each row by its name, one per seed, in order of seeds."""


@dataclass
class _Group:
    """Results with the same common setup."""

    dataset: str
    rows: Rows = field(default_factory=dict)


def results_by_row(study: Study, records: Sequence[RunRecord]) -> dict[str, Rows]:
    """Sort results into the rows of a study; results of no row are ignored.

    Args:
        study: The study.
        records: Results of any models and datasets.

    Returns:
        The rows that have results, by dataset: at least the reference and another row.

    Raises:
        NotFoundError: There are no results of the study.
        IncomparableError: There is more than one set of rows for a dataset, a seed occurs twice, or
            rows that should share weights do not.
    """
    matcher = _Matcher(study)
    groups: dict[object, _Group] = {}
    untrained: list[tuple[RunRecord, Row]] = []
    for record in records:
        row = matcher.row_of(record)
        if row is None:
            continue
        if record.model.training is None:
            untrained.append((record, row))
            continue
        group = groups.setdefault(matcher.common_setup(record), _Group(record.dataset.name))
        group.rows.setdefault(row.name, []).append(record)
    for record, row in untrained:
        for key, group in groups.items():
            if matcher.common_setup(record)[:2] == key[:2]:  # type: ignore[index]
                group.rows.setdefault(row.name, []).append(record)
    whole_groups = [group for group in groups.values() if matcher.is_whole(group)]
    if not whole_groups:
        raise NotFoundError(
            f"no results of the study {study.name} in these {len(records)} result files: it takes "
            f"those of {study.reference or 'two models'} and of another of its models on one "
            "dataset with one recipe (`dvtr-bench run` makes them)"
        )
    by_dataset: dict[str, Rows] = {}
    for group in whole_groups:
        if group.dataset in by_dataset:
            number = sum(other.dataset == group.dataset for other in whole_groups)
            raise IncomparableError(
                f"these result files hold the study {study.name} {number} times on "
                f"{group.dataset} (other builds, recipes, backbones or settings): name those of one"
            )
        by_dataset[group.dataset] = matcher.in_order(group)
    return by_dataset


class _Matcher:
    """Matches results to the rows of one study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._configs = {
            row.name: config_of(row.model, row.settings, row.backbone) for row in study.rows
        }
        recipes = {row.name: row_recipe(row, study.backbones, Recipe.seed) for row in study.rows}
        self._recipes = {name: recipe.as_mapping() for name, recipe in recipes.items()}
        self._varied_recipe = {
            name
            for row in study.rows
            for name in row.recipe
            if any(other[name] != row.recipe[name] for other in self._recipes.values())
        }

    @cached_property
    def _shared_fields(self) -> set[str]:
        """Fields that all models of the study have, with the same value in all rows."""
        common = set.intersection(*(set(config) for config in self._configs.values()))
        return {
            name
            for name in common
            if len({json.dumps(config[name]) for config in self._configs.values()}) == 1
        }

    @cached_property
    def _one_backbone(self) -> bool:
        return len({row.backbone for row in self._study.rows}) == 1

    def row_of(self, record: RunRecord) -> Row | None:
        """Return the row of a result; None if it belongs to none."""
        if record.kind != "model" or record.scoring.post_processing != "none":
            return None
        named = {dataset.name for dataset in self._study.datasets}
        if named and record.dataset.name not in named:
            return None
        if record.dataset.split != self._study.split:
            return None
        rows = [row for row in self._study.rows if self._fits(record, row)]
        return rows[0] if len(rows) == 1 else None

    def _fits(self, record: RunRecord, row: Row) -> bool:
        if record.model.name != row.model:
            return False
        stated = self._stated(record)
        if any(
            stated.get(name) != value
            for name, value in self._configs[row.name].items()
            if name not in self._shared_fields
        ):
            return False
        if not self._one_backbone and (record.model.backbone or "") != _as_stated(row.backbone):
            return False
        recipe = _recipe(record)
        return recipe is None or all(
            recipe[name] == self._recipes[row.name][name] for name in self._varied_recipe
        )

    def common_setup(self, record: RunRecord) -> tuple[object, ...]:
        """Return what all results of one study must have in common."""
        stated, recipe = self._stated(record), _recipe(record) or {}
        shared = {name: stated.get(name) for name in self._shared_fields}
        model = record.model
        backbone = model.backbone_sha256 or model.backbone if self._one_backbone else None
        others = {
            name: value
            for name, value in recipe.items()
            if name != "seed" and name not in self._varied_recipe
        }
        return (
            comparable_key(record),
            (backbone, json.dumps(shared, sort_keys=True)),
            json.dumps(others, sort_keys=True),
        )

    def is_whole(self, group: _Group) -> bool:
        """Tell whether there is something to compare."""
        reference = self._study.reference
        return len(group.rows) > 1 and (reference is None or reference in group.rows)

    def in_order(self, group: _Group) -> Rows:
        """Return rows in the study's order, each checked."""
        rows = {
            row.name: group.rows[row.name] for row in self._study.rows if row.name in group.rows
        }
        for name, runs in rows.items():
            runs.sort(key=lambda run: run.model.seeds)
            _require_one_per_seed(name, runs)
        self._require_shared_weights(rows)
        return rows

    def _require_shared_weights(self, rows: Rows) -> None:
        first: dict[str, tuple[str, dict[tuple[int, ...], str | None]]] = {}
        for row in self._study.rows:
            if row.name not in rows or not model_entry(row.model).trainable:
                continue
            fields = scoring_only(row.model)
            trained = {n: v for n, v in self._configs[row.name].items() if n not in fields}
            key = json.dumps([row.model, row.backbone, trained, dict(row.recipe)], sort_keys=True)
            weights = {run.model.seeds: run.model.checkpoint_sha256 for run in rows[row.name]}
            name, first_weights = first.setdefault(key, (row.name, weights))
            for seeds, sha256 in weights.items():
                if first_weights.get(seeds, sha256) != sha256:
                    raise IncomparableError(
                        f"{row.name}, seed {_seeds_text(seeds)}: this row should be scored with "
                        "the "
                        f"weights of {name} of that seed, but was not"
                    )

    def _stated(self, record: RunRecord) -> Mapping[str, Any]:
        """Return the configuration of a result, with defaults for fields that it lacks."""
        defaults = config_of(record.model.name, {})
        config = {**defaults, **whole_config(record.model.config, defaults)}
        read: dict[str, Any] = json.loads(json.dumps(config))
        return read


def _recipe(record: RunRecord) -> dict[str, Any] | None:
    training = record.model.training
    if training is None:
        return None
    recipe: dict[str, Any] = comparable({"recipe": training.recipe})["recipe"]
    return recipe


def _as_stated(backbone: str) -> str:
    """Return the name of a backbone in results: tags unchanged, files without their folder."""
    architecture, _, weights = backbone.partition("/")
    return f"{architecture}/{weights.rpartition('/')[2]}" if weights else backbone


def _require_one_per_seed(name: str, runs: Sequence[RunRecord]) -> None:
    seeds = [run.model.seeds for run in runs]
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise IncomparableError(
            f"{name}: {seeds.count(twice[0])} result files of seed {_seeds_text(twice[0])}, but a "
            "study has one: remove the others"
        )


def _seeds_text(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds)) or "none"
