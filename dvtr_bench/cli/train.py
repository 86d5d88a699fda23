"""Train a model on a built dataset."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import (
    MODEL,
    OUTPUT,
    Command,
    DecodingThreads,
    Device,
    MaxWords,
    ModelSettings,
    NamedDataset,
    Root,
    TrainedBackbone,
    out_folder,
    with_max_words,
)
from dvtr_bench.cli._recipe_options import (
    RECIPE,
    BatchSize,
    Epochs,
    Freeze,
    RecipeSettings,
    TrainingSeed,
)
from dvtr_bench.runtime.terminal import is_quiet, say, write_line


class TrainCommand(Command):
    """Takes --runs for --out."""

    old_spellings = {"--runs": "--out"}


COMMAND_CLASS = TrainCommand


def train(
    model: Annotated[
        str, typer.Option(help="Which model; see `dvtr-bench models`.", rich_help_panel=MODEL)
    ],
    dataset: NamedDataset,
    root: Root = Path("dvtr"),
    backbone: TrainedBackbone = None,
    settings: ModelSettings = None,
    max_words: MaxWords = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    freeze: Freeze = None,
    seed: TrainingSeed = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            help="Train this many seeds, counted from --seed; a run each.",
            rich_help_panel=RECIPE,
        ),
    ] = 1,
    recipe_settings: RecipeSettings = None,
    device: Device = "auto",
    workers: DecodingThreads = 2,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write event files into the run folder too.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    out: Annotated[
        Path, out_folder("Folder of training runs: `evaluate --runs` and others read it.")
    ] = Path("runs"),
) -> None:
    """Train a model; validation chooses the checkpoint. Run again after a stop, it goes on.

    Under `torchrun -m dvtr_bench train ...` several processes share every batch.
    """
    from dvtr_bench.api.training import make_recipe, require_trained
    from dvtr_bench.dataset.reader import ROOT
    from dvtr_bench.runtime.processes import joined_processes

    require_trained(model)
    settings = with_max_words(settings, max_words)
    built = dvtr.open_dataset(dataset, root)
    recipe = make_recipe(
        model,
        recipe_settings or (),
        backbone=backbone,
        settings=settings,
        epochs=epochs,
        batch_size=batch_size,
        freeze=freeze,
        seed=seed,
    )
    with joined_processes() as processes:
        trained = []
        for number in range(recipe.seed, recipe.seed + seeds):
            run = dvtr.train(
                model,
                built,
                backbone=backbone,
                settings=settings,
                recipe=replace(recipe, seed=number),
                device=device,
                workers=workers,
                tensorboard=tensorboard,
                runs=out,
                tell=None if is_quiet() else write_line,
            )
            trained.append(run)
            if is_quiet() and processes.is_first:
                write_line(run.outcome)
        if processes.is_first:
            more = " --all-seeds" if seeds > 1 else ""
            place = "" if root == ROOT else f" --root {root}"
            say(
                f"next: dvtr-bench evaluate --model {model} --dataset {dataset}{place} "
                f"--checkpoint {trained[0].folder}{more}"
            )
