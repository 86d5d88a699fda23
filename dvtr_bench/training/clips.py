"""Clips for the training loop: preprocessed once, then cached in memory up to a limit."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import torch

from dvtr_bench.features.encode import join_features

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.training.inputs import Items

_AHEAD: Final = 2
"""Batches prepared while one is being trained on."""


class PixelClips:
    """Preprocessed frames of a split, decoded at first use and then cached.

    Args:
        split: The split; must have frames.
        model: The model whose ``preprocess`` is used.
        cache_bytes: Memory for cached frames; clips beyond it are decoded every time.
    """

    def __init__(self, split: "RetrievalSplit", model: "Trainable", cache_bytes: int) -> None:
        """Prepare nothing yet."""
        self._split = split
        self._model = model
        self._room_bytes = cache_bytes
        self._cached: dict[int, dict[str, torch.Tensor]] = {}
        # Batches prepared in parallel can share a clip: the second waits for the first.
        self._locks = [threading.Lock() for _ in split.video_ids]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._split.video_ids)

    @property
    def encoded(self) -> bool:
        """False: these are pixels."""
        return False

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return ``pixels`` and ``frame_mask`` of some clips, on the CPU; {} for no clips."""
        if not indices:
            return {}
        clips = [self._clip(index) for index in indices]
        return join_features(clips, self._model.name)

    def _clip(self, index: int) -> dict[str, torch.Tensor]:
        with self._locks[index]:
            cached_clip = self._cached.get(index)
            if cached_clip is not None:
                return cached_clip
            clip = dict(self._model.preprocess([self._split.frames(index)]))
            size = sum(value.nbytes for value in clip.values())
            if size <= self._room_bytes:
                self._room_bytes -= size
                self._cached[index] = clip
            return clip


@contextmanager
def prefetched(
    clips: "Items", batches: Sequence[Sequence[int]], *, workers: int
) -> Iterator[Iterator["Features"]]:
    """Prepare batches in threads, a few ahead of the one in use.

    Args:
        clips: The clips.
        batches: Clip indices of each batch.
        workers: Threads.

    Yields:
        The batches' features, in order.
    """
    pool = ThreadPoolExecutor(max_workers=workers)

    def ordered() -> Iterator["Features"]:
        waiting: list[Future[Features]] = []
        for indices in batches:
            waiting.append(pool.submit(clips.batch, indices))
            if len(waiting) > _AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()

    try:
        yield ordered()
    finally:
        pool.shutdown(cancel_futures=True)
