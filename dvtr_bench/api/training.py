"""Training from Python."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.models import Settings, model_settings, read_settings
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.runtime.terminal import count_of
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run_choice import default_recipe, replace_settings

if TYPE_CHECKING:
    from dvtr_bench.runtime.processes import Processes


def train(
    model: str,
    dataset: DatasetLike,
    *,
    backbone: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    freeze: str | None = None,
    seed: int | None = None,
    settings: Settings = (),
    recipe: Settings | Recipe = (),
    device: str = "auto",
    workers: int = 2,
    tensorboard: bool = False,
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> TrainedRun:
    """Train a model on a built dataset; the checkpoint is chosen on validation.

    Called again after an interruption, it continues from the last complete epoch; for a finished
    run it returns at once. Under `torchrun` several processes share every batch.

    Args:
        model: The model's name; `dvtr_bench.models.listing.list_models` lists all.
        dataset: Its name or folder, or the dataset itself; with train and validation splits.
        backbone: ``ARCHITECTURE/WEIGHTS`` of open_clip, ``ARCHITECTURE/PATH``, ``tiny`` or
            ``tiny-scratch``; None for the model's default.
        epochs: Passes over the training pairs; None for the recipe's value.
        batch_size: Pairs per step; None for the recipe's value.
        freeze: ``nothing``, ``frames`` (the image tower) or ``backbone`` (the text tower too); None
            for the recipe's value.
        seed: Seed of weights, order and dropout; None for the recipe's value. Train several seeds
            one after the other: `evaluate_all` and `make_leaderboard` put them in one row.
        settings: Settings of the model, by name.
        recipe: Other settings of the recipe, by name, or a whole recipe.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        workers: Threads that decode frames.
        tensorboard: Whether to write event files into the run folder too.
        runs: Folder of training runs.
        root: Folder in which a dataset's name is looked up.
        show_progress: Whether to show progress bars.
        tell: Called with a line when the training begins and when it ends.

    Returns:
        The run: checkpoint, log and curves.

    Raises:
        NotFoundError: No such model or dataset, or a split is missing.
        ConfigError: A setting is unknown or out of range.
        NotANumberError: The loss is no longer a number.

    Example:
        >>> import dvtr_bench as dvtr
        >>> run = dvtr.train("clip4clip_meanp", "toy", backbone="tiny", epochs=1, device="cpu",
        ...                  freeze="backbone", show_progress=False)
        >>> run.model, run.seed, run.epochs_done
        ('clip4clip_meanp', 42, 1)
        >>> run.checkpoint.name
        'epoch-001'
    """
    from dvtr_bench.runtime.processes import choose_device, joined_processes

    key = require_trained(model)
    built = as_dataset(dataset, root)
    full_recipe = make_recipe(
        key,
        recipe,
        backbone=backbone,
        settings=settings,
        epochs=epochs,
        batch_size=batch_size,
        freeze=freeze,
        seed=seed,
    )
    config = model_entry(key).settings_for(_config(key, backbone, settings), built.manifest)
    device_name = choose_device(device)
    with joined_processes() as processes:
        tell_first = tell if tell is not None and processes.is_first else _silent
        options = _TrainOptions(
            device_name, workers, tensorboard, processes, show_progress, tell_first
        )
        return _train(key, config, built, full_recipe, Path(runs), options)


def make_recipe(
    model: str,
    recipe: Settings | Recipe = (),
    *,
    backbone: str | None = None,
    settings: Settings = (),
    epochs: int | None = None,
    batch_size: int | None = None,
    freeze: str | None = None,
    seed: int | None = None,
) -> Recipe:
    """Return the recipe that `train` follows with the same arguments.

    Args:
        model: The model's name; its backbone has a default recipe.
        recipe: Settings by name, which take precedence over the arguments below; or a whole recipe.
        backbone: As for `train`.
        settings: As for `train`.
        epochs: Passes over the training pairs.
        batch_size: Pairs per step.
        freeze: The frozen towers.
        seed: Seed of weights, order and dropout.

    Returns:
        The recipe; None leaves a default unchanged.

    Raises:
        ConfigError: No such setting, or a value that does not fit.

    Example:
        >>> make_recipe("msam", {"epochs": 2}, backbone="tiny", seed=7).seed
        7
    """
    changes = {"epochs": epochs, "batch_size": batch_size, "freeze": freeze, "seed": seed}
    if isinstance(recipe, Recipe):
        return replace_settings(recipe, changes)
    config = model_entry(model).config(_config(model, backbone, settings))
    default = default_recipe(str(getattr(config, "backbone", "")))
    return replace(replace_settings(default, changes), **read_settings(Recipe, recipe))


def require_trained(model: str) -> str:
    """Return a model's key; raise if it cannot be trained.

    Raises:
        NotFoundError: No such model.
        ConfigError: It is evaluated without training.
    """
    entry = model_entry(model)
    if not entry.trainable:
        raise ConfigError(
            f"{entry.key} is not trained: evaluate it as it is, `dvtr-bench evaluate --model "
            f"{entry.key}` (what is trained has TRAINABLE = True in its file, {entry.entry.place})"
        )
    return entry.key


def _config(model: str, backbone: str | None, settings: Settings) -> dict[str, Any]:
    backbone_setting = {} if backbone is None else {"backbone": backbone}
    return {**backbone_setting, **model_settings(model, settings)}


@dataclass(frozen=True)
class _TrainOptions:
    """Options of a training that do not change its result."""

    device: str
    workers: int
    tensorboard: bool
    processes: "Processes"
    show_progress: bool
    tell: Callable[[str], None]


def _train(
    name: str,
    config: Mapping[str, Any],
    built: BuiltDataset,
    recipe: Recipe,
    runs: Path,
    options: _TrainOptions,
) -> TrainedRun:
    """Train one seed, if it is not trained yet."""
    from dvtr_bench.evaluation.facts import captions_cut, seen_statement
    from dvtr_bench.runtime.checkpoint import new_model
    from dvtr_bench.training.run_choice import claimed_run_folder, describe_setup
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train as train_model

    splits = training_splits(built)
    model = new_model(name, config, seed=recipe.seed)
    # One process chooses for all: clocks and disks of others may differ.
    setup = describe_setup(model, splits[0], recipe)
    claimed = claimed_run_folder(setup, runs) if options.processes.is_first else nullcontext()
    with claimed as chosen:
        folder, progress = options.processes.gathered(chosen)[0]
        verbs = {"new": "training", "stopped": "resuming", "finished": "already trained"}
        options.tell(
            f"{verbs[progress]} {name} on {built.name}: "
            f"{count_of(len(splits[0].captions), 'caption')} of "
            f"{count_of(len(splits[0].video_ids), 'video')}, "
            f"{count_of(recipe.epochs, 'epoch')} on {options.device}, seed {recipe.seed}, "
            f"into {folder}"
        )
        if progress != "finished" and (cut := captions_cut(model, splits[0])) is not None:
            options.tell(f"note: training captions: {cut} --max-words sets how many are read")
        if options.tell is not _silent and progress != "finished":
            statement = seen_statement(model, splits[0])
            if statement is not None:
                options.tell(statement)
        train_model(
            model,
            *splits,
            recipe,
            folder,
            device=options.device,
            workers=options.workers,
            processes=options.processes,
            tensorboard=options.tensorboard,
            show_progress=options.show_progress,
        )
    run = TrainedRun.read(folder, built)
    options.tell(run.outcome)
    return run


def _silent(line: str) -> None:
    """Ignore a line."""
