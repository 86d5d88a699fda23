"""Captions and videos to features, in batches, frames decoded ahead of the model."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.ranking.blocks import cut
from dvtr_bench.runtime.progress import progress_bar

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
        batch: Captions of one call.
        show_progress: False for no progress bar.

    Returns:
        Features whose first axis is T.

    Raises:
        InputError: The model returned something else than features of its batch.
    """
    what = f"{retriever.name}: encode_texts"
    parts = text_parts(
        retriever.encode_texts, captions, batch, what=what, show_progress=show_progress
    )
    return join_features(list(parts), retriever.name)


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
        split: Where the frames are.
        rows: int64: videos to encode, in this order.
        batch: Videos of one call; a few batches of frames are in memory at a time.
        show_progress: False for no progress bar.

    Returns:
        Features whose first axis is the rows, and the most frames that a video had.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model returned something else than features of its batch.
    """
    call, what = retriever.encode_videos, f"{retriever.name}: encode_videos"
    found = list(video_parts(call, split, rows, batch, what=what, show_progress=show_progress))
    parts = [part for part, _ in found]
    return join_features(parts, retriever.name), max((most for _, most in found), default=0)


def text_parts(
    encode: "Callable[[Sequence[str]], Features]",
    captions: Sequence[str],
    batch: int,
    *,
    what: str,
    show_progress: bool,
) -> "Iterator[Features]":
    """Encode captions batch by batch.

    Args:
        encode: A model's method that takes captions.
        captions: T captions.
        batch: Captions of one call.
        what: Names the model and the method, for messages.
        show_progress: False for no progress bar.

    Yields:
        The features of each batch, in order.

    Raises:
        InputError: The model returned something else than features of its batch.
    """
    bar = progress_bar("encode captions", len(captions), enabled=show_progress)
    with bar as advance:
        for rows in cut(len(captions), batch):
            yield called(encode, captions[rows], rows.stop - rows.start, what)
            advance(rows.stop - rows.start)


def video_parts(
    encode: "Callable[[Sequence[Frames]], Features]",
    split: "RetrievalSplit",
    rows: Rows,
    batch: int,
    *,
    what: str,
    look: "Look | None" = None,
    show_progress: bool,
) -> "Iterator[tuple[Features, int]]":
    """Encode videos batch by batch; one thread decodes while the model encodes.

    Args:
        encode: A model's method that takes videos.
        split: Where the frames are.
        rows: int64: videos to encode, in this order.
        batch: Videos of one call; a few batches of frames are in memory at a time.
        what: Names the model and the method, for messages.
        look: Called with each video's row and frames, in the thread that decodes them.
        show_progress: False for no progress bar.

    Yields:
        The features of each batch and the most frames that one of its videos had, in order.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model returned something else than features of its batch.
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
            yield called(encode, videos, len(videos), what), most_frames
            advance(len(videos))


def called(
    encode: "Callable[[_Items], Features]", items: _Items, count: int, what: str
) -> "Features":
    """Call a model on a batch, without gradients, and check what it returns.

    Args:
        encode: A model's method.
        items: What it takes.
        count: How many items those are.
        what: Names the model and the method, for messages.

    Returns:
        Named tensors whose first axis is ``count``.

    Raises:
        InputError: Something else came back.
    """
    with torch.no_grad():
        part = encode(items)
    lengths = {key: value.shape[0] if value.ndim else None for key, value in part.items()}
    if not lengths or set(lengths.values()) != {count}:
        raise InputError(
            f"{what} of {count} items returned tensors of first axis {lengths}: expected named "
            f"tensors with {count} rows each"
        )
    return part


def join_features(parts: "Sequence[Features]", name: str) -> "Features":
    """Join the features of batches along their first axis.

    Args:
        parts: Of at least one batch.
        name: The model's, for messages.

    Returns:
        The same names.

    Raises:
        InputError: Batches of different shapes.
    """
    shapes = [{key: tuple(value.shape[1:]) for key, value in part.items()} for part in parts]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise InputError(
                f"{name}: the features of batch {number} have shapes {shape}, those of the first "
                f"{shapes[0]}: pad to a fixed length, so that batches can be joined"
            )
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def select(features: "Features", rows: "slice | torch.Tensor") -> "Features":
    """Cut features along their first axis.

    Args:
        features: Named tensors.
        rows: A slice, or int64 indices.

    Returns:
        The same names, those rows.
    """
    if isinstance(rows, slice):
        return {name: value[rows] for name, value in features.items()}
    return {name: value[rows.to(value.device)] for name, value in features.items()}


def _decoded(
    split: "RetrievalSplit", batches: Iterable[Rows], look: "Look | None"
) -> "Iterator[list[Frames]]":
    def decode(rows: Rows) -> "list[Frames]":
        videos = [split.frames(int(row)) for row in rows]
        if look is not None:
            for row, frames in zip(rows, videos, strict=True):
                look(int(row), frames)
        return videos

    # One thread: frames are read in row order, and a split need not be safe under several.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode")
    waiting: deque[Future[list[Frames]]] = deque()
    try:
        for rows in batches:
            waiting.append(pool.submit(decode, rows))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
