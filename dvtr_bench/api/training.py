"""Training from Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.models import Settings, model_settings, read_settings
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.reader import ROOT, BuiltDataset
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import model_entry
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
    """Train a model on a built dataset; validation chooses the checkpoint.

    Called again after a stop, it goes on from the last whole epoch; called again on a finished run
    it returns at once. Under `torchrun` several processes share every batch.

    Args:
        model: Which model; `dvtr_bench.models.listing.list_models` lists them.
        dataset: Its name or folder, or the dataset itself; with train and validation splits.
        backbone: ``ARCHITECTURE/WEIGHTS`` of open_clip, ``ARCHITECTURE/PATH``, ``tiny`` or
            ``tiny-scratch``; None for the model's own default.
        epochs: Passes over the training pairs; None as the recipe says.
        batch_size: Pairs a step; None as the recipe says.
        freeze: ``nothing``, ``frames`` (the image tower stays as it is) or ``backbone`` (the text
            tower too); None as the recipe says.
        seed: Of weights, order and dropout; None as the recipe says. Train several seeds one
            after the other: `evaluate_all` and `make_leaderboard` put them in one row.
        settings: Of the model, by name.
        recipe: Other settings of the recipe, by name, or a whole recipe.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        workers: Threads that decode frames.
        tensorboard: Whether to write event files into the run folder too.
        runs: Where training runs are kept.
        root: Where a dataset's name is looked for.
        show_progress: Whether to show progress bars.
        tell: Called with a line when the training begins and when it ends.

    Returns:
        The run: its checkpoint, its log, its curves.

    Raises:
        NotFoundError: No such model or dataset, or a split is missing.
        ConfigError: A setting that the model or the recipe does not have, or out of range.
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
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.runtime.processes import joined_processes

    key = require_trained(model)
    built = as_dataset(dataset, root)
    whole = make_recipe(
        key,
        recipe,
        backbone=backbone,
        settings=settings,
        epochs=epochs,
        batch_size=batch_size,
        freeze=freeze,
        seed=seed,
    )
    config = _config(key, backbone, settings)
    place = choose_device(device)
    with joined_processes() as processes:
        told = tell if tell is not None and processes.is_first else _silent
        how = _How(place, workers, tensorboard, processes, show_progress, told)
        return _train(key, config, built, whole, Path(runs), how)


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
        model: Which model; its backbone has a default recipe.
        recipe: Settings by name, which count more than the arguments below; or a whole recipe.
        backbone: As `train` takes it.
        settings: As `train` takes them.
        epochs: Passes over the training pairs.
        batch_size: Pairs a step.
        freeze: Which towers stay as they are.
        seed: Of weights, order and dropout.

    Returns:
        The recipe; what is None stays as the default has it.

    Raises:
        ConfigError: No such setting, or a value that does not fit.

    Example:
        >>> make_recipe("msam", {"epochs": 2}, backbone="tiny", seed=7).seed
        7
    """
    given = {"epochs": epochs, "batch_size": batch_size, "freeze": freeze, "seed": seed}
    if isinstance(recipe, Recipe):
        return replace_settings(recipe, given)
    config = model_entry(model).config(_config(model, backbone, settings))
    default = default_recipe(str(getattr(config, "backbone", "")))
    return replace(replace_settings(default, given), **read_settings(Recipe, recipe))


def require_trained(model: str) -> str:
    """Return a model's key; refuse a model that is not trained.

    Raises:
        NotFoundError: No such model.
        ConfigError: It is evaluated as it is.
    """
    entry = model_entry(model)
    if not entry.trainable:
        raise ConfigError(
            f"{entry.key} is not trained: evaluate it as it is, `dvtr-bench evaluate --model "
            f"{entry.key}` (what is trained has TRAINABLE = True in its file, {entry.entry.place})"
        )
    return entry.key


def _config(model: str, backbone: str | None, settings: Settings) -> dict[str, Any]:
    own = {} if backbone is None else {"backbone": backbone}
    return {**own, **model_settings(model, settings)}


@dataclass(frozen=True)
class _How:
    """Where and by whom a run is trained; nothing of it changes what comes out."""

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
    how: _How,
) -> TrainedRun:
    """Train one seed where it is not trained yet."""
    from dvtr_bench.runtime.checkpoint import new_model
    from dvtr_bench.training.run_choice import choose_run_folder, describe_setup
    from dvtr_bench.training.splits import training_splits
    from dvtr_bench.training.train import train as train_model

    splits = training_splits(built)
    model = new_model(name, config, seed=recipe.seed)
    # One process chooses for all: another's clock or disk may say something else.
    setup = describe_setup(model, splits[0], recipe)
    chosen = choose_run_folder(setup, runs) if how.processes.is_first else None
    folder, progress = how.processes.gathered(chosen)[0]
    doing = {"new": "training", "stopped": "going on with", "finished": "already trained"}
    how.tell(
        f"{doing[progress]} {name} on {built.name}: "
        f"{len(splits[0].captions):,} captions of {len(splits[0].video_ids):,} videos, "
        f"{recipe.epochs} epochs on {how.device}, seed {recipe.seed}, into {folder}"
    )
    train_model(
        model,
        *splits,
        recipe,
        folder,
        device=how.device,
        workers=how.workers,
        processes=how.processes,
        tensorboard=how.tensorboard,
        show_progress=how.show_progress,
    )
    run = TrainedRun.read(folder, built)
    how.tell(run.outcome)
    return run


def _silent(line: str) -> None:
    """Tell nobody."""
