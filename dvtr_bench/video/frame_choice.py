"""Which of its stored frames a model sees of a video."""

import numpy as np


def evenly_spaced(num_frames: int, max_frames: int | None) -> list[int]:
    """Return the indices of at most ``max_frames`` evenly spaced frames.

    Args:
        num_frames: Number of stored frames of the video.
        max_frames: F; None for all.

    Returns:
        Ascending indices; all of them where there are no more than F.

    Source: CLIP4Clip ``slice_framepos=2``.

    Example:
        >>> evenly_spaced(9, 3)
        [0, 4, 8]
    """
    if max_frames is None or num_frames <= max_frames:
        return list(range(num_frames))
    evenly: list[int] = np.linspace(0, num_frames - 1, num=max_frames, dtype=int).tolist()
    return evenly
