"""Options of commands that train: what the recipe has, and what to set in it."""

from typing import Annotated, Final

import typer

from dvtr_bench.training.recipe import TINY, TINY_SCRATCH, Recipe

RECIPE: Final = "Recipe"


def recipe_default(name: str) -> str:
    """Say what the recipe has for a field, for the page of help.

    Example:
        >>> recipe_default("epochs")
        "the recipe's: 5, with --backbone tiny 4, with tiny-scratch 6"
    """
    usual = getattr(Recipe(), name)
    others = {"--backbone tiny": TINY, "tiny-scratch": TINY_SCRATCH}
    told = [
        f", with {backbone} {value}"
        for backbone, recipe in others.items()
        if (value := getattr(recipe, name)) != usual
    ]
    return f"the recipe's: {usual}{''.join(told)}"


Epochs = Annotated[
    int | None,
    typer.Option(
        help="Passes over the training pairs.",
        show_default=recipe_default("epochs"),
        rich_help_panel=RECIPE,
    ),
]

BatchSize = Annotated[
    int | None,
    typer.Option(
        help="Pairs a step.", show_default=recipe_default("batch_size"), rich_help_panel=RECIPE
    ),
]

Freeze = Annotated[
    str | None,
    typer.Option(
        help="nothing, frames (the image tower stays as it is) or backbone (the text tower too): "
        "what stays is encoded once and kept beside the dataset.",
        show_default=recipe_default("freeze"),
        rich_help_panel=RECIPE,
    ),
]

TrainingSeed = Annotated[
    int | None,
    typer.Option(
        help="Of weights, order and dropout.",
        show_default=recipe_default("seed"),
        rich_help_panel=RECIPE,
    ),
]

RecipeSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe",
        metavar="NAME=VALUE",
        help="A setting of the recipe, name=value; repeat for more. `dvtr-bench models NAME` "
        "lists them.",
        rich_help_panel=RECIPE,
    ),
]
