"""Selection of datasets and weights for an evaluation, and writing of its results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.dataset.reader import MARK, ROOT, BuiltDataset, find_datasets, open_dataset
from dvtr_bench.dataset.seen_clips import SeenClips, find_seen_clips
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


_CLIPS_SHOWN: Final = 5


@dataclass(frozen=True)
class Weights:
    """The origin of a model's weights.

    Attributes:
        model: The model's key.
        checkpoint: Folder of its checkpoint; None for an untrained model.
        settings: Fields of its ``Config`` that differ from the defaults, for a model without a
            checkpoint.
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
        """Return the config.json of the checkpoint; empty without a checkpoint."""
        return {} if self.checkpoint is None else read_checkpoint_config(self.checkpoint)

    def seen_clips(self, built: BuiltDataset) -> SeenClips | None:
        """Return the clips of the training, where it used another version of a dataset.

        Args:
            built: The dataset that is searched.

        Returns:
            The clips; None if it is the same version or another dataset, or if they are not known.
        """
        trained = self.description().get("training", {}).get("dataset", {})
        fingerprint = str(trained.get("fingerprint"))
        if trained.get("name") != built.name or fingerprint == built.manifest.fingerprint:
            return None
        return find_seen_clips(built.name, fingerprint, self.checkpoint, built.folder.parent)

    def load(self, device: str) -> "Retriever":
        """Load the model onto a device, in evaluation mode if it has one."""
        if self.checkpoint is not None:
            return on_device(load_checkpoint(self.checkpoint), device)
        return on_device(model_entry(self.model).build(self.settings), device)


@dataclass(frozen=True)
class Plan:
    """The datasets and weights of an evaluation.

    Attributes:
        runs: Pairs of dataset and weights; a dataset occurs once for every seed.
        left_out: Why datasets or seeds are not evaluated, one sentence each.
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
    allow_seen: bool = False,
    root: Path = ROOT,
) -> Plan:
    """Find the datasets and the weights of an evaluation.

    Args:
        model: The model's key.
        dataset: A dataset's name or folder; None for every dataset built under ``root``.
        split: The split to evaluate.
        checkpoint: A checkpoint or run folder; None for the newest of the model and dataset.
        backbone: Backbone of an untrained model; None for the model's default.
        settings: Further fields of the ``Config`` of an untrained model.
        runs: Folder of training runs.
        all_seeds: Whether to include the checkpoints of finished runs that differ only in the seed.
        allow_seen: Whether to take a checkpoint of another version of the dataset although its
            training used clips of the split.
        root: Folder of all built datasets.

    Returns:
        At least one dataset with weights. If all built datasets were requested, those that cannot
        be evaluated are left out, each with the reason.

    Raises:
        NotFoundError: There is no dataset, checkpoint, split or frames; the message says what to
            do.
        ProtocolError: The checkpoint of a dataset was trained on another version of it, and on
            clips of the split; or it is not known on which clips, and the checkpoint was not named.
        ConfigError: The model has no such setting, or its value is out of range.
        ExtensionError: The model's module lacks a required name.
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
                folder = find_checkpoint(entry.key, built.name, runs, built.manifest.fingerprint)
                _require_known_training(built, folder)
            if not allow_seen:
                require_unseen(Weights(entry.key, folder), built, split)
            own = given if folder else entry.settings_for(given, built.manifest)
            found.append((built, Weights(entry.key, folder, own)))
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
    """Return the checkpoints of other seeds to evaluate, and why others are left out."""
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


def _require_known_training(built: BuiltDataset, folder: Path) -> None:
    """Refuse a checkpoint of another version if it is not known which clips its training used."""
    trained = read_checkpoint_config(folder)["training"].get("dataset", {})
    same = trained.get("fingerprint") == built.manifest.fingerprint
    if not same and Weights("", folder).seen_clips(built) is None:
        raise ProtocolError(
            f"the newest checkpoint for {built.name}, {folder}, was trained on another build of it "
            f"(fingerprint {str(trained.get('fingerprint'))[:12]}, this one has "
            f"{built.manifest.fingerprint[:12]}), whose train split may hold clips of this test "
            f"split: train again, or name the checkpoint with --checkpoint"
        )


def require_unseen(weights: Weights, built: BuiltDataset, split: str) -> None:
    """Refuse weights that were trained on clips of a split, in another version of its dataset.

    Args:
        weights: The weights.
        built: The dataset that is searched.
        split: The split that is searched.

    Raises:
        ProtocolError: The training used clips of the split; names them.
    """
    seen = weights.seen_clips(built)
    shared = seen.shared_with(built.split(split)) if seen else []
    if not seen or not shared:
        return
    shown = ", ".join(shared[:_CLIPS_SHOWN])
    more = len(shared) - _CLIPS_SHOWN
    raise ProtocolError(
        f"{weights.checkpoint} was trained on {seen.dataset}{MARK}{seen.version}, and used "
        f"{len(shared):,} of the {len(built.split(split)):,} {split} clips of "
        f"{built.name}{MARK}{built.manifest.version} that it would be tested on: {shown}"
        + (f" and {more:,} more" if more > 0 else "")
        + f". Train again: dvtr-bench train --model {weights.model} --dataset {built.label}. Or "
        "evaluate it all the same with --allow-seen-clips: the result says so, and its figures are "
        "too high"
    )
