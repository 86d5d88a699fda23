"""Everything of a split as features, the batches shared out among the processes."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dvtr_bench.harness.encode import encode_texts, encode_videos

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.harness.processes import Processes
    from dvtr_bench.retriever import Features, Retriever


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """The features of a split.

    Attributes:
        texts: Of T captions.
        videos: Of V videos.
        frames_per_video: Most frames that a video had.
        seconds_texts: What the captions took.
        seconds_videos: What the videos took.
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
    processes: "Processes",
    show_progress: bool,
) -> EncodedSplit:
    """Encode every caption and every video of a split once.

    The batches are the same whatever the number of processes, and so are the features.

    Args:
        retriever: The model.
        split: With frames.
        text_batch: Captions of one call.
        video_batch: Videos of one call.
        processes: Those that share the work.
        show_progress: False for no progress bars.

    Returns:
        The same features in every process.

    Raises:
        NotFoundError: The dataset was built from annotations only.
        InputError: The model returned something else than features of its batch.
    """
    most_frames = [0]

    def videos_of(rows: slice) -> "Features":
        features, most = encode_videos(
            retriever,
            split,
            np.arange(rows.start, rows.stop),
            video_batch,
            show_progress=show_progress,
        )
        most_frames.append(most)
        return features

    def texts_of(rows: slice) -> "Features":
        return encode_texts(
            retriever, split.captions[rows], text_batch, show_progress=show_progress
        )

    started = time.perf_counter()
    videos = _shared_out(videos_of, len(split.video_ids), video_batch, processes)
    encoded_videos = time.perf_counter()
    texts = _shared_out(texts_of, len(split.captions), text_batch, processes)
    return EncodedSplit(
        texts=texts,
        videos=videos,
        frames_per_video=max(processes.gathered(max(most_frames))),
        seconds_texts=time.perf_counter() - encoded_videos,
        seconds_videos=encoded_videos - started,
    )


def _shared_out(
    encode: "Callable[[slice], Features]", count: int, batch: int, processes: "Processes"
) -> "Features":
    """Encode this process's rows and fetch those of the others."""
    if processes.count == 1:
        return encode(slice(0, count))
    mine = processes.share_of(count, batch)
    has_rows = mine.stop > mine.start
    # A process without rows of its own encodes the first batch: that tells it names and shapes.
    part = encode(mine if has_rows else slice(0, min(batch, count)))
    rows = processes.gathered(mine)
    whole = {}
    for name, value in part.items():
        tensor = torch.empty((count, *value.shape[1:]), dtype=value.dtype)
        if has_rows:
            tensor[mine] = value.cpu()
        processes.fill_in(tensor, rows)
        whole[name] = tensor.to(value.device)
    return whole
