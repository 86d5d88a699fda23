"""Choose the recipe of a training, find an existing run of the same setup, list the runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dvtr_bench.errors import WeightsError
from dvtr_bench.runtime.checkpoint import RUN_FILE, checkpoint_folder, read_json, runs_folder
from dvtr_bench.runtime.files import made_folder
from dvtr_bench.settings import parse_settings
from dvtr_bench.training.recipe import TINY, TINY_SCRATCH, Recipe
from dvtr_bench.training.run import STARTED_FILE, comparable

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.trainable import Trainable


RunProgress = Literal["new", "stopped", "finished"]


def default_recipe(backbone: str) -> Recipe:
    """Return the recipe for a backbone.

    Args:
        backbone: As given to a model's configuration.

    Returns:
        The published recipe for pretrained CLIP. ``tiny-scratch`` starts from random weights and
        would not change at the published learning rate of 1e-7, so it has its own recipe, and so do
        ``tiny`` and ``tiny/PATH``, which are pretrained.
    """
    if backbone == "tiny-scratch":
        return TINY_SCRATCH
    return TINY if backbone.partition("/")[0] in ("tiny", "tiny-scratch") else Recipe()


def replace_settings(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """Return a recipe with changed settings; None leaves a setting unchanged."""
    changes = {name: value for name, value in settings.items() if value is not None}
    return replace(recipe, **changes)


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return a recipe with settings from the command line.

    Args:
        recipe: To change.
        settings: Such as ``["epochs=2", "frozen_layers=none"]``; ``none`` is a value.

    Returns:
        The changed recipe.

    Raises:
        ConfigError: No such setting, or a value that does not fit it.
    """
    return replace(recipe, **parse_settings(Recipe, settings))


def describe_setup(
    model: "Trainable", split_train: "RetrievalSplit", recipe: Recipe
) -> dict[str, Any]:
    """Return the setup of a training run: model, dataset and recipe, as JSON values."""
    return {
        "model": dict(model.describe()),
        "dataset": {
            "name": split_train.dataset_name,
            "version": split_train.dataset_version,
            "fingerprint": split_train.fingerprint,
            "sampling": split_train.sampling,
        },
        "recipe": recipe.as_mapping(),
    }


def choose_run_folder(
    setup: Mapping[str, Any], runs: Path = Path("runs")
) -> tuple[Path, RunProgress]:
    """Find the newest run with the same setup, or choose a new folder.

    Args:
        setup: As returned by `describe_setup`.
        runs: Folder of training runs.

    Returns:
        The folder, and the progress of the run in it.
    """
    wanted = comparable(setup)
    model, dataset = setup["model"]["model"], setup["dataset"]["name"]
    fresh = new_run_folder(model, dataset, setup["recipe"]["seed"], runs)
    begun = [*fresh.parent.glob(f"*/{RUN_FILE}"), *fresh.parent.glob(f"*/{STARTED_FILE}")]
    for path in sorted(begun, reverse=True):
        if path.name == STARTED_FILE and path.with_name(RUN_FILE).is_file():
            continue
        state = read_json(path)
        if comparable(state.get("setup", {})) == wanted:
            return path.parent, "finished" if state.get("finished") else "stopped"
    return fresh, "new"


def new_run_folder(model: str, dataset: str, seed: int, runs: Path = Path("runs")) -> Path:
    """Return the path of a new run folder, named after the time (UTC) and the seed.

    Where another run began in the same second, it is the next second that is free.
    """
    moment = datetime.now(UTC)
    while True:
        name = f"{moment.strftime('%Y%m%dT%H%M%SZ')}-seed{seed}"
        folder = runs_folder(model, dataset, runs) / name
        if not folder.exists():
            return folder
        moment += timedelta(seconds=1)


@contextmanager
def claimed_run_folder(
    setup: Mapping[str, Any], runs: Path = Path("runs")
) -> Iterator[tuple[Path, RunProgress]]:
    """Choose a run folder, and make a new one, so that no other process chooses it.

    Args:
        setup: As returned by `describe_setup`.
        runs: Folder of training runs.

    Yields:
        As `choose_run_folder` returns. If the block fails, new folders that are empty are removed.

    Raises:
        WriteError: The folder cannot be made.
    """
    with ExitStack() as stack:
        while True:
            folder, progress = choose_run_folder(setup, runs)
            if progress != "new":
                break
            with suppress(FileExistsError):
                stack.enter_context(made_folder(folder, exist_ok=False))
                break
        yield folder, progress


@dataclass(frozen=True)
class OtherSeeds:
    """Other runs that differ from a run only in their seed.

    Attributes:
        checkpoints: The best checkpoint of each finished run, by seed; of several runs with one
            seed, the newest.
        unfinished: Run folders of seeds without a finished run, by seed.
    """

    checkpoints: Mapping[int, Path]
    unfinished: Mapping[int, Path]


def find_other_seeds(checkpoint: Path) -> OtherSeeds:
    """Find the other seeds of the setup that a checkpoint was trained with.

    Args:
        checkpoint: A checkpoint folder in its run folder, next to the other runs.

    Returns:
        The other seeds; none for a checkpoint outside of a run folder.

    Raises:
        WeightsError: A run.json is damaged.
    """
    run_folder = checkpoint.resolve().parent
    if not (run_folder / RUN_FILE).is_file():
        return OtherSeeds({}, {})
    setup, seed = _without_seed(read_json(run_folder / RUN_FILE))
    finished: dict[int, tuple[str, Path]] = {}
    unfinished: dict[int, Path] = {}
    for path in sorted(run_folder.parent.glob(f"*/{RUN_FILE}")):
        state = read_json(path)
        other, other_seed = _without_seed(state)
        if other != setup or other_seed in (seed, None):
            continue
        updated = str(state.get("updated_at", ""))
        if not state.get("finished"):
            unfinished[other_seed] = path.parent
        elif other_seed not in finished or updated >= finished[other_seed][0]:
            finished[other_seed] = (updated, path.parent)
    return OtherSeeds(
        {other: checkpoint_folder(finished[other][1]) for other in sorted(finished)},
        {other: unfinished[other] for other in sorted(set(unfinished) - set(finished))},
    )


def _without_seed(state: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    setup = comparable({"recipe": {}, **state.get("setup", {})})
    seed = dict(state.get("setup", {}).get("recipe", {})).get("seed")
    return {**setup, "recipe": {**setup["recipe"], "seed": None}}, seed


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
