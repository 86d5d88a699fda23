"""Read the models of a study, with their backbones, recipes and questions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from dvtr_bench.catalog import BREAKDOWNS, MODELS
from dvtr_bench.models.entry import ModelEntry, model_entry
from dvtr_bench.studies.study import Conclusion, Question, Row, TrainedBackbone
from dvtr_bench.studies.study_file import Keys, StudyFile, find_study
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import default_recipe

CheckBackbone = Callable[[str], object]
"""Raises a DvtrError for the name of a backbone that does not exist."""

_INCLUDED_PARTS: Final = "models, backbones, recipes, questions and conclusions"
"""What is taken from an included study; everything else comes from the including file."""


@dataclass(frozen=True)
class _Draft:
    """A model from one file, without the settings for all models of the study."""

    file: StudyFile
    keys: Keys
    name: str
    model: str
    about: str = ""
    backbone: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def setup(self) -> tuple[object, ...]:
        """What two drafts of the same name must share."""
        return self.model, self.backbone, dict(self.settings), dict(self.recipe)


@dataclass(frozen=True)
class Parts:
    """The models and their parts in one file and those that it includes.

    Attributes:
        drafts: Models by name.
        backbones: Those that the study trains itself, by name.
        questions: By name, with the file and position of each.
        conclusions: In order.
    """

    drafts: dict[str, _Draft] = field(default_factory=dict)
    backbones: dict[str, TrainedBackbone] = field(default_factory=dict)
    questions: dict[str, tuple[StudyFile, Keys, Question]] = field(default_factory=dict)
    conclusions: list[Conclusion] = field(default_factory=list)


def read_parts(
    file: StudyFile, check_backbone: CheckBackbone, including: Sequence[Path] = ()
) -> Parts:
    """Read models and what belongs to them from a file and from those that it includes.

    Args:
        file: The file.
        check_backbone: Raises for an invalid name of a backbone.
        including: The files that include this one.

    Returns:
        The parts: included files first, in order.

    Raises:
        ConfigError: A file is wrong, or two files define different things under one name.
    """
    parts = Parts()
    trail = (*including, file.path.resolve())
    for index, name in enumerate(file.array(("include",), str)):
        keys: Keys = ("include", index)
        path = file.attempt(keys, partial(find_study, name, file.path.parent))
        if path.resolve() in trail:
            file.fail(keys, f"{name} includes this study itself: leave one of the two out")
        included = read_parts(StudyFile.read(path), check_backbone, trail)
        _add(file, keys, parts, included)
    _add(file, (), parts, _own_parts(file, check_backbone))
    return parts


def _add(file: StudyFile, keys: Keys, parts: Parts, more: Parts) -> None:
    """Add the parts of another file; equal definitions may occur twice."""
    for name, draft in more.drafts.items():
        existing = parts.drafts.setdefault(name, draft)
        if existing.setup != draft.setup:
            file.fail(
                keys or draft.keys,
                f"the model {name} is in {existing.file.path} too, with other settings: give one "
                "of "
                "them another name",
            )
    for name, backbone in more.backbones.items():
        if parts.backbones.setdefault(name, backbone) != backbone:
            file.fail(keys or ("backbones", name), f"there are two backbones called {name}")
    for name, question in more.questions.items():
        if name in parts.questions:
            file.fail(keys or question[1], f"there are two questions called {name}")
        parts.questions[name] = question
    parts.conclusions.extend(more.conclusions)


def _own_parts(file: StudyFile, check_backbone: CheckBackbone) -> Parts:
    recipes = {name: _recipe(file, ("recipes", name)) for name in file.table(("recipes",))}
    parts = Parts()
    for name in file.table(("backbones",)):
        parts.backbones[name] = _backbone(file, name, recipes, check_backbone)
    for name in file.table(("models",)):
        parts.drafts[name] = _draft(file, name, recipes)
    for index in range(len(file.get(("questions",), list, []))):
        keys: Keys = ("questions", index)
        question = _question(file, keys)
        if question.name in parts.questions:
            file.fail((*keys, "name"), f"there are two questions called {question.name}")
        parts.questions[question.name] = file, keys, question
    for index in range(len(file.get(("conclusions",), list, []))):
        parts.conclusions.append(_conclusion(file, ("conclusions", index), parts))
    return parts


def _question(file: StudyFile, keys: Keys) -> Question:
    file.only(keys, "name", "first", "second", "about", "breakdown", "group")
    texts = {key: file.required((*keys, key)) for key in ("name", "first", "second", "about")}
    about_group = {key: file.get((*keys, key), str, "") for key in ("breakdown", "group")}
    if axis := about_group["breakdown"]:
        module = file.attempt((*keys, "breakdown"), partial(BREAKDOWNS.load, axis))
        names = getattr(module, "NAMES", None)
        if names and about_group["group"] not in names:
            file.fail(
                (*keys, "group"),
                f"{axis} has no group {about_group['group']!r}: it has {', '.join(names)}",
            )
    question: Question = file.attempt(keys, lambda: Question(**texts, **about_group))
    return question


def _recipe(file: StudyFile, keys: Keys) -> dict[str, Any]:
    """Read the fields of a recipe, which cannot include a seed."""
    if "seed" in (table := file.table(keys)):
        file.fail((*keys, "seed"), "seeds belong to the whole study: seeds = [...] at its top")
    values = file.settings(keys, Recipe, table)
    file.require_made(keys, lambda settings: Recipe(**settings), values)
    return values


def _named_recipe(
    file: StudyFile, keys: Keys, recipes: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    name = file.get(keys, str, "")
    if name and name not in recipes:
        known = ", ".join(recipes) or "none"
        file.fail(keys, f"there is no recipe {name!r}: there are {known} ([recipes.NAME])")
    return recipes.get(name, {})


def _model(file: StudyFile, keys: Keys, name: str) -> ModelEntry:
    entry: ModelEntry = file.attempt(keys, partial(model_entry, name))
    return entry


def _settings(file: StudyFile, keys: Keys, entry: ModelEntry) -> dict[str, Any]:
    if "backbone" in file.table(keys):
        file.fail((*keys, "backbone"), "backbone is a key of its own, beside settings")
    return file.settings(keys, entry.config_class)


def _backbone(
    file: StudyFile,
    name: str,
    recipes: Mapping[str, Mapping[str, Any]],
    check_backbone: CheckBackbone,
) -> TrainedBackbone:
    keys: Keys = ("backbones", name)
    file.only(keys, "model", "backbone", "settings", "recipe")
    if "/" in name:
        file.fail(keys, f"the name {name!r} looks like weights of an architecture: leave out /")
    key = file.required((*keys, "model"))
    entry = _model(file, (*keys, "model"), key)
    start = file.required((*keys, "backbone"))
    file.attempt((*keys, "backbone"), partial(check_backbone, start))
    settings = {"backbone": start, **_settings(file, (*keys, "settings"), entry)}
    file.require_made(keys, entry.config, settings)
    if not entry.trainable:
        file.fail((*keys, "model"), f"{key} is not trained: see `dvtr-bench models`")
    recipe = _named_recipe(file, (*keys, "recipe"), recipes)
    return TrainedBackbone(name, entry.key, settings, recipe)


def _draft(file: StudyFile, name: str, recipes: Mapping[str, Mapping[str, Any]]) -> _Draft:
    keys: Keys = ("models", name)
    file.only(keys, "model", "about", "backbone", "settings", "recipe")
    key = file.get((*keys, "model"), str, "")
    entry = _model(file, (*keys, "model") if key else keys, key or name)
    return _Draft(
        file,
        keys,
        name,
        entry.key,
        file.get((*keys, "about"), str, ""),
        file.get((*keys, "backbone"), str, "") or None,
        _settings(file, (*keys, "settings"), entry),
        _named_recipe(file, (*keys, "recipe"), recipes),
    )


def _conclusion(file: StudyFile, keys: Keys, parts: Parts) -> Conclusion:
    file.only(keys, "say", "gains", "losses")
    questions = {}
    for key in ("gains", "losses"):
        questions[key] = file.array((*keys, key), str)
        for index, name in enumerate(questions[key]):
            if name not in parts.questions:
                known = ", ".join(parts.questions) or "none"
                file.fail((*keys, key, index), f"there is no question {name!r}: there are {known}")
    return Conclusion(file.required((*keys, "say")), **questions)


def resolve_rows(file: StudyFile, parts: Parts, check_backbone: CheckBackbone) -> Iterator[Row]:
    """Add the settings for all models to each model, and check the result.

    Args:
        file: The study's own file.
        parts: As returned by `read_parts`.
        check_backbone: Raises for an invalid name of a backbone.

    Yields:
        The rows, in order.

    Raises:
        ConfigError: A setting or backbone does not exist, or two models differ only in their names.
    """
    backbone = file.get(("backbone",), str, "")
    recipe = _recipe(file, ("recipe",))
    setups: dict[str, str] = {}
    drafts = dict(parts.drafts)
    if file.get(("every_model",), bool, False):
        for name in MODELS.load_all():
            drafts.setdefault(name, _Draft(file, ("every_model",), name, name))
    for draft in drafts.values():
        entry = model_entry(draft.model)
        shared = file.settings(("settings",), entry.config_class)
        file.require_made(("settings",), entry.config, shared)
        settings = {**shared, **draft.settings}
        settings_keys = (*draft.keys, "settings") if draft.settings else draft.keys
        draft.file.require_made(settings_keys, entry.config, settings)
        chosen_backbone = (
            draft.backbone or backbone or str(getattr(entry.config({}), "backbone", ""))
        )
        if not entry.takes("backbone"):
            if draft.backbone:
                draft.file.fail((*draft.keys, "backbone"), f"{draft.model} takes no backbone")
            chosen_backbone = ""
        elif chosen_backbone not in parts.backbones:
            _check(file, draft, chosen_backbone, check_backbone)
        row = Row(
            draft.name,
            draft.model,
            draft.about,
            chosen_backbone,
            settings,
            {**recipe, **draft.recipe},
        )
        draft.file.attempt(draft.keys, partial(row_recipe, row, parts.backbones, Recipe.seed))
        setup = repr(_whole(row, parts.backbones))
        if setup in setups:
            draft.file.fail(
                draft.keys, f"{draft.name} is the same as {setups[setup]}: leave one out"
            )
        setups[setup] = draft.name
        yield row


def _check(file: StudyFile, draft: _Draft, backbone: str, check_backbone: CheckBackbone) -> None:
    check = partial(check_backbone, backbone)
    if draft.backbone:
        draft.file.attempt((*draft.keys, "backbone"), check)
    else:
        file.attempt(("backbone",), check)


def row_recipe(row: Row, backbones: Mapping[str, TrainedBackbone], seed: int) -> Recipe:
    """Return the recipe of a row: that of its backbone, changed by the row's fields."""
    trained = backbones.get(row.backbone)
    start = default_recipe(row.backbone if trained is None else trained.stands_for)
    return replace(start, **row.recipe, seed=seed)


def _whole(row: Row, backbones: Mapping[str, TrainedBackbone]) -> tuple[object, ...]:
    config = model_entry(row.model).config(row.settings)
    return row.model, row.backbone, config, row_recipe(row, backbones, Recipe.seed)
