"""What one `dvtr-bench evaluate` evaluates: which weights on which datasets, and what it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvtr_bench.dataset.reader import ROOT, BuiltDataset, find_datasets, open_dataset
from dvtr_bench.errors import ConfigError, NotFoundError, ProtocolError
from dvtr_bench.models.entry import model_entry, on_device
from dvtr_bench.runtime.checkpoint import (
    checkpoint_folder,
    find_checkpoint,
    load_checkpoint,
    read_checkpoint_config,
)
from dvtr_bench.training.run_choice import find_other_seeds

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Retriever


@dataclass(frozen=True)
class Weights:
    """Where a model's weights come from.

    Attributes:
        model: The model's key.
        checkpoint: Folder of its checkpoint; None for a model that is not trained.
        settings: Fields of its ``Config`` for a model without a checkpoint; the rest keep their
            defaults.
    """

    model: str
    checkpoint: Path | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and origin, for messages."""
        origin: object = self.checkpoint
        if origin is None:
            origin = getattr(model_entry(self.model).config(self.settings), "backbone", None)
        return f"{self.model} ({origin})" if origin else self.model

    def description(self) -> dict[str, Any]:
        """Return what the checkpoint says of itself; empty without a checkpoint."""
        return {} if self.checkpoint is None else read_checkpoint_config(self.checkpoint)

    def load(self, device: str) -> "Retriever":
        """Load the model, onto a device and set for evaluation where it knows of such things."""
        if self.checkpoint is not None:
            return on_device(load_checkpoint(self.checkpoint), device)
        return on_device(model_entry(self.model).build(self.settings), device)


@dataclass(frozen=True)
class Plan:
    """What is evaluated on what.

    Attributes:
        runs: Datasets and the weights for each; a dataset stands once for every seed.
        left_out: Datasets and seeds that are not evaluated and why, one sentence each.
    """

    runs: tuple[tuple[BuiltDataset, Weights], ...]
    left_out: tuple[str, ...]


def plan_evaluation(
    model: str,
    dataset: str | None,
    split: str,
    *,
    checkpoint: Path | None = None,
    backbone: str | None = None,
    settings: Mapping[str, Any] | None = None,
    runs: Path = Path("runs"),
    all_seeds: bool = False,
    root: Path = ROOT,
) -> Plan:
    """Find the datasets and the weights of an evaluation.

    Args:
        model: The model's key.
        dataset: A dataset's name or folder; None takes every dataset built under ``root``.
        split: The split to evaluate.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        backbone: What a model that is not trained is built on; None for the model's own default.
        settings: Further fields of the ``Config`` of a model that is not trained.
        runs: Where training runs are kept.
        all_seeds: Whether to take, beside that checkpoint, those of the finished runs that differ
            from its run in nothing but the seed.
        root: Where datasets are looked for.

    Returns:
        At least one dataset with weights. Where every built dataset was asked for, those that
        cannot be evaluated are left out, each with its reason.

    Raises:
        NotFoundError: No dataset, no checkpoint, no such split, no frames; says what to do.
        ProtocolError: The checkpoint found for a dataset was trained on another build of it.
        ConfigError: A setting that the model does not have, or out of range.
        ExtensionError: The model's file lacks something.
    """
    entry = model_entry(model)
    needs_checkpoint = entry.trainable
    given = dict(settings or {})
    if not needs_checkpoint and checkpoint is None:
        entry.config(given := given if backbone is None else {**given, "backbone": backbone})
    elif given:
        raise ConfigError(
            f"{model} is trained, and its checkpoint says how it is set: leave out "
            f"{', '.join(given)}"
        )
    folder = None if checkpoint is None else checkpoint_folder(checkpoint)
    wanted = find_datasets(root) if dataset is None else [open_dataset(dataset, root)]
    if not wanted:
        raise NotFoundError(
            f"no dataset is built under {_shown(root)}: `dvtr-bench build NAME` builds one, "
            "`dvtr-bench datasets` lists what can be built"
        )
    found: list[tuple[BuiltDataset, Weights]] = []
    problems: list[NotFoundError | ProtocolError] = []
    seeds_left_out: list[str] = []
    for built in wanted:
        try:
            _require_split(built, split)
            if checkpoint is None and needs_checkpoint:
                folder = find_checkpoint(entry.key, built.name, runs)
                _require_same_build(built, folder)
            found.append((built, Weights(entry.key, folder, given)))
            if folder is not None:
                others, told = _other_seeds(folder, built.name, all_seeds)
                found += [(built, Weights(entry.key, other, given)) for other in others]
                seeds_left_out += told
        except (NotFoundError, ProtocolError) as problem:
            problems.append(problem)
    if len(problems) == 1 and not found:
        raise problems[0]
    if not found:
        reasons = "\n".join(f"- {problem}" for problem in problems)
        raise NotFoundError(
            f"{model} cannot be evaluated on any dataset under {_shown(root)}:\n{reasons}"
        )
    return Plan(tuple(found), (*map(str, problems), *seeds_left_out))


def _other_seeds(folder: Path, dataset: str, wanted: bool) -> tuple[list[Path], list[str]]:
    """Return the checkpoints of the other seeds to evaluate, and why the rest is left out."""
    others = find_other_seeds(folder)
    if not wanted:
        seeds = ", ".join(map(str, others.checkpoints))
        told = f"{dataset}: the same setup trained with seed {seeds}: --all-seeds evaluates it too"
        return [], [told] if seeds else []
    return list(others.checkpoints.values()), [
        f"{dataset}: seed {seed} is not finished ({run}): run the same `dvtr-bench train` again"
        for seed, run in others.unfinished.items()
    ]


def _shown(root: Path) -> str:
    return f"./{root}" if root == ROOT else str(root)


def _require_split(built: BuiltDataset, split: str) -> None:
    if not built.split(split).has_frames:
        raise NotFoundError(
            f"{built.folder} was built with --annotations-only and has no frames to evaluate on: "
            "build it again with its clips"
        )


def _require_same_build(built: BuiltDataset, folder: Path) -> None:
    trained = read_checkpoint_config(folder)["training"].get("dataset", {})
    if trained.get("fingerprint") != built.manifest.fingerprint:
        raise ProtocolError(
            f"the newest checkpoint for {built.name}, {folder}, was trained on another build of it "
            f"(fingerprint {str(trained.get('fingerprint'))[:12]}, this one has "
            f"{built.manifest.fingerprint[:12]}), whose train split may hold clips of this test "
            f"split: train again, or name the checkpoint with --checkpoint"
        )
