"""MSAM with one thing changed at a time: the study `msam-ablation`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dvtr_bench.cli._options import DecodingThreads, Device, NamedDataset, TrainedBackbone


def ablate(
    dataset: NamedDataset,
    backbone: TrainedBackbone = "ViT-B-32/openai",
    seeds: Annotated[int, typer.Option(min=1, help="How many, counted from --seed.")] = 3,
    seed: Annotated[int, typer.Option(help="The first of them.")] = 42,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A variant to run beside the full model, such as pooling=mean; repeat for more.",
            show_default="all",
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pairs.")] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            help="nothing, frames (the image tower stays as it is) or backbone (the text tower "
            "too): what stays is encoded once for all variants.",
            show_default="as the recipe says",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of every variant, name=value; repeat for more."),
    ] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="A setting of the recipe, name=value; repeat for more."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for runs, result files and ABLATION.md.")
    ] = Path("ablation"),
    listed: Annotated[
        bool, typer.Option("--list", help="Say what would be run, and run nothing.")
    ] = False,
    device: Device = "auto",
    workers: DecodingThreads = 2,
) -> None:
    """Train and evaluate MSAM with one thing changed at a time, and say what each is worth.

    Run again after a stop, it goes on. The result files make a leaderboard too:
    `dvtr-bench leaderboard OUT/results`.
    """
    from dvtr_bench.cli.run import print_plan, print_study

    given = {"epochs": epochs, "freeze": freeze}
    asked: dict[str, Any] = {
        "only": only or (),
        "seeds": range(seed, seed + seeds),
        "settings": [f"backbone={backbone}", *(settings or ())],
        "recipe": [
            *(f"{name}={value}" for name, value in given.items() if value is not None),
            *(recipe_settings or ()),
        ],
        "datasets": [dataset],
        "out": out,
        "devices": device,
    }
    if listed:
        print_plan("msam-ablation", asked)
    else:
        print_study("msam-ablation", {**asked, "pages": out, "workers": workers})
