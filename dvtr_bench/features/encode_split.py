"""Features of a whole split: read from the cache, or computed by all processes together."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from dvtr_bench.features.cache import FeatureCache, feature_cache
from dvtr_bench.features.encode import (
    Rows,
    caption_order,
    encode_batch,
    encode_text_batches,
    encode_video_batches,
    join_features,
    select_rows,
)
from dvtr_bench.features.late import ROW, LateFeatures
from dvtr_bench.features.store import StoredFeatures
from dvtr_bench.models.retriever import LateEncoder
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.processes import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.features.encode import Look
    from dvtr_bench.models.retriever import Features, Frames, Retriever, Side
    from dvtr_bench.runtime.processes import Processes

    _Batch = tuple[Features, int]
    _Encode = Callable[[slice], Iterator[_Batch]]


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """The features of a split.

    Attributes:
        texts: Features of the T captions.
        videos: Features of the V videos.
        frames_per_video: Largest number of frames of a video.
        seconds_texts: Time taken for the captions in this process, reading the cache included.
        seconds_videos: Time taken for the videos in this process, reading the cache included.
    """

    texts: "Features"
    videos: "Features"
    frames_per_video: int
    seconds_texts: float
    seconds_videos: float


def encode_split(
    retriever: "Retriever",
    split: "RetrievalSplit",
    *,
    text_batch: int,
    video_batch: int,
    cache: bool = False,
    look: "Look | None" = None,
    order_seed: int | None = None,
    processes: "Processes" = ALONE,
    show_progress: bool,
) -> EncodedSplit:
    """Encode every caption and every video of a split once.

    Batches, and therefore features, depend neither on the number of processes nor on the cache.

    Args:
        retriever: The model.
        split: A split with frames.
        text_batch: Captions in one call.
        video_batch: Videos in one call.
        cache: Whether to read and write the cache of backbone features beside the dataset.
        look: Called with the row and frames of each video that this process decodes.
        order_seed: Seed of a random order in which the model is given the captions; None for the
            order of the file. The features are in file order either way.
        processes: The processes that share the work.
        show_progress: Whether to show progress bars.

    Returns:
        The same features in every process.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model did not return one row a caption or a video.
    """
    started = time.perf_counter()
    videos = encode_all_videos(
        retriever,
        split,
        video_batch,
        cache=cache,
        look=look,
        processes=processes,
        show_progress=show_progress,
    )
    encoded_videos = time.perf_counter()
    texts = encode_all_texts(
        retriever,
        split,
        text_batch,
        cache=cache,
        order_seed=order_seed,
        processes=processes,
        show_progress=show_progress,
    )
    return EncodedSplit(
        texts=texts.features,
        videos=videos.features,
        frames_per_video=videos.most_frames,
        seconds_texts=time.perf_counter() - encoded_videos,
        seconds_videos=encoded_videos - started,
    )


def encode_all_videos(
    retriever: "Retriever",
    split: "RetrievalSplit",
    batch: int,
    *,
    cache: bool = False,
    heads: bool = True,
    look: "Look | None" = None,
    processes: "Processes" = ALONE,
    show_progress: bool,
) -> StoredFeatures:
    """Encode every video of a split, see `encode_split`.

    Without ``heads``, only the backbone of a `StagedRetriever` runs. Frames for a `LateEncoder` are
    decoded once, to be looked at, and again when they are scored.
    """
    is_late = isinstance(retriever, LateEncoder)

    def encode(method: str, rows: slice) -> "Iterator[_Batch]":
        return encode_video_batches(
            _without_features if is_late else getattr(retriever, method),
            split,
            np.arange(rows.start, rows.stop),
            batch,
            method_name=f"{retriever.name}: {method}",
            look=look,
            show_progress=show_progress,
        )

    shared = _SharedEncoding(retriever.name, len(split.video_ids), batch, processes)
    if is_late:
        most_frames = shared.encode_rows(partial(encode, "encode_videos")).most_frames
        rows = torch.arange(len(split.video_ids))
        return StoredFeatures(LateFeatures("videos", split, rows), most_frames)
    entry = feature_cache(retriever, split, "videos", batch) if cache and split.has_frames else None
    return _encode_all(retriever, "videos", shared, encode, entry, heads=heads)


def encode_all_texts(
    retriever: "Retriever",
    split: "RetrievalSplit",
    batch: int,
    *,
    cache: bool = False,
    heads: bool = True,
    order_seed: int | None = None,
    processes: "Processes" = ALONE,
    show_progress: bool,
) -> StoredFeatures:
    """Encode every caption of a split, see `encode_all_videos` and `encode_split`."""
    if isinstance(retriever, LateEncoder):
        rows = torch.arange(len(split.captions))
        return StoredFeatures(LateFeatures("texts", split.captions, rows), 0)
    order = None if order_seed is None else caption_order(split, order_seed)

    def encode(method: str, rows: slice) -> "Iterator[_Batch]":
        captions = split.captions
        batches = encode_text_batches(
            getattr(retriever, method),
            captions[rows] if order is None else [captions[row] for row in order[rows]],
            batch,
            method_name=f"{retriever.name}: {method}",
            show_progress=show_progress,
        )
        for features in batches:
            yield features, 0

    shared = _SharedEncoding(retriever.name, len(split.captions), batch, processes, order)
    entry = feature_cache(retriever, split, "texts", batch, order_seed) if cache else None
    return _encode_all(retriever, "texts", shared, encode, entry, heads=heads)


def _encode_all(
    retriever: "Retriever",
    side: "Side",
    shared: "_SharedEncoding",
    encode: "Callable[[str, slice], Iterator[_Batch]]",
    entry: FeatureCache | None,
    *,
    heads: bool,
) -> StoredFeatures:
    """Encode one side; with a cache entry, the backbone's features are read from it or kept."""
    if entry is None:
        return shared.encode_rows(partial(encode, f"{'encode' if heads else 'backbone'}_{side}"))
    backbone = _cached(entry, shared, partial(encode, f"backbone_{side}"))
    if not heads:
        return shared.in_file_order(backbone)
    method = f"head_{side}"
    head = partial(
        encode_batch, getattr(retriever, method), method_name=f"{retriever.name}: {method}"
    )
    return shared.encode_rows(partial(_run_head, head, backbone, shared.batch))


