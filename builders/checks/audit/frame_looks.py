"""Frame statistics for an audit: hashes for finding copies, SSIM, small grey pictures."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from builders.checks.audit.structural_similarity import neighbour_similarity
from builders.engine.settings import usable_cores
from dvtr_bench.dataset.measures import stored_arrays
from dvtr_bench.runtime.progress import progress_bar
from dvtr_bench.video.perceptual_hash import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.runtime.progress import Advance

MEASURE: Final = "frame_looks-1"
"""Name and version of the stored arrays; raised with every change of their computation."""

BLOCK_VIDEOS: Final = 500
"""Videos per stored block: at most this many are processed again after an interruption."""

MIDDLES: Final = 1000
"""Largest number of videos of a split whose middle frame is kept for comparing clips."""

SIDE_PX: Final = 128
FLAT_DEVIATION: Final = 3.0
"""Standard deviation of grey, of 255, below which a frame is flat, such as black, fog or a blank
card. Its hash is meaningless and often equal to that of other flat frames.
"""


@dataclass(frozen=True)
class FrameLooks:
    """Statistics of the frames of a split.

    Attributes:
        hashes: int64, F: `perceptual_hash` of every stored frame, videos in row order.
        textured: bool, F: False for a flat frame.
        starts: int64, V + 1: where each video's frames begin in ``hashes``.
        change: float64, V: mean SSIM of a frame and the next; NaN for a video of one frame.
        middle_rows: int64, M: the randomly drawn videos whose middle frame is kept.
        middles: uint8, M x 128 x 128: those frames, grey.
    """

    hashes: "NDArray[np.int64]"
    textured: "NDArray[np.bool_]"
    starts: "NDArray[np.int64]"
    change: "NDArray[np.float64]"
    middle_rows: "NDArray[np.int64]"
    middles: "NDArray[np.uint8]"


def look_at_frames(split: "RetrievalSplit", show_progress: bool) -> FrameLooks:
    """Decode every stored frame of a split once and keep what an audit needs.

    The arrays are stored beside the dataset in blocks, so that an interrupted audit continues where
    it stopped.

    Args:
        split: The split, with frames.
        show_progress: Whether to show a progress bar.

    Returns:
        The statistics.
    """
    count = len(split.video_ids)
    wanted = np.sort(np.random.default_rng(0).permutation(count)[:MIDDLES])
    blocks = []
    with progress_bar(f"look at {split.name} frames", count, enabled=show_progress) as advance:
        for start in range(0, count, BLOCK_VIDEOS):
            rows = range(start, min(start + BLOCK_VIDEOS, count))
            chosen = wanted[(wanted >= rows.start) & (wanted < rows.stop)]
            blocks.append(_look_at_block(split, rows, chosen, advance))
    return FrameLooks(
        hashes=np.concatenate([block["hashes"] for block in blocks]),
        textured=np.concatenate([block["textured"] for block in blocks]),
        starts=np.cumsum([0, *np.concatenate([block["counts"] for block in blocks])]),
        change=np.concatenate([block["change"] for block in blocks]),
        middle_rows=wanted,
        middles=np.concatenate([block["middles"] for block in blocks]),
    )


def grey_square(frame: "NDArray[np.uint8]", side_px: int) -> "NDArray[np.uint8]":
    """Return a frame as a small grey picture.

    Args:
        frame: uint8, height x width x 3, RGB.
        side_px: Width and height of the result.

    Returns:
        uint8, side x side.
    """
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


@dataclass(frozen=True)
class _VideoLooks:
    """Statistics of the frames of one video; see `FrameLooks`."""

    hashes: list[int]
    textured: list[bool]
    change: float
    middle: "NDArray[np.uint8]"


def _look_at_block(
    split: "RetrievalSplit", rows: range, chosen: "NDArray[np.int64]", advance: "Advance"
) -> "Mapping[str, NDArray[Any]]":
    num_done = 0

    def look() -> "Mapping[str, NDArray[Any]]":
        nonlocal num_done
        wanted = set(chosen.tolist())
        hashes: list[int] = []
        textured: list[bool] = []
        counts, change, middles = [], [], []
        # Decoding and resizing release the GIL: threads share the work without copies.
        threads = ThreadPoolExecutor(usable_cores())
        try:
            videos = threads.map(_look_at_row, repeat(split), rows)
            for row, video in zip(rows, videos, strict=True):
                hashes += video.hashes
                textured += video.textured
                counts.append(len(video.hashes))
                change.append(video.change)
                if row in wanted:
                    middles.append(video.middle)
                num_done += 1
                advance()
        finally:
            # After Ctrl-C, waiting videos are cancelled.
            threads.shutdown(cancel_futures=True)
        return {
            "hashes": np.array(hashes, dtype=np.int64),
            "textured": np.array(textured, dtype=np.bool_),
            "counts": np.array(counts, dtype=np.int64),
            "change": np.array(change, dtype=np.float64),
            "middles": np.array(middles, dtype=np.uint8).reshape(-1, SIDE_PX, SIDE_PX),
        }

    arrays = stored_arrays(split, f"{MEASURE}-{rows.start}", look)
    advance(len(rows) - num_done)
    return arrays


def _look_at_row(split: "RetrievalSplit", row: int) -> _VideoLooks:
    return _look_at_video(split.frames(row))


def _look_at_video(frames: "Frames") -> _VideoLooks:
    grey = [grey_square(frame, SIDE_PX) for frame in frames]
    steps = neighbour_similarity(grey)
    return _VideoLooks(
        hashes=[perceptual_hash([frame]) for frame in frames],
        textured=[bool(picture.std() >= FLAT_DEVIATION) for picture in grey],
        change=float(np.mean(steps)) if steps else float("nan"),
        middle=grey[len(grey) // 2],
    )
