"""MSAM with one thing changed at a time: the study `msam-ablation`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dvtr_bench.cli._command import (
    MACHINE,
    MODEL,
    DecodingThreads,
    Device,
    Json,
    ModelSettings,
    NamedDataset,
    Root,
    TrainedBackbone,
    out_folder,
)
from dvtr_bench.cli._recipe_options import Epochs, Freeze, RecipeSettings


def ablate(
    dataset: NamedDataset,
    backbone: TrainedBackbone = "ViT-B-32/openai",
    seeds: Annotated[
        int, typer.Option(min=1, help="How many, counted from --seed.", rich_help_panel=MODEL)
    ] = 3,
    seed: Annotated[int, typer.Option(help="The first of them.", rich_help_panel=MODEL)] = 42,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A variant to run beside the full model, such as pooling=mean; repeat for more.",
            show_default="all",
            rich_help_panel=MODEL,
        ),
    ] = None,
    epochs: Epochs = None,
    freeze: Freeze = None,
    settings: ModelSettings = None,
    recipe_settings: RecipeSettings = None,
    out: Annotated[Path, out_folder("Folder for runs, result files and ABLATION.md.")] = Path(
        "ablation"
    ),
    root: Root = Path("dvtr"),
    listed: Annotated[
        bool,
        typer.Option(
            "--list", help="Say what would be run, and run nothing.", rich_help_panel=MACHINE
        ),
    ] = False,
    device: Device = "auto",
    workers: DecodingThreads = 2,
    as_json: Json = False,
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
        "root": root,
        "devices": device,
    }
    if listed:
        print_plan("msam-ablation", asked, as_json)
    else:
        print_study("msam-ablation", {**asked, "pages": out, "workers": workers}, as_json)
