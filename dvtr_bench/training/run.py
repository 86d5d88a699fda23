"""A training run on disk: checkpoints, log and the state needed to resume.

All files are written atomically. ``run.json`` is written last, and only what it names counts, so a
run that was killed at any moment resumes from its last complete epoch. Until there is one,
``started.json`` says whose the folder is, so that the same training finds it.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from filelock import FileLock, Timeout

from dvtr_bench.errors import BusyError, ConfigError, WeightsError
from dvtr_bench.models.entry import without_earlier
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.reading.safetensors_file import read_tensors
from dvtr_bench.runtime.checkpoint import (
    FORMAT_VERSION,
    RUN_FILE,
    read_json,
    save_checkpoint,
    write_json,
)
from dvtr_bench.runtime.files import made_folder, written_beside, written_together
from dvtr_bench.runtime.writing import writing
from dvtr_bench.training.recipe import Recipe, whole_recipe

if TYPE_CHECKING:
    import torch

    from dvtr_bench.models.trainable import Trainable

OPTIMISER_FILE: Final = "optimiser.safetensors"
LOG_FILE: Final = "log.jsonl"
STARTED_FILE: Final = "started.json"
"""The setup of a run without a complete epoch."""


@dataclass(frozen=True)
class RunState:
    """The progress of a run.

    Attributes:
        setup: Model, dataset and recipe, as JSON values. A run is resumed only with the same setup.
        epochs_done: Complete epochs.
        best: Folder name of the best checkpoint; None before the first epoch.
        best_recall: Its T2V R@1 on validation, percent.
        best_mean: The mean over the recipe's window by which it is the best; None in files from
            before there was a window, where it is ``best_recall``.
        recent: T2V R@1 of the last validations, as many as the next window still needs.
        last_gain: The last epoch that was better than all before it, from 1.
        last: Folder name of the last checkpoint.
        loss_scale: Loss scale of fp16; None otherwise.
        finished: Whether all epochs are done or training stopped early.
    """

    setup: Mapping[str, Any] = field(default_factory=dict)
    epochs_done: int = 0
    best: str | None = None
    best_recall: float = -1.0
    best_mean: float | None = None
    recent: Sequence[float] = ()
    last_gain: int = 0
    last: str | None = None
    loss_scale: float | None = None
    finished: bool = False


def open_run(folder: Path, setup: Mapping[str, Any]) -> RunState:
    """Begin a run, or read the state of the run in a folder.

    Args:
        folder: The run's folder.
        setup: Model, dataset and recipe.

    Returns:
        Its state.

    Raises:
        ConfigError: The folder has a run with another setup; the message names the differences.
        WeightsError: Its run.json is damaged.
    """
    path = folder / RUN_FILE
    setup = comparable(setup)
    if not path.is_file():
        started = {"format_version": FORMAT_VERSION, "setup": setup}
        with written_beside(folder / STARTED_FILE) as beside:
            beside.write_text(readable_json(started, indent=2) + "\n", encoding="utf-8")
        return RunState(setup)
    content = read_json(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise WeightsError(
            f"{path} has format {content.get('format_version')}, expected {FORMAT_VERSION}: "
            "train into another folder"
        )
    stored_setup = comparable(content["setup"])
    different = [
        key for key in sorted({*setup, *stored_setup}) if setup.get(key) != stored_setup.get(key)
    ]
    if different:
        details = "; ".join(
            f"{key}: {stored_setup.get(key)} there, {setup.get(key)} now" for key in different
        )
        raise ConfigError(
            f"{folder} holds a run with another setup ({details}): use another folder, or the "
            "settings it was started with"
        )
    stored_state = {
        name: content[name] for name in RunState.__dataclass_fields__ if name in content
    }
    return RunState(**{**stored_state, "setup": setup})


@contextmanager
def locked_run(folder: Path) -> Iterator[None]:
    """Keep other processes from training into a run folder; the lock ends with its process.

    Args:
        folder: The run's folder.

    Raises:
        BusyError: Another process trains into it.
    """
    path = folder.with_name(f".{folder.name}.lock")
    lock = FileLock(path)
    with made_folder(folder.parent), ExitStack() as stack:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                f"another process trains into {folder}: wait for it, or train with another --seed "
                "or into another --out"
            ) from None
        except (OSError, NotImplementedError):  # no locks on this disk
            pass
        else:
            stack.callback(lock.release)
            stack.callback(path.unlink, missing_ok=True)
        yield


def comparable(setup: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setup in a form that can be compared.

    Args:
        setup: A setup, possibly of an earlier version.

    Returns:
        JSON values (tuples become lists), with the recipe completed by `whole_recipe` and without
        the settings of the model that are as they were before they existed.
    """
    read: dict[str, Any] = json.loads(json.dumps(setup))
    model = read.get("model")
    if isinstance(model, dict) and isinstance(model.get("config"), dict):
        model["config"] = without_earlier(model["config"])
    if isinstance(read.get("recipe"), dict):
        read["recipe"] = whole_recipe(read["recipe"])
    return read