@dataclass(frozen=True)
class _SharedEncoding:
    """The rows of one side, divided among the processes, in the order of the calls.

    ``order`` has the row in the file of each; None where they are in file order.
    """

    name: str
    count: int
    batch: int
    processes: "Processes"
    order: Rows | None = None

    def encode_rows(self, encode: "_Encode") -> StoredFeatures:
        """Encode the rows of this process and fetch those of the others, in file order."""
        return self.in_file_order(self.encode_in_order(encode))

    def in_file_order(self, encoded: StoredFeatures) -> StoredFeatures:
        """Return features that are in the order of the calls in that of the file."""
        if self.order is None:
            return encoded
        back = torch.from_numpy(np.argsort(self.order))
        return StoredFeatures(select_rows(encoded.features, back), encoded.most_frames)

    def encode_in_order(self, encode: "_Encode") -> StoredFeatures:
        """Do the same, in the order of the calls."""
        if self.processes.count == 1:
            return self._join(encode(slice(0, self.count)))
        mine = self.processes.share_of(self.count, self.batch)
        has_rows = mine.stop > mine.start
        # A process without rows encodes the first batch, to learn names and shapes of tensors.
        first = slice(0, min(self.batch, self.count))
        part = self._join(encode(mine if has_rows else first))
        rows = self.processes.gathered(mine)
        whole = {}
        for name, value in part.features.items():
            tensor = torch.empty((self.count, *value.shape[1:]), dtype=value.dtype)
            if has_rows:
                tensor[mine] = value.cpu()
            self.processes.fill_in(tensor, rows)
            whole[name] = tensor.to(value.device)
        return StoredFeatures(whole, max(self.processes.gathered(part.most_frames)))

    def _join(self, batches: "Iterator[_Batch]") -> StoredFeatures:
        encoded = list(batches)
        features = join_features([features for features, _ in encoded], self.name)
        return StoredFeatures(features, max(most_frames for _, most_frames in encoded))


def _cached(entry: FeatureCache, shared: _SharedEncoding, encode: "_Encode") -> StoredFeatures:
    """Return the backbone's features from the cache, or compute and cache them.

    A single process writes batch by batch and can be stopped at any time. Of several processes,
    each encodes its rows and the first one writes them all. The rows are in the order of the calls.
    """
    processes = shared.processes
    cached = entry.read(report=False)
    if all(processes.gathered(cached is not None)) and cached:
        return cached
    with entry.locked() if processes.is_first else nullcontext(False) as writable:
        processes.gathered(writable)  # the first one may have waited for another evaluation
        cached = entry.read(report=processes.is_first)
        if all(processes.gathered(cached is not None)) and cached:
            return cached
        if processes.count > 1:
            computed = shared.encode_in_order(encode)
            if writable:
                entry.fill(partial(_rows_from, computed, shared.count))
            return computed
        if writable and entry.fill(lambda start: encode(slice(start, shared.count))):
            cached = entry.read(report=True)
    return cached or shared.encode_in_order(encode)


def _without_features(videos: "Sequence[Frames]") -> "Features":
    return {ROW: torch.zeros(len(videos), dtype=torch.int64)}


def _rows_from(computed: StoredFeatures, count: int, start: int) -> "Iterator[_Batch]":
    if start < count:
        yield select_rows(computed.features, slice(start, count)), computed.most_frames


def _run_head(
    head: "Callable[[Features, int], Features]", backbone: StoredFeatures, batch: int, rows: slice
) -> "Iterator[_Batch]":
    """Run the head over backbone features, in the batches that the backbone had."""
    for run in cut(rows.stop - rows.start, batch):
        part = slice(rows.start + run.start, rows.start + run.stop)
        yield (
            head(select_rows(backbone.features, part), part.stop - part.start),
            backbone.most_frames,
        )
