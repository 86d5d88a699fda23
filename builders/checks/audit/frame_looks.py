"""What an audit keeps of frames: hashes to find copies, SSIM, small pictures to compare."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from builders.checks.audit.structural_similarity import structural_similarity
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
"""Name and version of the numbers on disk; raised with every change of how they are made."""

BLOCK_VIDEOS: Final = 500
"""Videos whose numbers are kept together: so many are looked at again after an interruption."""

MIDDLES: Final = 1000
"""Videos of a split, at most, whose middle frame is kept for comparing different clips."""

SIDE_PX: Final = 128
FLAT_DEVIATION: Final = 3.0
"""Standard deviation of grey, of 255, below which a frame is flat: black, fog, a blank card. Its
hash is noise, and equal to that of other flat frames."""


@dataclass(frozen=True)
class FrameLooks:
    """The frames of a split, in short.

    Attributes:
        hashes: int64, F: `perceptual_hash` of every stored frame, videos in row order.
        textured: bool, F: False for a flat frame.
        starts: int64, V + 1: where each video's frames begin in ``hashes``.
        change: float64, V: mean SSIM of a frame and the next; NaN for a video of one frame.
        middle_rows: int64, M: the videos whose middle frame is kept, drawn by chance.
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

    The numbers stand beside the dataset from then on, block by block, so that an interrupted audit
    goes on where it stopped.

    Args:
        split: With frames.
        show_progress: Whether to show a progress bar.

    Returns:
        The looks.
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
    """The frames of one video, in short; see `FrameLooks`."""

    hashes: list[int]
    textured: list[bool]
    change: float
    middle: "NDArray[np.uint8]"


def _look_at_block(
    split: "RetrievalSplit", rows: range, chosen: "NDArray[np.int64]", advance: "Advance"
) -> "Mapping[str, NDArray[Any]]":
    seen = 0

    def look() -> "Mapping[str, NDArray[Any]]":
        nonlocal seen
        wanted = set(chosen.tolist())
        hashes: list[int] = []
        textured: list[bool] = []
        counts, change, middles = [], [], []
        # Decoding and resizing leave Python's lock: threads share the work without a copy.
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
                seen += 1
                advance()
        finally:
            # After Ctrl-C the videos that wait are not looked at first.
            threads.shutdown(cancel_futures=True)
        return {
            "hashes": np.array(hashes, dtype=np.int64),
            "textured": np.array(textured, dtype=np.bool_),
            "counts": np.array(counts, dtype=np.int64),
            "change": np.array(change, dtype=np.float64),
            "middles": np.array(middles, dtype=np.uint8).reshape(-1, SIDE_PX, SIDE_PX),
        }

    found = stored_arrays(split, f"{MEASURE}-{rows.start}", look)
    advance(len(rows) - seen)
    return found


def _look_at_row(split: "RetrievalSplit", row: int) -> _VideoLooks:
    return _look_at_video(split.frames(row))


def _look_at_video(frames: "Frames") -> _VideoLooks:
    grey = [grey_square(frame, SIDE_PX) for frame in frames]
    steps = [structural_similarity(before, after) for before, after in pairwise(grey)]
    return _VideoLooks(
        hashes=[perceptual_hash([frame]) for frame in frames],
        textured=[bool(picture.std() >= FLAT_DEVIATION) for picture in grey],
        change=float(np.mean(steps)) if steps else float("nan"),
        middle=grey[len(grey) // 2],
    )
