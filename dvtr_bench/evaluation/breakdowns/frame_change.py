"""Breakdown by frame-to-frame change; MSAM's authors state static and fast scenes as weaknesses.

The measure is the mean absolute difference between neighbouring stored frames, as grey pictures of
64 x 64 pixels, in percent of the range from black to white. It is not divided by the time between
frames, because the model sees the same number of frames of a long and a short clip.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.dataset.measures import stored_measure
from dvtr_bench.ranking.rank_table import Groups
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.rank_table import Unit

TITLE: Final = "Change from frame to frame"
UNIT: "Final[Unit]" = "video"

BINS: Final = (
    (1.0, "static (up to 1%)"),
    (2.5, "slow (1 to 2.5%)"),
    (5.0, "moderate (2.5 to 5%)"),
    (float("inf"), "fast (over 5%)"),
)
"""Largest change of each group, in percent. Chosen so that each group contains at least one sixth
of 48 real drone clips of 1 to 10 seconds. Below 1% are distant views with moving water; above 5%
are low flights and turns in which each frame shows another scene."""

MEASURE: Final = "frame_change-1"
"""Name and version of the cached numbers; raised with every change of their computation."""

_SIDE_PX: Final = 64


def change_percent(frames: "Sequence[NDArray[np.uint8]]") -> float:
    """Return the mean change from one frame to the next.

    Args:
        frames: uint8, height x width x 3, RGB, in time order.

    Returns:
        Percent of the range from black to white, 0 to 100; 0 for a single frame.

    Example:
        >>> black, white = (np.full((90, 160, 3), level, np.uint8) for level in (0, 255))
        >>> change_percent([black, white, white])
        50.0
    """
    import cv2

    size = (_SIDE_PX, _SIDE_PX)
    grey = [
        cv2.resize(
            cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA
        ).astype(np.float64)
        for frame in frames
    ]
    steps = [np.abs(after - before).mean() for before, after in pairwise(grey)]
    return float(np.mean(steps) / 255.0 * 100.0) if steps else 0.0


FRAME_MEASURES: Final = {MEASURE: change_percent}
"""Computed while an evaluation decodes the frames for its model."""


def groups(split: "RetrievalSplit", show_progress: bool = True) -> Groups | None:
    """Group videos by their change from one stored frame to the next.

    Frames are decoded for this only if no evaluation has computed the numbers; they are cached
    beside the dataset.

    Args:
        split: The split.
        show_progress: Whether to show a progress bar while frames are decoded.

    Returns:
        Groups from static to fast; a video with a single frame is static. None without frames.
    """
    if not split.has_frames:
        return None

    def measured() -> "NDArray[np.float64]":
        with progress_bar("frame change", len(split.video_ids), enabled=show_progress) as advance:
            values = np.empty(len(split.video_ids))
            for index in range(len(values)):
                values[index] = change_percent(split.frames(index))
                advance()
            return values

    return Groups.by_number(TITLE, UNIT, stored_measure(split, MEASURE, measured), BINS)
