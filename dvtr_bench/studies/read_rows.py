"""The models of a study, with the backbones, recipes and questions that belong to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from dvtr_bench.catalog import BREAKDOWNS, MODELS
from dvtr_bench.models.listing import list_models
from dvtr_bench.studies.places import find_study
from dvtr_bench.studies.study import Conclusion, Question, Row, TrainedBackbone
from dvtr_bench.studies.study_file import Keys, StudyFile
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import default_recipe

CheckBackbone = Callable[[str], object]
"""Raises an error of ours for the name of a backbone that there is not."""

_TAKEN_ALONG: Final = "models, backbones, recipes, questions and conclusions"
"""What an included study gives; all else is the including file's own."""


@dataclass(frozen=True)
class _Draft:
    """A model as one file has it: what the study says of all models is yet to be added."""

    file: StudyFile
    keys: Keys
    name: str
    model: str
    about: str = ""
    backbone: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> tuple[object, ...]:
        """All of it but where it stands and what it is in words."""
        return self.model, self.backbone, dict(self.settings), dict(self.recipe)


@dataclass(frozen=True)
class Parts:
    """What one file and those that it includes say of models.

    Attributes:
        drafts: Models by name.
        backbones: Those that the study trains itself, by name.
        questions: By name, with the file and place of each.
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
        check_backbone: Refuses the name of a backbone.
        including: The files that include this one.

    Returns:
        What they say: included files first, in order.

    Raises:
        ConfigError: Something in them is wrong, or two say different things by one name.
    """
    parts = Parts()
    trail = (*including, file.path.resolve())
    for place, name in enumerate(file.array(("include",), str)):
        keys: Keys = ("include", place)
        path = file.attempt(keys, partial(find_study, name, file.path.parent))
        if path.resolve() in trail:
            file.fail(keys, f"{name} includes this study itself: leave one of the two out")
        included = read_parts(StudyFile.read(path), check_backbone, trail)
        _add(file, keys, parts, included)
    _add(file, (), parts, _own_parts(file, check_backbone))
    return parts


