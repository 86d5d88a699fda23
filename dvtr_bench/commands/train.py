"""Train a model on a built dataset."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    model: Annotated[str, typer.Option(help="Which model; see `dvtr-bench models`.")],
    dataset: Annotated[str, typer.Option(help="Name of a built dataset, or its folder.")],
    backbone: Annotated[
        str, typer.Option(help="ARCHITECTURE/WEIGHTS of open_clip, ARCHITECTURE/PATH, or tiny.")
    ] = "ViT-B-32/openai",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pairs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs a step.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and dropout.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model, name=value; repeat for more."),
    ] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="A setting of the recipe, name=value; repeat for more."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    workers: Annotated[int, typer.Option(help="Threads that decode frames.")] = 2,
    runs: Annotated[Path, typer.Option(help="Folder that training runs go to.")] = Path("runs"),
) -> None:
    """Train a model; validation chooses the checkpoint. Run again after a stop, it goes on."""
    from dvtr_bench.catalog import MODELS
    from dvtr_bench.dataset.reader import open_dataset
    from dvtr_bench.runtime.checkpoint import new_model
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.training.options import parse_settings
    from dvtr_bench.training.run_choice import (
        choose_run_folder,
        default_recipe,
        describe_setup,
        replace_settings,
    )
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train as train_model

    module = MODELS.load(model)
    built = open_dataset(dataset)
    split_train, split_validation = training_splits(built)
    config = {"backbone": backbone, **parse_settings(module.Config, settings or [])}
    recipe = replace_settings(
        default_recipe(backbone), {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    )
    recipe = replace_settings(recipe, parse_settings(type(recipe), recipe_settings or []))
    place = choose_device(device)
    trained = new_model(model, config, seed=recipe.seed)
    setup = describe_setup(trained, split_train, recipe)
    folder, resumed = choose_run_folder(setup, runs)
    typer.echo(
        f"{'going on with' if resumed else 'training'} {trained.name} on {built.name}: "
        f"{len(split_train.captions):,} captions of {len(split_train.video_ids):,} videos, "
        f"{recipe.epochs} epochs on {place}, into {folder}"
    )
    best = train_model(
        trained, split_train, split_validation, recipe, folder, device=place, workers=workers
    )
    typer.echo(
        f"best checkpoint on validation: {best}\n"
        f"next: dvtr-bench evaluate --model {trained.name} --dataset {dataset}"
    )
