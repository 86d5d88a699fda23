"""Captions and videos to features, in batches, frames decoded ahead of the model."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.progress import progress_bar
from dvtr_bench.protocol.blocks import cut

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.retriever import Features, Frames, Retriever

Rows = NDArray[np.int64]

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
    parts = []
    bar = progress_bar("encode captions", len(captions), enabled=show_progress)
    with bar as advance, torch.no_grad():
        for rows in cut(len(captions), batch):
            part = retriever.encode_texts(captions[rows])
            parts.append(_checked(part, rows.stop - rows.start, retriever.name, "encode_texts"))
            advance(rows.stop - rows.start)
    return _joined(parts, retriever.name)


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
    if not split.has_frames:
        raise NotFoundError(
            f"{split.dataset_name} has no frames (built with --annotations-only): build it again "
            "with --clips DIR to evaluate a model on it"
        )
    batches = [rows[run] for run in cut(len(rows), batch)]
    parts: list[Features] = []
    most_frames = 0
    bar = progress_bar("encode videos", len(rows), enabled=show_progress)
    with bar as advance, torch.no_grad():
        for videos in _decoded(split, batches):
            most_frames = max(most_frames, *(len(frames) for frames in videos))
            part = retriever.encode_videos(videos)
            parts.append(_checked(part, len(videos), retriever.name, "encode_videos"))
            advance(len(videos))
    return _joined(parts, retriever.name), most_frames


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


def _decoded(split: "RetrievalSplit", batches: Iterable[Rows]) -> "Iterator[list[Frames]]":
    def decode(rows: Rows) -> "list[Frames]":
        return [split.frames(int(row)) for row in rows]

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


def _checked(part: "Features", count: int, name: str, call: str) -> "Features":
    lengths = {key: value.shape[0] if value.ndim else None for key, value in part.items()}
    if not lengths or set(lengths.values()) != {count}:
        raise InputError(
            f"{name}: {call} of {count} items returned tensors of first axis {lengths}: expected "
            f"named tensors with {count} rows each"
        )
    return part


def _joined(parts: "Sequence[Features]", name: str) -> "Features":
    shapes = [{key: tuple(value.shape[1:]) for key, value in part.items()} for part in parts]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise InputError(
                f"{name}: the features of batch {number} have shapes {shape}, those of the first "
                f"{shapes[0]}: pad to a fixed length, so that batches can be joined"
            )
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
