"""The clips that a training has used, kept in its run folder beside the checkpoints.

With them a checkpoint can be used on another version of its dataset, if none of its clips stands in
the split that is searched, even when the version that it was trained on is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import find_build
from dvtr_bench.errors import DvtrError
from dvtr_bench.reading.json_records import Text, from_json, to_json
from dvtr_bench.reading.json_toml_text import read_json_bytes, readable_json
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

SEEN_FILE: Final = "seen-clips.json"


@dataclass(frozen=True)
class SeenClips:
    """The clips that a model was trained and chosen on.

    Attributes:
        dataset: Name of the dataset.
        version: Its version.
        fingerprint: Its fingerprint.
        train: SHA-256 of the clip's file by id, None if it is not known: clips it was trained on.
        validation: The same of the clips that its checkpoint was chosen on.
    """

    dataset: Text
    version: Text
    fingerprint: Text
    train: Mapping[str, str | None]
    validation: Mapping[str, str | None]

    @classmethod
    def of(
        cls, split_train: "RetrievalSplit", split_validation: "RetrievalSplit | None"
    ) -> "SeenClips":
        """Describe the splits of a training."""
        return cls(
            split_train.dataset_name,
            split_train.dataset_version,
            split_train.fingerprint,
            _files_of(split_train),
            {} if split_validation is None else _files_of(split_validation),
        )

    def statement(self, split: "RetrievalSplit") -> str:
        """Say how many of these clips stand in a split, in a line."""
        used = len(self.train) + len(self.validation)
        return (
            f"trained on another version, {self.dataset}@{self.version}: of the "
            f"{count_of(used, 'clip')} "
            f"that were used, {len(self.shared_with(split)):,} stand in this {split.name} split"
        )

    def shared_with(self, split: "RetrievalSplit") -> list[str]:
        """Describe the clips of a split that the training has used.

        Args:
            split: A split of another version of the same dataset. Clips are the same if they have
                one id or one file.

        Returns:
            The id of each such clip of the split, with how the training used it.
        """
        used: dict[str, tuple[str, str]] = {}
        for what, clips in (("chosen on", self.validation), ("trained on", self.train)):
            for video_id, sha256 in clips.items():
                used[f"id:{video_id}"] = (what, video_id)
                if sha256 is not None:
                    used[f"file:{sha256}"] = (what, video_id)
        shared = []
        for video_id, sha256 in _files_of(split).items():
            found = used.get(f"id:{video_id}") or used.get(f"file:{sha256}")
            if found is not None:
                what, old_id = found
                was = "" if old_id == video_id else f", there {old_id!r}"
                shared.append(f"{video_id!r} ({what}{was})")
        return shared


def write_seen_clips(seen: SeenClips, run_folder: Path) -> None:
    """Write the clips of a training into its run folder."""
    with written_beside(run_folder / SEEN_FILE) as beside:
        beside.write_text(readable_json(to_json(seen)) + "\n", encoding="utf-8")


def find_seen_clips(
    dataset: str, fingerprint: str, checkpoint: Path | None, root: Path
) -> SeenClips | None:
    """Find out which clips a training has used.

    Args:
        dataset: Name of the dataset that it was trained on; it may be anyone's.
        fingerprint: Fingerprint of that dataset.
        checkpoint: The checkpoint's folder in its run folder; None without one.
        root: Folder of the datasets, in which that version may still be.

    Returns:
        The clips, from the run folder or else from the dataset; None if neither is there.
    """
    if checkpoint is not None:
        try:
            path = checkpoint.resolve().parent / SEEN_FILE
            seen = from_json(SeenClips, read_json_bytes(path), str(path))
            if (seen.dataset, seen.fingerprint) == (dataset, fingerprint):
                return seen
        except (FileNotFoundError, DvtrError):  # a run of an earlier version, or a damaged file
            pass
    try:
        built = find_build(dataset, fingerprint, root)
        if built is None:
            return None
        return SeenClips.of(
            built.split("train"), built["validation"] if "validation" in built.split_names else None
        )
    except DvtrError:  # without a train split, or not readable
        return None


def _files_of(split: "RetrievalSplit") -> dict[str, str | None]:
    if isinstance(split, DatasetSplit) and split.has_frames:
        return dict(zip(split.video_ids, split.clip_sha256, strict=True))
    return dict.fromkeys(split.video_ids)
