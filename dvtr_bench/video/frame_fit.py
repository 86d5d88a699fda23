"""How a picture becomes the square that a model takes, and which part of it is then seen."""

from collections.abc import Iterable
from typing import Final, Literal

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
