"""Find out whether a model may have seen the clips of a split in training.

Names tell of datasets that are known to share clips. Where the datasets are at hand, the hashes of
the clips' files tell how many are the same.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import BuiltDataset, find_build
from dvtr_bench.errors import DvtrError
from dvtr_bench.reading.json_records import Count, Text
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

SHARING: Final = (frozenset({"usrd", "capera"}),)
"""Datasets of the same clips in different splits: USRD and CapERA both caption clips of ERA."""


@dataclass(frozen=True)
class Contamination:
    """Why a model may have seen clips of the split in training.

    Attributes:
        reason: A sentence for readers.
        shared_clips: Clips of the split whose files were in the train split too; None where the two
            were not at hand together.
    """

    reason: Text
    shared_clips: Count | None


def find_contamination(
    trained_on: str,
    trained_fingerprint: str,
    split: "RetrievalSplit",
    shared_by_version: int | None = None,
) -> Contamination | None:
    """Find out whether a model may have seen clips of a split in training.

    Args:
        trained_on: Name of the dataset whose train split the model was trained on.
        trained_fingerprint: Of that dataset.
        split: The split that is searched. If it stands on disk, the train split is looked for
            beside it, and clips are compared by the hashes of their files.
        shared_by_version: Clips of the split that the training has used, where it used another
            version of the same dataset and all its clips are known; None otherwise.

    Returns:
        The reason; None if there is no sign of it. What the backbone was trained on before is
        unknown and not considered.
    """
    if shared_by_version is not None:
        if not shared_by_version:
            return None
        return Contamination(
            f"Trained on another version of {split.dataset_name} ({trained_fingerprint[:8]}): "
            f"{shared_by_version:,} of the {count_of(len(split.video_ids), 'clip')} of this split "
            "were used in its training.",
            shared_by_version,
        )
    shared = _count_shared(trained_on, trained_fingerprint, split)
    if shared:
        return Contamination(
            f"Trained on the train split of {trained_on}, which holds {shared:,} of the "
            f"{count_of(len(split.video_ids), 'clip')} of this split (the same files).",
            shared,
        )
    reason = suspicion(trained_on, trained_fingerprint, split.dataset_name, split.fingerprint)
    return Contamination(reason, shared) if reason else None


def suspicion(trained_on: str, trained_fingerprint: str, searched: str, fingerprint: str) -> str:
    """Tell from names alone why a model may have seen clips of another dataset.

    Args:
        trained_on: Name of the dataset that it was trained on.
        trained_fingerprint: Of that dataset.
        searched: Name of the dataset that was searched.
        fingerprint: Of the dataset that was searched.

    Returns:
        A sentence; empty if there is no sign of it.

    Example:
        >>> suspicion("usrd", "0" * 64, "umcrd", "1" * 64)
        ''
    """
    if trained_on == searched:
        if trained_fingerprint == fingerprint:
            return ""
        return (
            f"Trained on another build of {searched} ({trained_fingerprint[:8]}), whose train "
            "split may hold clips of this one."
        )
    if any({trained_on, searched} <= family for family in SHARING):
        return (
            f"Trained on {trained_on}, which shares clips with {searched}: it may have seen clips "
            "of this split."
        )
    return ""


def _count_shared(trained_on: str, trained_fingerprint: str, split: "RetrievalSplit") -> int | None:
    """Count the clips of a split that the train split holds too; None if it cannot be told."""
    if not isinstance(split, DatasetSplit) or not split.has_frames:
        return None
    try:
        if (trained_on, trained_fingerprint) == (split.dataset_name, split.fingerprint):
            train = BuiltDataset(split.folder, split.manifest).split("train")
        else:
            trained = find_build(trained_on, trained_fingerprint, split.folder.parent)
            if trained is None:
                return None
            train = trained.split("train")
    except DvtrError:  # not readable, or without a train split
        return None
    seen = set(train.clip_sha256) - {None}
    return sum(one in seen for one in split.clip_sha256) if seen else None
