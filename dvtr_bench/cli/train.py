"""Train a model on a built dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dvtr_bench.cli._options import DecodingThreads, Device, NamedDataset, Runs, TrainedBackbone

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.recipe import Recipe


def train(
    model: Annotated[str, typer.Option(help="Which model; see `dvtr-bench models`.")],
    dataset: NamedDataset,
    backbone: TrainedBackbone = "ViT-B-32/openai",
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
    from dvtr_bench.catalog import MODELS
    from dvtr_bench.dataset.reader import open_dataset
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.runtime.processes import joined_processes
    from dvtr_bench.training.options import parse_settings
    from dvtr_bench.training.run_choice import default_recipe, replace_settings, with_settings

    module = MODELS.load(model)
    built = open_dataset(dataset)
    config = {"backbone": backbone, **parse_settings(module.Config, settings or [])}
    recipe = replace_settings(
        default_recipe(backbone),
        {"epochs": epochs, "batch_size": batch_size, "freeze": freeze, "seed": seed},
    )
    recipe = with_settings(recipe, recipe_settings or [])
    place = choose_device(device)
    with joined_processes() as processes:
        how: dict[str, Any] = {
            "device": place,
            "workers": workers,
            "processes": processes,
            "tensorboard": tensorboard,
        }
        trained = [
            _train_seed(model, config, built, replace_settings(recipe, {"seed": number}), runs, how)
            for number in range(recipe.seed, recipe.seed + seeds)
        ]
        if processes.is_first:
            more = " --all-seeds" if seeds > 1 else ""
            typer.echo(
                f"next: dvtr-bench evaluate --model {model} --dataset {dataset} "
                f"--checkpoint {trained[0].parent}{more}"
            )


def _train_seed(
    name: str,
    config: Mapping[str, Any],
    built: "BuiltDataset",
    recipe: "Recipe",
    runs: Path,
    how: Mapping[str, Any],
) -> Path:
    """Train one seed where it is not trained yet; return the best checkpoint."""
    from dvtr_bench.runtime.checkpoint import RUN_FILE, new_model, read_json
    from dvtr_bench.training.run_choice import choose_run_folder, describe_setup
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train as train_model

    processes: Processes = how["processes"]
    splits = training_splits(built)
    model = new_model(name, config, seed=recipe.seed)
    # One process chooses for all: another's clock or disk may say something else.
    setup = describe_setup(model, splits[0], recipe)
    chosen = choose_run_folder(setup, runs) if processes.is_first else None
    folder, progress = processes.gathered(chosen)[0]
    if processes.is_first:
        doing = {"new": "training", "stopped": "going on with", "finished": "already trained"}
        typer.echo(
            f"{doing[progress]} {name} on {built.name}: "
            f"{len(splits[0].captions):,} captions of {len(splits[0].video_ids):,} videos, "
            f"{recipe.epochs} epochs on {how['device']}, seed {recipe.seed}, into {folder}"
        )
    best: Path = train_model(model, *splits, recipe, folder, **how)
    if processes.is_first:
        state = read_json(folder / RUN_FILE)
        early = state["epochs_done"] < recipe.epochs
        stopped = f"; stopped early, after epoch {state['epochs_done']}" if early else ""
        typer.echo(
            f"best checkpoint on validation: {best} (T2V R@1 {state['best_recall']:.1f}{stopped})"
        )
    return best
