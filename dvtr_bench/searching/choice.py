"""Choose the dataset to search and the model, with defaults if the user names none."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT, BuiltDataset, find_datasets, open_dataset
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.evaluation.run import Weights, plan_evaluation
from dvtr_bench.models.listing import list_models
from dvtr_bench.runtime.checkpoint import (
    RUN_FILE,
    checkpoint_folder,
    find_checkpoint,
    read_checkpoint_config,
    read_json,
)

if TYPE_CHECKING:
    from dvtr_bench.dataset.manifest import FrameRecord
    from dvtr_bench.dataset.parquet_split import DatasetSplit


@dataclass(frozen=True)
class Chosen:
    """The chosen gallery and model.

    Attributes:
        split: The gallery.
        frames: How its frames were made.
        weights: The model.
    """

    split: "DatasetSplit"
    frames: "FrameRecord"
    weights: Weights

    @property
    def where(self) -> str:
        """The dataset and its split, for titles."""
        return f"{self.split.dataset_name} {self.split.name}"


def choose(
    dataset: str | None,
    split: str,
    model: str | Weights | None,
    *,
    checkpoint: Path | None,
    backbone: str | None = None,
    runs: Path,
    root: Path = ROOT,
) -> Chosen:
    """Choose the gallery and the model of a search.

    Args:
        dataset: A dataset's name or folder; None takes the only one built under ``root``.
        split: The split to search.
        model: The model's key, or weights found before; None takes the model of the checkpoint,
            else the one trained last.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        backbone: The backbone of an untrained model; None for the model's default.
        runs: Where training runs are kept.
        root: Folder of the built datasets.

    Returns:
        The split, how its frames were made, and the weights.

    Raises:
        NotFoundError: No dataset, checkpoint, split or frames; the message says what to do.
        InputError: There are several datasets to choose from.
        ProtocolError: The checkpoint found was trained on another build of the dataset.
    """
    built = choose_dataset(dataset, root)
    gallery = built.split(split)
    if built.manifest.frames is None:
        raise NotFoundError(
            f"{built.folder} was built with --annotations-only and has no frames to search: build "
            "it again with its clips"
        )
    if isinstance(model, Weights):
        return Chosen(gallery, built.manifest.frames, model)
    if model is None:
        model = choose_model(built.name, checkpoint, runs)
    plan = plan_evaluation(
        model,
        str(built.folder),
        split,
        checkpoint=checkpoint,
        backbone=backbone,
        runs=runs,
        allow_seen=checkpoint is not None,
    )
    return Chosen(gallery, built.manifest.frames, plan.runs[0][1])


def choose_dataset(name: str | None, root: Path = ROOT) -> BuiltDataset:
    """Open a dataset.

    Args:
        name: Its name or folder; None takes the only one built under ``root``.
        root: Folder of the built datasets.

    Returns:
        The dataset.

    Raises:
        NotFoundError: There is none.
        InputError: There are several to choose from.
    """
    if name is not None:
        return open_dataset(name, root)
    built = find_datasets(root)
    folder = f"./{root}" if root == ROOT else str(root)
    if not built:
        raise NotFoundError(
            f"no dataset is built under {folder}: `dvtr-bench build NAME` builds one, "
            "`dvtr-bench datasets` lists what can be built"
        )
    if len(built) > 1:
        names = ", ".join(dataset.label for dataset in built)
        raise InputError(
            f"several datasets are built under {folder} ({names}): name one with --dataset"
        )
    return built[0]


def choose_model(dataset: str, checkpoint: Path | None, runs: Path) -> str:
    """Return the model to search with: the checkpoint's, else the one trained last.

    Args:
        dataset: The dataset's name.
        checkpoint: A checkpoint or run folder.
        runs: Where training runs are kept.

    Returns:
        The model's key.

    Raises:
        NotFoundError: No model was trained on the dataset.
    """
    if checkpoint is not None:
        return str(read_checkpoint_config(checkpoint_folder(checkpoint))["model"]["model"])
    trained = {}
    for candidate in list_models():
        if candidate.trainable:
            try:
                run = find_checkpoint(candidate.name, dataset, runs).parent
            except NotFoundError:
                continue
            trained[str(read_json(run / RUN_FILE).get("updated_at"))] = candidate.name
    if not trained:
        raise NotFoundError(
            f"no model is trained on {dataset} under {runs}: `dvtr-bench train --model msam "
            f"--dataset {dataset}` trains one; or search with CLIP as it is: --model clip_zeroshot"
        )
    return trained[max(trained)]
