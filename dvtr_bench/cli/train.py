"""Train a model on a built dataset."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._options import DecodingThreads, Device, NamedDataset, Runs, TrainedBackbone


def train(
    model: Annotated[str, typer.Option(help="Which model; see `dvtr-bench models`.")],
    dataset: NamedDataset,
    backbone: TrainedBackbone = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pairs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs a step.")] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            help="nothing, frames (the image tower stays as it is) or backbone (the text tower "
            "too): what stays is encoded once and kept beside the dataset.",
            show_default="as the recipe says",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and dropout.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model, name=value; repeat for more."),
    ] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="A setting of the recipe, name=value; repeat for more."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train this many seeds, counted from --seed; a run each.")
    ] = 1,
    device: Device = "auto",
    workers: DecodingThreads = 2,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files into the run folder too.")
    ] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Train a model; validation chooses the checkpoint. Run again after a stop, it goes on.

    Under `torchrun -m dvtr_bench train ...` several processes share every batch.
    """
    from dvtr_bench.api.training import make_recipe, require_trained
    from dvtr_bench.runtime.processes import joined_processes

    require_trained(model)
    built = dvtr.open_dataset(dataset)
    recipe = make_recipe(
        model,
        recipe_settings or (),
        backbone=backbone,
        settings=settings or (),
        epochs=epochs,
        batch_size=batch_size,
        freeze=freeze,
        seed=seed,
    )
    with joined_processes() as processes:
        trained = [
            dvtr.train(
                model,
                built,
                backbone=backbone,
                settings=settings or (),
                recipe=replace(recipe, seed=number),
                device=device,
                workers=workers,
                tensorboard=tensorboard,
                runs=runs,
                tell=typer.echo,
            )
            for number in range(recipe.seed, recipe.seed + seeds)
        ]
        if processes.is_first:
            more = " --all-seeds" if seeds > 1 else ""
            typer.echo(
                f"next: dvtr-bench evaluate --model {model} --dataset {dataset} "
                f"--checkpoint {trained[0].folder}{more}"
            )
