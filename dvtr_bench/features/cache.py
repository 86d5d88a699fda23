"""Cache of backbone features: computed once, then read by every evaluation.

The cache is the folder ``.embeddings/`` beside the dataset's folder. It is not inside the dataset,
so a push to the Hub does not upload it. It can be deleted at any time.
"""

import hashlib
import json
import re
import shutil
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
from dvtr_bench.runtime.terminal import write_line
from dvtr_bench.runtime.writing import say_not_kept

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Retriever, Side

FOLDER: Final = ".embeddings"

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


class FeatureCache:
    """The cache entry of one side of a split, encoded by one backbone.

    Attributes:
        folder: The entry's folder.
        key: Everything that the features depend on, as JSON values.
        count: Number of items: rows of every tensor.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any], count: int) -> None:
        """Store the arguments; nothing is read yet."""
        self.folder = folder
        self.key = dict(key)
        self.count = count

    def read(self, *, report: bool) -> StoredFeatures | None:
        """Read the cached features.

        Args:
            report: Whether to report a damaged entry on standard error.

        Returns:
            The features, mapped into memory; None if there is no usable entry.
        """
        try:
            return read_entry(self.folder, self.key)
        except InputError as failure:
            if report:
                write_line(f"{failure}: ignoring it and computing it again", err=True)
            return None

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Lock the entry, so that only one process computes it; wait while another one does.

        The operating system releases the lock when the process that holds it ends.

        Yields:
            Whether the folder can be written to.
        """
        lock = FileLock(self.folder.with_name(f".{self.folder.name}.lock"))
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                write_line(
                    f"another process is computing {self.folder.name}: waiting for it", err=True
                )
                lock.acquire()
        except (OSError, NotImplementedError) as failure:  # the latter: no locks on this system
            self._report_not_cached(failure)
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def fill(self, compute: "Callable[[int], Iterator[tuple[Features, int]]]") -> bool:
        """Compute and write the entry, continuing where an earlier process was stopped.

        Call it only while holding the lock of `locked`.

        Args:
            compute: Takes a start row and yields, for each batch from there on, its features and
                the largest number of frames of its videos.

        Returns:
            False if the entry could not be written. That is reported on standard error, and no
            files are left behind.
        """
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            writer = EntryWriter(self.folder, self.key, self.count)
        except OSError as failure:
            self._report_not_cached(failure)
            return False
        with writer:
            if writer.rows:
                write_line(
                    f"{writer.rows} of {self.count} {self.key['side']} are encoded already: "
                    "continuing from there",
                    err=True,
                )
            for features, most_frames in compute(writer.rows):
                try:
                    writer.add(features, most_frames)
                except OSError as failure:
                    return self._give_up(writer, failure)
            try:
                writer.finish()
            except OSError as failure:
                return self._give_up(writer, failure)
        return True

    def _give_up(self, writer: EntryWriter, failure: OSError) -> bool:
        writer.discard()
        self._report_not_cached(failure)
        return False

    def _report_not_cached(self, failure: Exception) -> None:
        say_not_kept("embeddings are", self.folder.parent, failure)


def feature_cache(
    retriever: "Retriever",
    split: "RetrievalSplit",
    side: "Side",
    batch: int,
    order_seed: int | None = None,
) -> FeatureCache | None:
    """Return the cache entry of one side of a split for a model.

    The key includes the batch size, the order of captions and the versions of libraries, since a
    change of any may change the last bits of the features.

    Args:
        retriever: The model.
        split: The split.
        side: ``texts`` or ``videos``.
        batch: Items encoded in one call.
        order_seed: Seed of the order in which captions are encoded; None for file order.

    Returns:
        The entry; None if the split has no folder, or the model does not declare what its features
        depend on.

    Raises:
        InputError: The dataset's fingerprint is malformed.
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
    if order_seed is not None:
        key["rows_in_order_of_seed"] = order_seed
    key_json = canonical_json(key)
    name = f"{split.name}-{side}-{hashlib.sha256(key_json).hexdigest()[:16]}"
    dataset = split.folder.resolve()
    build_folder = dataset.parent / FOLDER / f"{dataset.name}-{split.fingerprint[:12]}"
    count = len(split.captions) if side == "texts" else len(split.video_ids)
    return FeatureCache(build_folder / name, json.loads(key_json), count)
