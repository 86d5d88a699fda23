"""Which of its stored frames a model sees of a video, and in which order."""

import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FrameChoice = Literal["uniform", "head", "tail"]
"""Which frames are taken of a video that has more than a model looks at."""

FrameOrder = Literal["forward", "reverse", "random"]
"""The order in which a model is given frames."""


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


def chosen_frames(
    frames: "Sequence[NDArray[np.uint8]]",
    max_frames: int | None,
    choice: FrameChoice = "uniform",
    order: FrameOrder = "forward",
) -> list[int]:
    """Return the indices of the frames that a model is given of a video, in its order.

    Args:
        frames: The stored frames, in time order.
        max_frames: F; None for all.
        choice: ``uniform`` takes evenly spaced frames, ``head`` the first F, ``tail`` the last F.
        order: ``random`` draws an order from the frames themselves: the same for a video in every
            batch, run and process.

    Returns:
        Indices; of all frames where there are no more than F.

    Source: CLIP4Clip ``slice_framepos`` (0 head, 1 tail, 2 uniform) and ``frame_order`` (0 forward,
        1 reverse, 2 random). differs: theirs draws another random order at every call.

    Example:
        >>> still = [np.zeros((1, 1, 3), np.uint8)] * 9
        >>> chosen_frames(still, 3, "tail", "reverse")
        [8, 7, 6]
    """
    count = len(frames)
    if choice == "uniform" or max_frames is None or count <= max_frames:
        indices = evenly_spaced(count, max_frames)
    elif choice == "head":
        indices = list(range(max_frames))
    else:
        indices = list(range(count - max_frames, count))
    if order == "reverse":
        return indices[::-1]
    if order == "random":
        shuffled: list[int] = (
            _generator_of([frames[index] for index in indices]).permutation(indices).tolist()
        )
        return shuffled
    return indices


def _generator_of(frames: "Sequence[NDArray[np.uint8]]") -> np.random.Generator:
    """Return a generator that depends on pictures alone."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(str(frame.shape).encode())
        digest.update(frame.tobytes())
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest.digest(), "big")))