def _add(file: StudyFile, keys: Keys, parts: Parts, more: Parts) -> None:
    """Add what another file says; a name may come twice where both say the same of it."""
    for name, draft in more.drafts.items():
        known = parts.drafts.setdefault(name, draft)
        if known.said != draft.said:
            file.fail(
                keys or draft.keys,
                f"the model {name} is in {known.file.path} too, with other settings: give one of "
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
    for place in range(len(file.get(("questions",), list, []))):
        keys: Keys = ("questions", place)
        question = _question(file, keys)
        if question.name in parts.questions:
            file.fail((*keys, "name"), f"there are two questions called {question.name}")
        parts.questions[question.name] = file, keys, question
    for place in range(len(file.get(("conclusions",), list, []))):
        parts.conclusions.append(_conclusion(file, ("conclusions", place), parts))
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
    """Read fields of a recipe; a seed is none of them."""
    if "seed" in (given := file.table(keys)):
        file.fail((*keys, "seed"), "seeds belong to the whole study: seeds = [...] at its top")
    values = file.settings(keys, Recipe, given)
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


def _model(file: StudyFile, keys: Keys, name: str) -> ModuleType:
    module: ModuleType = file.attempt(keys, partial(MODELS.load, name))
    return module


def _settings(file: StudyFile, keys: Keys, module: ModuleType) -> dict[str, Any]:
    if "backbone" in file.table(keys):
        file.fail((*keys, "backbone"), "backbone is a key of its own, beside settings")
    return file.settings(keys, module.Config)


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
    module = _model(file, (*keys, "model"), key)
    start = file.required((*keys, "backbone"))
    file.attempt((*keys, "backbone"), partial(check_backbone, start))
    settings = {"backbone": start, **_settings(file, (*keys, "settings"), module)}
    file.require_made(keys, module.Config.from_mapping, settings)
    if not module.TRAINABLE:
        file.fail((*keys, "model"), f"{key} is not trained: see `dvtr-bench models`")
    recipe = _named_recipe(file, (*keys, "recipe"), recipes)
    return TrainedBackbone(name, _key(module), settings, recipe)


def _draft(file: StudyFile, name: str, recipes: Mapping[str, Mapping[str, Any]]) -> _Draft:
    keys: Keys = ("models", name)
    file.only(keys, "model", "about", "backbone", "settings", "recipe")
    named = file.get((*keys, "model"), str, "")
    module = _model(file, (*keys, "model") if named else keys, named or name)
    return _Draft(
        file,
        keys,
        name,
        _key(module),
        file.get((*keys, "about"), str, ""),
        file.get((*keys, "backbone"), str, "") or None,
        _settings(file, (*keys, "settings"), module),
        _named_recipe(file, (*keys, "recipe"), recipes),
    )


def _conclusion(file: StudyFile, keys: Keys, parts: Parts) -> Conclusion:
    file.only(keys, "say", "gains", "losses")
    named = {}
    for key in ("gains", "losses"):
        named[key] = file.array((*keys, key), str)
        for place, name in enumerate(named[key]):
            if name not in parts.questions:
                known = ", ".join(parts.questions) or "none"
                file.fail((*keys, key, place), f"there is no question {name!r}: there are {known}")
    return Conclusion(file.required((*keys, "say")), **named)


def resolve_rows(file: StudyFile, parts: Parts, check_backbone: CheckBackbone) -> Iterator[Row]:
    """Add to each model what the study says of all of them, and check the whole.

    Args:
        file: The study's own file.
        parts: As `read_parts` returned it.
        check_backbone: Refuses the name of a backbone.

    Yields:
        The rows, in order.

    Raises:
        ConfigError: A setting that a model does not have, a backbone that there is not, or two
            models that differ in nothing but their names.
    """
    backbone = file.get(("backbone",), str, "")
    recipe = _recipe(file, ("recipe",))
    setups: dict[str, str] = {}
    drafts = dict(parts.drafts)
    if file.get(("every_model",), bool, False):
        for listed in list_models():
            drafts.setdefault(listed.name, _Draft(file, ("every_model",), listed.name, listed.name))
    for draft in drafts.values():
        module = MODELS.load(draft.model)
        shared = file.settings(("settings",), module.Config)
        file.require_made(("settings",), module.Config.from_mapping, shared)
        settings = {**shared, **draft.settings}
        place = (*draft.keys, "settings") if draft.settings else draft.keys
        draft.file.require_made(place, module.Config.from_mapping, settings)
        chosen = draft.backbone or backbone or str(getattr(module.Config(), "backbone", ""))
        if chosen not in parts.backbones:
            _check(file, draft, chosen, check_backbone)
        row = Row(
            draft.name, draft.model, draft.about, chosen, settings, {**recipe, **draft.recipe}
        )
        draft.file.attempt(draft.keys, partial(row_recipe, row, parts.backbones, Recipe.seed))
        setup = repr(_whole(row, parts.backbones))
        if setup in setups:
            draft.file.fail(
                draft.keys, f"{draft.name} is {setups[setup]} by another name: leave one out"
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
    """Return the recipe of a row: that of its backbone, with the row's own fields."""
    own = backbones.get(row.backbone)
    start = default_recipe(row.backbone if own is None else own.stands_for)
    return replace(start, **row.recipe, seed=seed)


def _whole(row: Row, backbones: Mapping[str, TrainedBackbone]) -> tuple[object, ...]:
    config = MODELS.load(row.model).Config.from_mapping(dict(row.settings))
    return row.model, row.backbone, config, row_recipe(row, backbones, Recipe.seed)


def _key(module: ModuleType) -> str:
    """Return a model's key, which may have been written in another form."""
    return module.__name__.rpartition(".")[2]