@dataclass
class BestWithin:
    """The best weights that a validation within an epoch found, in memory until it ends.

    Nothing of an epoch is on disk before it is over, so that a run that is killed within it and
    resumed ends as one that was not.

    Attributes:
        window: Over how many validations in a row the mean is taken.
        recent: T2V R@1 of the last validations, at most ``window``.
        mean: The best mean; below 0 before any validation.
        recall: T2V R@1 on validation, percent, of the weights.
        step: Steps of the run that were done.
        weights: The model's tensors, on the CPU.

    Source: X-Pool ``Trainer._valid_epoch_step``: of the first validations, the mean is of those
        that there are. differs: X-Pool keeps the first of equal means, this the last.
    """

    window: int = 1
    recent: list[float] = field(default_factory=list)
    mean: float = -1.0
    recall: float = -1.0
    step: int = 0
    weights: "Mapping[str, torch.Tensor]" = field(default_factory=dict)

    def see(self, model: "Trainable", recall: float, step: int) -> None:
        """Keep the weights if they are at least as good as those before."""
        mean = self.mean_with(recall)
        if mean >= self.mean:
            self.mean, self.recall, self.step = mean, recall, step
            self.weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }

    def mean_with(self, recall: float) -> float:
        """Take in a validation, and return the mean of the window that ends with it."""
        self.recent = [*self.recent, recall][-self.window :]
        return sum(self.recent) / len(self.recent)


@dataclass(frozen=True)
class _AsItWas:
    """A model with the tensors of another time, for its checkpoint."""

    model: "Trainable"
    weights: "Mapping[str, torch.Tensor]"

    def describe(self) -> Mapping[str, Any]:
        return self.model.describe()

    def state_dict(self) -> "Mapping[str, torch.Tensor]":
        return self.weights


