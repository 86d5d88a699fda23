"""Backbone features kept beside the dataset: computed once, then read by every evaluation.

They stand in ``.embeddings/`` beside the dataset's folder, not in it: a dataset that is pushed to
the Hub takes none of them along. To delete that folder is safe at any time.
"""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from filelock import FileLock, Timeout

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.errors import InputError
from dvtr_bench.features.store import EntryWriter, StoredFeatures, read_entry
from dvtr_bench.runtime.environment import library_versions

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Retriever, Side

FOLDER: Final = ".embeddings"

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


class FeatureCache:
    """The place of one side of a split as one backbone encodes it.

    Attributes:
        folder: Of the entry.
        key: Everything that its features depend on, JSON values.
        count: Items: rows of every tensor.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any], count: int) -> None:
        """Point at an entry; reads nothing yet."""
        self.folder = folder
        self.key = dict(key)
        self.count = count

    def read(self, *, report: bool) -> StoredFeatures | None:
        """Return what is kept.

        Args:
            report: Whether to say on standard error that an entry is damaged.

        Returns:
            The features, mapped into memory; None where there are none that can be used.
        """
        try:
            return read_entry(self.folder, self.key)
        except InputError as failure:
            if report:
                tell(f"{failure}: it is not used but computed again")
            return None

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep other processes from computing the same; wait where one does.

        The lock is the operating system's: it ends with the process that holds it.

        Yields:
            True when features can be written; False when the folder cannot be written to.
        """
        lock = FileLock(self.folder.with_name(f".{self.folder.name}.lock"))
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                tell(f"another process computes {self.folder.name}: waiting for it")
                lock.acquire()
        except (OSError, NotImplementedError) as failure:  # the latter: no locks there
            self._tell_not_kept(failure)
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def fill(self, compute: "Callable[[int], Iterator[tuple[Features, int]]]") -> bool:
        """Compute and write the entry, from where an earlier process was stopped.

        To be called under `alone`.

        Args:
            compute: Gives the batches from a row on: features and the most frames of a video.

        Returns:
            False where they could not be written: said on standard error, nothing is left behind.
        """
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            writer = EntryWriter(self.folder, self.key, self.count)
        except OSError as failure:
            self._tell_not_kept(failure)
            return False
        with writer:
            if writer.rows:
                tell(f"goes on from {writer.rows} of {self.count} {self.key['side']} encoded")
            for features, most_frames in compute(writer.rows):
                try:
                    writer.add(features, most_frames)
                except OSError as failure:
                    return self._gave_up(writer, failure)
            try:
                writer.finish()
            except OSError as failure:
                return self._gave_up(writer, failure)
        return True

    def _gave_up(self, writer: EntryWriter, failure: OSError) -> bool:
        writer.discard()
        self._tell_not_kept(failure)
        return False

    def _tell_not_kept(self, failure: Exception) -> None:
        tell(f"embeddings are not kept in {self.folder.parent} ({failure}): going on without")


def cache_of(
    retriever: "Retriever", split: "RetrievalSplit", side: "Side", batch: int
) -> FeatureCache | None:
    """Return where a side of a split is kept for a model.

    The batch is part of the key, and so are the libraries: other ones may give other last bits.

    Args:
        retriever: The model.
        split: The split.
        side: ``texts`` or ``videos``.
        batch: Items encoded in one call.

    Returns:
        The place; None for a split that has no folder, or a model that does not say what its
        features depend on.

    Raises:
        InputError: The dataset's fingerprint is none.
    """
    from dvtr_bench.models.retriever import StagedRetriever

    if not isinstance(split, DatasetSplit) or not isinstance(retriever, StagedRetriever):
        return None
    if not _FINGERPRINT.fullmatch(split.fingerprint):
        raise InputError(
            f"{split.folder}: expected a fingerprint of 64 hex digits, found "
            f"{split.fingerprint!r}: build the dataset again"
        )
    key = {
        "dataset": split.dataset_name,
        "fingerprint": split.fingerprint,
        "split": split.name,
        "side": side,
        "batch": batch,
        "model": dict(retriever.feature_key(side)),
        "libraries": library_versions(),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }
    spelled = canonical_json(key)
    name = f"{split.name}-{side}-{hashlib.sha256(spelled).hexdigest()[:16]}"
    dataset = split.folder.resolve()
    place = dataset.parent / FOLDER / f"{dataset.name}-{split.fingerprint[:12]}"
    count = len(split.captions) if side == "texts" else len(split.video_ids)
    return FeatureCache(place / name, json.loads(spelled), count)


def tell(message: str) -> None:
    """Say something on standard error, in one line."""
    print(message, file=sys.stderr)
