"""Resizing as in CLIP's preprocessing: bicubic, antialiased, by the length of the short side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def resize_short_side(picture: NDArray[np.uint8], short_side_px: int) -> NDArray[np.uint8]:
    """Resize a picture so that its short side has a given length.

    Args:
        picture: Uint8, height x width x 3, RGB.
        short_side_px: New length of the short side; smaller pictures are enlarged.

    Returns:
        uint8, height x width x 3, RGB; the picture itself if its short side has that length.

    Source:
        `Resize(224, interpolation=BICUBIC)` on a PIL image, github openai/CLIP `clip.py`.
    """
    # Imported here, because Numba takes half a second to load.
    from dvtr_bench.video.bicubic import resize_bicubic

    height_px, width_px, _ = picture.shape
    return resize_bicubic(picture, *short_side_size(width_px, height_px, short_side_px))