def save_epoch(
    folder: Path,
    state: RunState,
    model: "Trainable",
    optimiser_tensors: "Mapping[str, torch.Tensor]",
    recall: float,
    *,
    loss_scale: float | None,
    recipe: Recipe,
    within: BestWithin | None = None,
) -> RunState:
    """Write the checkpoint of an epoch, and delete those that are neither best nor last.

    A later validation with the same mean counts as better, as in the authors' code, but not as a
    gain for early stopping. Weights from within the epoch get a checkpoint of their own if they are
    the best.

    Returns:
        The new state.
    """
    epoch = state.epochs_done + 1
    name = f"epoch-{epoch:03d}"
    training = {**state.setup, "epoch": epoch, "validation_t2v_r1": recall}
    tensors = {key: value.cpu().contiguous() for key, value in optimiser_tensors.items()}
    within = within or BestWithin(recipe.validation_window, list(state.recent))
    mean = within.mean_with(recall)
    if within.mean <= mean:
        within = replace(within, mean=mean, recall=recall, weights={})
    earlier = f"{name}-step-{within.step:06d}" if within.weights else None
    best_before = state.best_recall if state.best_mean is None else state.best_mean
    better = within.mean >= best_before
    last_gain = epoch if within.mean > best_before else state.last_gain
    out_of_patience = recipe.patience is not None and epoch - last_gain >= recipe.patience
    state = replace(
        state,
        epochs_done=epoch,
        best=(earlier or name) if better else state.best,
        best_recall=within.recall if better else state.best_recall,
        best_mean=within.mean if better else best_before,
        recent=within.recent[max(0, len(within.recent) - within.window + 1) :],
        last_gain=last_gain,
        last=name,
        loss_scale=loss_scale,
        finished=epoch == recipe.epochs or out_of_patience,
    )
    content = {
        "format_version": FORMAT_VERSION,
        **{key: getattr(state, key) for key in RunState.__dataclass_fields__},
        "updated_at": datetime.now(UTC).isoformat(),
    }
    with written_together():
        save_checkpoint(folder / name, model, training, {OPTIMISER_FILE: tensors})
        if better and earlier is not None:
            facts = {**training, "step": within.step, "validation_t2v_r1": within.recall}
            as_it_was = cast("Trainable", _AsItWas(model, within.weights))
            save_checkpoint(folder / earlier, as_it_was, facts)
        write_json(folder / RUN_FILE, content)
    (folder / STARTED_FILE).unlink(missing_ok=True)
    _drop_old_checkpoints(folder, state)
    return state


def load_optimiser_tensors(folder: Path) -> "dict[str, torch.Tensor]":
    """Read the optimiser's state of a checkpoint.

    Raises:
        WeightsError: It is damaged or missing.
    """
    return read_tensors(
        folder / OPTIMISER_FILE,
        "without it training cannot be resumed, so train into another folder",
    )


def optimiser_tensors(
    optimiser: "torch.optim.Optimizer", names: "Mapping[torch.nn.Parameter, str]"
) -> "dict[str, torch.Tensor]":
    """Return the optimiser's state by parameter name and kind."""
    return {
        f"{name}|{kind}": tensor
        for parameter, name in names.items()
        for kind, tensor in optimiser.state[parameter].items()
    }


def restore_optimiser(
    optimiser: "torch.optim.Optimizer",
    names: "Mapping[torch.nn.Parameter, str]",
    tensors: "Mapping[str, torch.Tensor]",
) -> None:
    """Restore the state returned by `optimiser_tensors`.

    Raises:
        WeightsError: It is that of other parameters.
    """
    parameters = {name: parameter for parameter, name in names.items()}
    for key, saved in tensors.items():
        name, _, kind = key.rpartition("|")
        if name not in parameters or (saved.ndim and saved.shape != parameters[name].shape):
            raise WeightsError(
                f"{OPTIMISER_FILE} of the last checkpoint is not that of this model "
                f"({key[:80]!r}): train into another folder"
            )
        # A step count is a scalar that stays on the CPU.
        device = parameters[name].device if saved.ndim else "cpu"
        optimiser.state[parameters[name]][kind] = saved.to(device)


class TrainingLog:
    """``log.jsonl``: one line per step and one per epoch, without lines of unfinished epochs.

    Args:
        folder: The run's folder.
        epochs_done: Complete epochs; later lines come from an interrupted run and are removed.
    """

    def __init__(self, folder: Path, epochs_done: int) -> None:
        """Open the log of a run."""
        self._path = folder / LOG_FILE
        kept_lines = []
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["epoch"] <= epochs_done:
                        kept_lines.append(line + "\n")
                except (ValueError, KeyError):
                    # An incomplete line of a killed run.
                    continue
        with written_beside(self._path) as beside:
            beside.write_text("".join(kept_lines), encoding="utf-8")

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one line; ``record`` has an ``epoch``, counted from 1."""
        with writing(self._path), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")


def _drop_old_checkpoints(folder: Path, state: RunState) -> None:
    for path in folder.glob("epoch-*"):
        if path.name not in (state.best, state.last):
            shutil.rmtree(path)
    for path in folder.glob(".epoch-*.tmp"):
        shutil.rmtree(path)
