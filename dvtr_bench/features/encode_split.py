"""Everything of a split as features: read where they are kept, else computed by all processes."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from dvtr_bench.features.cache import FeatureCache, cache_of
from dvtr_bench.features.encode import called, join_features, select, text_parts, video_parts
from dvtr_bench.features.store import StoredFeatures
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.processes import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.features.encode import Look
    from dvtr_bench.models.retriever import Features, Retriever, Side
    from dvtr_bench.runtime.processes import Processes


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """The features of a split.

    Attributes:
        texts: Of T captions.
        videos: Of V videos.
        frames_per_video: Most frames that a video had.
        seconds_texts: What the captions took here: to read them, where they were kept.
        seconds_videos: What the videos took here, likewise.
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
    processes: "Processes" = ALONE,
    show_progress: bool,
) -> EncodedSplit:
    """Encode every caption and every video of a split once.

    The batches are the same whatever the number of processes and whether features are kept, and so
    are the features.

    Args:
        retriever: The model.
        split: With frames.
        text_batch: Captions of one call.
        video_batch: Videos of one call.
        cache: Whether backbone features are kept beside the dataset and read from there.
        look: Called with the row and frames of each video that is decoded here.
        processes: Those that share the work.
        show_progress: False for no progress bars.

    Returns:
        The same features in every process.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model returned something else than features of its batch.
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
        retriever, split, text_batch, cache=cache, processes=processes, show_progress=show_progress
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
    """Encode every video of a split: see `encode_split`.

    With ``heads`` off the features are those of the backbone alone, as `StagedRetriever` has them.
    """

    def encode(method: str, rows: slice) -> "Iterator[_Part]":
        return video_parts(
            getattr(retriever, method),
            split,
            np.arange(rows.start, rows.stop),
            batch,
            what=f"{retriever.name}: {method}",
            look=look,
            show_progress=show_progress,
        )

    share = _Share(retriever.name, len(split.video_ids), batch, processes)
    place = cache_of(retriever, split, "videos", batch) if cache and split.has_frames else None
    return _encode_all(retriever, "videos", share, encode, place, heads=heads)


def encode_all_texts(
    retriever: "Retriever",
    split: "RetrievalSplit",
    batch: int,
    *,
    cache: bool = False,
    heads: bool = True,
    processes: "Processes" = ALONE,
    show_progress: bool,
) -> StoredFeatures:
    """Encode every caption of a split: see `encode_all_videos`."""

    def encode(method: str, rows: slice) -> "Iterator[_Part]":
        parts = text_parts(
            getattr(retriever, method),
            split.captions[rows],
            batch,
            what=f"{retriever.name}: {method}",
            show_progress=show_progress,
        )
        for part in parts:
            yield part, 0

    share = _Share(retriever.name, len(split.captions), batch, processes)
    place = cache_of(retriever, split, "texts", batch) if cache else None
    return _encode_all(retriever, "texts", share, encode, place, heads=heads)


if TYPE_CHECKING:
    _Part = tuple[Features, int]
    _Encode = Callable[[slice], Iterator[_Part]]


def _encode_all(
    retriever: "Retriever",
    side: "Side",
    share: "_Share",
    encode: "Callable[[str, slice], Iterator[_Part]]",
    place: FeatureCache | None,
    *,
    heads: bool,
) -> StoredFeatures:
    """Encode one side whole; where a place is given, its costly stage is kept there."""
    if place is None:
        return share.out(partial(encode, f"{'encode' if heads else 'backbone'}_{side}"))
    kept = _kept(place, share, partial(encode, f"backbone_{side}"))
    if not heads:
        return kept
    method = f"head_{side}"
    head = partial(called, getattr(retriever, method), what=f"{retriever.name}: {method}")
    return share.out(partial(_headed, head, kept, share.batch))


@dataclass(frozen=True)
class _Share:
    """How the rows of a side are shared out among the processes."""

    name: str
    count: int
    batch: int
    processes: "Processes"

    def out(self, encode: "_Encode") -> StoredFeatures:
        """Encode this process's rows and fetch those of the others."""
        if self.processes.count == 1:
            return self._joined(encode(slice(0, self.count)))
        mine = self.processes.share_of(self.count, self.batch)
        has_rows = mine.stop > mine.start
        # A process without rows of its own encodes the first batch: that tells it names and shapes.
        first = slice(0, min(self.batch, self.count))
        part = self._joined(encode(mine if has_rows else first))
        rows = self.processes.gathered(mine)
        whole = {}
        for name, value in part.features.items():
            tensor = torch.empty((self.count, *value.shape[1:]), dtype=value.dtype)
            if has_rows:
                tensor[mine] = value.cpu()
            self.processes.fill_in(tensor, rows)
            whole[name] = tensor.to(value.device)
        return StoredFeatures(whole, max(self.processes.gathered(part.most_frames)))

    def _joined(self, parts: "Iterator[_Part]") -> StoredFeatures:
        found = list(parts)
        features = join_features([features for features, _ in found], self.name)
        return StoredFeatures(features, max(most for _, most in found))


def _kept(place: FeatureCache, share: _Share, encode: "_Encode") -> StoredFeatures:
    """Return the backbone's features: those that are kept, else computed and then kept.

    One process alone writes batch by batch and can be stopped at any time. Of several, each
    encodes its rows and the first one writes them all.
    """
    processes = share.processes
    found = place.read(report=False)
    if all(processes.gathered(found is not None)) and found:
        return found
    with place.alone() if processes.is_first else nullcontext(False) as writable:
        processes.gathered(writable)  # the first one may have waited for another evaluation
        found = place.read(report=processes.is_first)
        if all(processes.gathered(found is not None)) and found:
            return found
        if processes.count > 1:
            computed = share.out(encode)
            if writable:
                place.fill(partial(_rest, computed, share.count))
            return computed
        if writable and place.fill(lambda start: encode(slice(start, share.count))):
            found = place.read(report=True)
    return found or share.out(encode)


def _rest(computed: StoredFeatures, count: int, start: int) -> "Iterator[_Part]":
    if start < count:
        yield select(computed.features, slice(start, count)), computed.most_frames


def _headed(
    head: "Callable[[Features, int], Features]", kept: StoredFeatures, batch: int, rows: slice
) -> "Iterator[_Part]":
    """Run the cheap stage over the batches that the costly one had."""
    for run in cut(rows.stop - rows.start, batch):
        part = slice(rows.start + run.start, rows.start + run.stop)
        yield head(select(kept.features, part), part.stop - part.start), kept.most_frames
