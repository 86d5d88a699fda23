"""Clips as the training loop takes them: preprocessed once, kept in memory as far as it goes."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import torch

from dvtr_bench.progress import progress_bar

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.retriever import Features
    from dvtr_bench.training.contract import Trainable

DEFAULT_CACHE_BYTES: Final = 2 * 1024**3

_AHEAD: Final = 2
"""Batches prepared while one is being trained on."""


class Clips(Protocol):
    """A source of batches of clips."""

    def __len__(self) -> int:
        """Return the number of clips."""
        ...

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return the features of some clips, in the order of ``indices``."""
        ...


class PixelClips:
    """Preprocessed frames of a split, decoded when first asked for and then kept.

    Args:
        split: The split; must have frames.
        model: Whose ``preprocess`` is used.
        cache_bytes: Memory that kept frames may take; clips beyond it are decoded every time.
    """

    def __init__(self, split: "RetrievalSplit", model: "Trainable", cache_bytes: int) -> None:
        """Prepare nothing yet."""
        self._split = split
        self._model = model
        self._room_bytes = cache_bytes
        self._kept: dict[int, dict[str, torch.Tensor]] = {}
        # Batches prepared side by side may share a clip: the second waits for the first.
        self._locks = [threading.Lock() for _ in split.video_ids]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._split.video_ids)

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return ``pixels`` and ``frame_mask`` of some clips, on the CPU."""
        return _join([self._clip(index) for index in indices])

    def _clip(self, index: int) -> dict[str, torch.Tensor]:
        with self._locks[index]:
            kept = self._kept.get(index)
            if kept is not None:
                return kept
            clip = dict(self._model.preprocess([self._split.frames(index)]))
            size = sum(value.nbytes for value in clip.values())
            if size <= self._room_bytes:
                self._room_bytes -= size
                self._kept[index] = clip
            return clip


class EncodedClips:
    """Frame embeddings of a split, encoded once by an image tower that does not change.

    Args:
        clips: The clips.
        model: Whose ``encode_frames_eval`` is used.
        clips_a_batch: Clips encoded together.
        label: What the progress bar says.
        show_progress: Whether there is one.
    """

    def __init__(
        self,
        clips: Clips,
        model: "Trainable",
        *,
        clips_a_batch: int,
        label: str,
        show_progress: bool,
    ) -> None:
        """Encode all clips."""
        batches = [
            list(range(start, min(start + clips_a_batch, len(clips))))
            for start in range(0, len(clips), clips_a_batch)
        ]
        parts = []
        with (
            progress_bar(label, total=len(clips), enabled=show_progress) as advance,
            prefetched(clips, batches, workers=1) as prepared,
        ):
            for batch in prepared:
                encoded = model.encode_frames_eval(batch)
                parts.append({name: value.cpu() for name, value in encoded.items()})
                advance(len(encoded["frame_mask"]))
        self._features = _join(parts)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._features["frame_mask"])

    def batch(self, indices: Sequence[int]) -> "Features":
        """Return ``frame_embeds`` and ``frame_mask`` of some clips, on the CPU."""
        rows = torch.tensor(indices, dtype=torch.int64)
        return {name: value[rows] for name, value in self._features.items()}


def prepare_clips(
    model: "Trainable",
    splits: "tuple[RetrievalSplit, RetrievalSplit]",
    *,
    encoded: bool,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    show_progress: bool = True,
) -> tuple[Clips, Clips]:
    """Prepare the clips of the train and validation splits.

    Args:
        model: Whose preprocessing is used, and whose image tower where it is frozen.
        splits: Train and validation.
        encoded: Whether the image tower is frozen, so that every clip is encoded only once. Models
            on the same backbone can then share what is returned.
        cache_bytes: Memory for preprocessed frames of each split.
        show_progress: Whether to show progress bars.

    Returns:
        The clips of each split.
    """
    train, validation = (PixelClips(split, model, cache_bytes) for split in splits)
    if not encoded:
        return train, validation
    return (
        EncodedClips(
            train,
            model,
            clips_a_batch=16,
            label="encode training clips",
            show_progress=show_progress,
        ),
        EncodedClips(
            validation,
            model,
            clips_a_batch=16,
            label="encode validation clips",
            show_progress=show_progress,
        ),
    )


@contextmanager
def prefetched(
    clips: Clips, batches: Sequence[Sequence[int]], *, workers: int
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


def _join(parts: Sequence["Features"]) -> dict[str, torch.Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
