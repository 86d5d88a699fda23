"""Encoding of captions and videos in batches; frames are decoded ahead of the model.

Captions are encoded in a random order, so that their place says nothing of their video.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.features.late import LateFeatures
from dvtr_bench.models.retriever import LateEncoder
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Frames, Retriever

    Look = Callable[[int, Frames], None]


Rows = NDArray[np.int64]

_Items = TypeVar("_Items")

_BATCHES_AHEAD: Final = 2


def encode_texts(
    retriever: "Retriever", captions: Sequence[str], batch: int, *, show_progress: bool
) -> "Features":
    """Encode captions.

    Args:
        retriever: The model.
        captions: T captions.
        batch: Captions in one call.
        show_progress: Whether to show a progress bar.

    Returns:
        Named tensors with T rows.

    Raises:
        InputError: The model did not return one row a caption.
    """
    batches = encode_text_batches(
        retriever.encode_texts,
        captions,
        batch,
        method_name=f"{retriever.name}: encode_texts",
        show_progress=show_progress,
    )
    return join_features(list(batches), retriever.name)


def encode_videos(
    retriever: "Retriever",
    split: "RetrievalSplit",
    rows: Rows,
    batch: int,
    *,
    show_progress: bool,
) -> "tuple[Features, int]":
    """Encode videos from their stored frames; one thread decodes while the model encodes.

    Args:
        retriever: The model.
        split: The split of the videos.
        rows: int64: rows of the videos to encode, in this order.
        batch: Videos in one call; the frames of a few batches are in memory at a time.
        show_progress: Whether to show a progress bar.

    Returns:
        Named tensors with one row a video, and the largest number of frames of a video.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model did not return one row a video.
    """
    batches = list(
        encode_video_batches(
            retriever.encode_videos,
            split,
            rows,
            batch,
            method_name=f"{retriever.name}: encode_videos",
            show_progress=show_progress,
        )
    )
    features = join_features([features for features, _ in batches], retriever.name)
    return features, max((most_frames for _, most_frames in batches), default=0)


def encode_text_batches(
    encode: "Callable[[Sequence[str]], Features]",
    captions: Sequence[str],
    batch: int,
    *,
    method_name: str,
    show_progress: bool,
) -> "Iterator[Features]":
    """Encode captions batch by batch.

    Args:
        encode: A model's method that takes captions.
        captions: T captions.
        batch: Captions in one call.
        method_name: Name of the model and the method, for messages.
        show_progress: Whether to show a progress bar.

    Yields:
        The features of each batch, in order.

    Raises:
        InputError: The model did not return one row a caption.
    """
    bar = progress_bar("encode captions", len(captions), enabled=show_progress)
    with bar as advance:
        for rows in cut(len(captions), batch):
            yield encode_batch(encode, captions[rows], rows.stop - rows.start, method_name)
            advance(rows.stop - rows.start)


def encode_video_batches(
    encode: "Callable[[Sequence[Frames]], Features]",
    split: "RetrievalSplit",
    rows: Rows,
    batch: int,
    *,
    method_name: str,
    look: "Look | None" = None,
    show_progress: bool,
) -> "Iterator[tuple[Features, int]]":
    """Encode videos batch by batch; one thread decodes while the model encodes.

    Args:
        encode: A model's method that takes videos.
        split: The split of the videos.
        rows: int64: rows of the videos to encode, in this order.
        batch: Videos in one call; the frames of a few batches are in memory at a time.
        method_name: Name of the model and the method, for messages.
        look: Called with each video's row and frames, in the thread that decodes them.
        show_progress: Whether to show a progress bar.

    Yields:
        The features of each batch and the largest number of frames of its videos, in order.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model did not return one row a video.
    """
    if not split.has_frames:
        raise NotFoundError(
            f"{split.dataset_name} has no frames (built with --annotations-only): build it again "
            "with --clips DIR to evaluate a model on it"
        )
    batches = [rows[run] for run in cut(len(rows), batch)]
    bar = progress_bar("encode videos", len(rows), enabled=show_progress)
    with bar as advance:
        for videos in _decoded(split, batches, look):
            most_frames = max(len(frames) for frames in videos)
            yield encode_batch(encode, videos, len(videos), method_name), most_frames
            advance(len(videos))


def encode_batch(
    encode: "Callable[[_Items], Features]", items: _Items, count: int, method_name: str
) -> "Features":
    """Encode one batch without gradients and check the number of rows returned.

    Args:
        encode: A model's method.
        items: Its argument.
        count: Number of items.
        method_name: Name of the model and the method, for messages.

    Returns:
        Named tensors with ``count`` rows.

    Raises:
        InputError: The model did not return one row an item.
    """
    with torch.no_grad():
        features = encode(items)
    lengths = {key: value.shape[0] if value.ndim else None for key, value in features.items()}
    if not lengths or set(lengths.values()) != {count}:
        raise InputError(
            f"{method_name} of {count} items returned tensors with first axes {lengths}: expected "
            f"named tensors with {count} rows each"
        )
    return features


def join_features(parts: "Sequence[Features]", name: str) -> "Features":
    """Join the features of batches along their first axis.

    Args:
        parts: Features of at least one batch; the same names in each.
        name: The model's name, for messages.

    Returns:
        Named tensors with the rows of all batches, in order.

    Raises:
        InputError: The rows of two batches differ in shape.
    """
    shapes = [{key: tuple(value.shape[1:]) for key, value in part.items()} for part in parts]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise InputError(
                f"{name}: the rows of batch {number} have shapes {shape}, those of the first batch "
                f"{shapes[0]}: pad to a fixed length, so that batches can be joined"
            )
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def select_rows(features: "Features", rows: "slice | torch.Tensor") -> "Features":
    """Select rows of each tensor.

    Args:
        features: Named tensors.
        rows: A slice, or int64 indices on any device.

    Returns:
        The same names with these rows.
    """
    if isinstance(features, LateFeatures):
        return features.select(rows)
    if isinstance(rows, slice):
        return {name: value[rows] for name, value in features.items()}
    return {name: value[rows.to(value.device)] for name, value in features.items()}


def encode_captions_again(
    retriever: "Retriever", split: "RetrievalSplit", pieces: Sequence[Rows]
) -> "Features":
    """Encode captions again, each piece of rows in a batch of its own; features in that order.

    Those of a `LateEncoder` are encoded when they are scored again.
    """
    if isinstance(retriever, LateEncoder):
        return LateFeatures("texts", split.captions, torch.from_numpy(np.concatenate(pieces)))
    parts = [
        encode_texts(
            retriever, [split.captions[row] for row in piece], len(piece), show_progress=False
        )
        for piece in pieces
    ]
    return join_features(parts, retriever.name)


def encode_videos_again(
    retriever: "Retriever", split: "RetrievalSplit", pieces: Sequence[Rows]
) -> "Features":
    """Decode and encode videos again, each piece of rows in a batch of its own.

    Those of a `LateEncoder` are decoded and encoded when they are scored again.
    """
    if isinstance(retriever, LateEncoder):
        return LateFeatures("videos", split, torch.from_numpy(np.concatenate(pieces)))
    parts = [
        encode_videos(retriever, split, piece, len(piece), show_progress=False)[0]
        for piece in pieces
    ]
    return join_features(parts, retriever.name)


def _decoded(
    split: "RetrievalSplit", batches: Iterable[Rows], look: "Look | None"
) -> "Iterator[list[Frames]]":
    def decode(rows: Rows) -> "list[Frames]":
        videos = [split.frames(int(row)) for row in rows]
        if look is not None:
            for row, frames in zip(rows, videos, strict=True):
                look(int(row), frames)
        return videos

    # One thread, because frames are read in row order and a split need not be thread-safe.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode")
    pending: deque[Future[list[Frames]]] = deque()
    try:
        for rows in batches:
            pending.append(pool.submit(decode, rows))
            if len(pending) > _BATCHES_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def order_generator(split: "RetrievalSplit", seed: int, purpose: str) -> np.random.Generator:
    """Return a generator of random orders, the same for the same arguments on every machine.

    Args:
        split: The split.
        seed: A seed. Whoever runs the model of somebody else chooses one that the other cannot
            have known.
        purpose: What the order is for: different purposes give independent orders.

    Returns:
        The generator.
    """
    facts = [seed, split.fingerprint, split.name, purpose]
    return np.random.default_rng(list(hashlib.sha256(canonical_json(facts)).digest()))


def caption_order(split: "RetrievalSplit", seed: int) -> Rows:
    """Return the order in which a model encodes the captions of a split.

    Args:
        split: The split.
        seed: As for `order_generator`.

    Returns:
        int64, T: rows of the captions, all in random order.
    """
    return order_generator(split, seed, "encode").permutation(len(split.captions))
