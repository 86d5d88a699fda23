"""Resizing as CLIP's own preprocessing has it: bicubic with antialiasing, short side to a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def short_side_size(width_px: int, height_px: int, short_side_px: int) -> tuple[int, int]:
    """The size at which the short side has a given length.

    Args:
        width_px: Of the picture.
        height_px: Of the picture.
        short_side_px: Wanted.

    Returns:
        Width and height; the long side is cut to an integer as torchvision's Resize does.

    Example:
        >>> short_side_size(640, 360, 224)
        (398, 224)
    """
    if width_px <= height_px:
        return short_side_px, int(short_side_px * height_px / width_px)
    return int(short_side_px * width_px / height_px), short_side_px


def resize_short_side(picture: NDArray[np.uint8], short_side_px: int) -> NDArray[np.uint8]:
    """Resize a picture so that its short side has a given length.

    Args:
        picture: Uint8, height x width x 3, RGB.
        short_side_px: Wanted; smaller pictures are enlarged, as CLIP's preprocessing does.

    Returns:
        uint8, height x width x 3, RGB; the picture itself where its short side has that length.

    Source:
        `Resize(224, interpolation=BICUBIC)` on a PIL image, github openai/CLIP `clip.py`.
    """
    from dvtr_bench.video.bicubic import (
        resize_bicubic,  # loads Numba: half a second for commands that need none
    )

    height_px, width_px, _ = picture.shape
    return resize_bicubic(picture, *short_side_size(width_px, height_px, short_side_px))
