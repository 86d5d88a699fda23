"""The training runs of a folder, finished or not: what `dvtr-bench runs` lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvtr_bench.errors import WeightsError
from dvtr_bench.runtime.checkpoint import RUN_FILE, read_json


@dataclass(frozen=True)
class ListedRun:
    """One run, as its run.json states it.

    Attributes:
        model: The model's key.
        dataset: Name of what it was trained on.
        seed: Of weights, order and dropout.
        epochs: How many its recipe allows.
        epochs_done: Whole epochs.
        finished: Whether it came to its end; the same `dvtr-bench train` goes on with another one.
        validation_t2v_r1: T2V R@1 of its best checkpoint, percent; None before the first epoch.
        updated_at: When it was last written, UTC.
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
        runs: Where training runs are kept.

    Returns:
        The runs; none where there is no such folder.

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
            raise WeightsError(f"{path} is no record of a training run: {failure}") from None


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
