"""What a model sees of a video: which of its stored frames, and which part of each."""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

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


FrameFit = Literal["center_crop", "squash", "letterbox"]
"""How a frame becomes a model's square: its middle, all of it out of shape, or all with bars."""

Interpolation = Literal["bicubic", "bilinear"]
"""How a frame is resized for that; what a dataset stores is bicubic, and weights want either."""

INTERPOLATIONS: Final[tuple[Interpolation, ...]] = ("bicubic", "bilinear")

Part = tuple[float, float, float, float]
"""x0, y0, x1, y1 of a model's square as fractions of a frame; bars lie outside of 0..1."""

_SHOWN_AS_ALL: Final = 0.995


def short_side_size(width_px: int, height_px: int, short_side_px: int) -> tuple[int, int]:
    """Return the size of a picture after resizing its short side to a length.

    Args:
        width_px: Width of the picture.
        height_px: Height of the picture.
        short_side_px: New length of the short side.

    Returns:
        Width and height; the long side is truncated to an integer, as torchvision's Resize does.

    Example:
        >>> short_side_size(640, 360, 224)
        (398, 224)
    """
    if width_px <= height_px:
        return short_side_px, int(short_side_px * height_px / width_px)
    return int(short_side_px * width_px / height_px), short_side_px


def seen_part(height: int, width: int, size_px: int, fit: FrameFit = "center_crop") -> Part:
    """Return where a model's square lies on a frame.

    Args:
        height: Height of the frame, in pixels.
        width: Width of the frame, in pixels.
        size_px: Side of the square, in pixels.
        fit: How the frame becomes the square.

    Returns:
        x0, y0, x1, y1 of the square as fractions of the frame. With ``letterbox`` the bars lie
        below 0 and above 1.

    Example:
        >>> seen_part(224, 448, 224)
        (0.25, 0.0, 0.75, 1.0)
        >>> seen_part(224, 448, 224, "letterbox")
        (0.0, -0.5, 1.0, 1.5)
    """
    if fit == "squash":
        return 0.0, 0.0, 1.0, 1.0
    if fit == "letterbox":
        width, height = long_side_size(width, height, size_px)
        top, left = -((size_px - height) // 2), -((size_px - width) // 2)
    else:
        width, height = short_side_size(width, height, size_px)
        top, left = crop_corner(height, width, size_px)
    return left / width, top / height, (left + size_px) / width, (top + size_px) / height


def seen_share(part: Part) -> float:
    """Return the share of a frame's area that a model sees.

    Args:
        part: From `seen_part`.

    Returns:
        A number in 0..1.

    Example:
        >>> seen_share(seen_part(360, 640, 224)), seen_share(seen_part(360, 640, 224, "letterbox"))
        (0.5628140703517588, 1.0)
    """
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in part)
    return (right - left) * (bottom - top)


def seen_text(shares: Iterable[float], fit: FrameFit) -> str:
    """Say how much of each frame is seen.

    Args:
        shares: Shares of frames of different sizes, from `seen_share`; at least one.
        fit: How frames were fitted.

    Returns:
        A part of a sentence.

    Example:
        >>> seen_text([0.5628, 0.75], "center_crop")
        'the middle 56% to 75% of each frame (center_crop)'
        >>> seen_text([1.0], "squash")
        'all of each frame, pressed into a square (squash)'
    """
    least, most = min(shares := list(shares)), max(shares)
    if fit == "squash":
        return "all of each frame, pressed into a square (squash)"
    if fit == "letterbox":
        return "all of each frame, between black bars (letterbox)"
    if least >= _SHOWN_AS_ALL:
        return "all of each frame (center_crop, and frames are square)"
    if round(100 * least) == round(100 * most):
        return f"the middle {100 * least:.0f}% of each frame (center_crop)"
    return f"the middle {100 * least:.0f}% to {100 * most:.0f}% of each frame (center_crop)"


def crop_corner(height: int, width: int, size_px: int) -> tuple[int, int]:
    """Return top and left of the square in the middle of a picture."""
    return round((height - size_px) / 2.0), round((width - size_px) / 2.0)


def long_side_size(width_px: int, height_px: int, long_side_px: int) -> tuple[int, int]:
    """Return the size of a picture after resizing its long side to a length.

    Args:
        width_px: Width of the picture.
        height_px: Height of the picture.
        long_side_px: New length of the long side.

    Returns:
        Width and height, the short side rounded as open_clip's ``ResizeKeepRatio`` does.

    Example:
        >>> long_side_size(640, 360, 224)
        (224, 126)
    """
    ratio = max(width_px, height_px) / long_side_px
    return max(1, round(width_px / ratio)), max(1, round(height_px / ratio))
