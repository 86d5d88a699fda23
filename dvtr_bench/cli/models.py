"""List the models, or all that can be set of one."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dvtr_bench.cli._command import Json, print_json
from dvtr_bench.runtime.terminal import say, write_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dvtr_bench.models.entry import ModelEntry
    from dvtr_bench.models.listing import ListedModel, ListedSource
    from dvtr_bench.settings import Setting
    from dvtr_bench.training.recipe import Recipe


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show what can be set of this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what can be named as a model; with NAME its settings, recipes and what they are for."""
    if name is not None:
        from dvtr_bench.models.entry import is_source, model_entry, source_entry

        entry = source_entry(name, "NAME") if is_source(name) else model_entry(name)
        if as_json:
            print_json(_as_json(entry))
        else:
            _show(entry)
        return
    from dvtr_bench.catalog import ADAPTERS, MODELS
    from dvtr_bench.models.listing import list_models, list_sources

    problems = (*MODELS.problems(), *ADAPTERS.problems())
    if as_json:
        print_json({"models": list_models(), "sources": list_sources(), "problems": problems})
        return
    for line in _table(list_models()):
        write_line(line)
    write_line(
        "\npairwise: a score depends on its caption and its video alone.\n"
        "query_block: it also depends on the other captions that are scored with it."
    )
    write_line("\nModels from elsewhere: dvtr-bench evaluate --model SOURCE:NAME\n")
    for line in _sources(list_sources()):
        write_line(line)
    for problem in problems:
        write_line(f"note: {problem}")
    say(
        "\nWhat can be set of one: dvtr-bench models NAME, dvtr-bench models SOURCE\n"
        "next: dvtr-bench train --model NAME --dataset NAME"
    )


def _table(listed: "Sequence[ListedModel]") -> Iterator[str]:
    name_width = max(len(model.name) for model in listed)
    scoring_width = max(len(model.scoring or "") for model in listed)
    for model in listed:
        if model.problem:
            yield f"{model.name:<{name_width}}  cannot be used: {model.problem}"
            continue
        trained = "trained" if model.trainable else "as it is"
        yield (
            f"{model.name:<{name_width}}  {model.scoring:<{scoring_width}}  {trained:<8}  "
            f"{model.summary}"
        )


def _sources(listed: "Sequence[ListedSource]") -> Iterator[str]:
    width = max((len(source.name) for source in listed), default=0)
    for source in listed:
        if source.problem:
            yield f"{source.name:<{width}}  cannot be used: {source.problem}"
            continue
        state = f"not installed: {source.advice}" if source.missing else "installed"
        yield f"{source.name:<{width}}  {source.scoring}  {state}"
        yield f"{'':<{width}}  {source.summary}"
        yield f"{'':<{width}}  {', '.join(source.examples)}"


def _show(entry: "ModelEntry") -> None:
    from dvtr_bench.settings import settings_of, value_text
    from dvtr_bench.training.recipe import Recipe

    summary = (entry.module.__doc__ or "").split("\n", 1)[0]
    trained = "trained" if entry.trainable else "as it is"
    write_line(f"{entry.key}  {entry.module.SCORING}  {trained}\n{summary}\n{entry.entry.place}")
    if entry.reference:
        write_line(f"Names: {', '.join(entry.module.EXAMPLES)}")
    settings = settings_of(entry.config_class)
    command = "train" if entry.trainable else "evaluate"
    write_line(f"\nSettings: dvtr-bench {command} --model {entry.key} --set NAME=VALUE")
    _show_settings(settings, {})
    if not entry.trainable:
        return
    backbone, recipes = _recipes(settings)
    write_line(f"\nRecipe: dvtr-bench train --model {entry.key} --recipe NAME=VALUE")
    if backbone:
        write_line(
            f"  Defaults are for --backbone {backbone}; others follow where tiny or tiny-scratch "
            "has them."
        )
    defaults = {}
    for one in settings_of(Recipe):
        values = {name: getattr(recipe, one.name) for name, recipe in recipes.items()}
        usual = values.pop(backbone)
        others = [
            f"{name}: {value_text(value)}" for name, value in values.items() if value != usual
        ]
        defaults[one.name] = [value_text(usual), *others]
    _show_settings(settings_of(Recipe), defaults)


def _recipes(settings: "Sequence[Setting]") -> "tuple[str, dict[str, Recipe]]":
    """Return a model's own backbone, and its recipe and those of the small ones by backbone."""
    from dvtr_bench.training.run_choice import default_recipe

    backbone = str(next((one.default for one in settings if one.name == "backbone"), ""))
    names = (backbone, "tiny", "tiny-scratch") if backbone else (backbone,)
    return backbone, {name: default_recipe(name) for name in names}


def _as_json(entry: "ModelEntry") -> dict[str, Any]:
    from dvtr_bench.settings import settings_of

    settings = settings_of(entry.config_class)
    described = [
        {
            "name": one.name,
            "values": one.values,
            "required": one.required,
            "default": None if one.required else one.default_text,
            "meaning": one.meaning,
        }
        for one in settings
    ]
    return {
        "name": entry.key,
        "summary": (entry.module.__doc__ or "").split("\n", 1)[0],
        "scoring": entry.module.SCORING,
        "trainable": entry.trainable,
        "file": entry.entry.place,
        "settings": described,
        "recipe_by_backbone": _recipes(settings)[1] if entry.trainable else {},
        **({"examples": entry.module.EXAMPLES} if entry.reference else {}),
    }


def _show_settings(settings: "Sequence[Setting]", defaults: "Mapping[str, Sequence[str]]") -> None:
    """Print settings with their values, defaults and meaning."""
    if not settings:
        write_line("  none")
    for one in settings:
        told = ", ".join(defaults.get(one.name, (one.default_text,)))
        write_line(f"  {one.name}  {one.values}  [{'' if one.required else 'default: '}{told}]")
        if meaning := one.meaning.replace("``", ""):
            margin = " " * 6
            write_line(textwrap.fill(meaning, 96, initial_indent=margin, subsequent_indent=margin))
