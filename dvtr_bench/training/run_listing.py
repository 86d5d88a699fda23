"""List the training runs of a folder, finished or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvtr_bench.errors import WeightsError
from dvtr_bench.runtime.checkpoint import RUN_FILE, read_json


@dataclass(frozen=True)
class ListedRun:
    """One run, from its run.json.

    Attributes:
        model: The model's key.
        dataset: Name of the training dataset.
        seed: Seed of weights, order and dropout.
        epochs: Number of epochs of its recipe.
        epochs_done: Number of complete epochs.
        finished: Whether it is finished; if not, the same `dvtr-bench train` resumes it.
        validation_t2v_r1: T2V R@1 of its best checkpoint, percent; None before the first epoch.
        updated_at: Time of the last change, UTC.
        folder: The run folder.
    """

    model: str
    dataset: str
    seed: int
    epochs: int
    epochs_done: int
    finished: bool
    validation_t2v_r1: float | None
    updated_at: str
    folder: Path


def list_runs(runs: Path = Path("runs")) -> list[ListedRun]:
    """Return the runs of a folder, the newest first.

    Args:
        runs: Folder of training runs.

    Returns:
        The runs; empty if the folder does not exist.

    Raises:
        WeightsError: A run.json is damaged.

    Example:
        >>> list_runs(Path("no-such-folder"))
        []
    """
    return sorted(_read_all(runs), key=lambda run: run.updated_at, reverse=True)


def _read_all(runs: Path) -> Iterator[ListedRun]:
    for path in sorted(runs.glob(f"*/*/*/{RUN_FILE}")):
        state = read_json(path)
        try:
            yield _read(state, path.parent)
        except (KeyError, TypeError) as failure:
            raise WeightsError(f"{path} is not the state of a training run: {failure}") from None


def _read(state: dict[str, Any], folder: Path) -> ListedRun:
    setup = state["setup"]
    done = int(state["epochs_done"])
    return ListedRun(
        model=str(setup["model"]["model"]),
        dataset=str(setup["dataset"]["name"]),
        seed=int(setup["recipe"]["seed"]),
        epochs=int(setup["recipe"]["epochs"]),
        epochs_done=done,
        finished=bool(state.get("finished")),
        validation_t2v_r1=float(state["best_recall"]) if done else None,
        updated_at=str(state.get("updated_at", "")),
        folder=folder,
    )
