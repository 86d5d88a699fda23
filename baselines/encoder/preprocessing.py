"""CLIP's image preprocessing to uint8 pixels; normalisation follows on the device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import torch

from dvtr_bench.errors import InputError
from dvtr_bench.video.bicubic import resize_short_side, short_side_size
from dvtr_bench.video.frame_choice import evenly_spaced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.models.retriever import Frames

FrameFit = Literal["center_crop", "squash", "letterbox"]
"""How a frame becomes a model's square: its middle, all of it out of shape, or all with bars."""

PREPROCESSING_VERSION: Final = 2
"""Raised whenever pixels change: cached features are then computed again."""


def clip_pixels(frame: "NDArray[np.uint8]", image_size: int) -> "NDArray[np.uint8]":
    """Resize the short side to ``image_size`` (bicubic, antialiased) and crop the centre square.

    A frame whose short side has this length is only cropped.

    Args:
        frame: uint8, height x width x 3, RGB.
        image_size: Side of the result, in pixels.

    Returns:
        uint8, 3 x image_size x image_size.

    Raises:
        InputError: The frame has another shape or dtype.

    Source: openai/CLIP ``_transform``, and torchvision ``Resize`` and ``CenterCrop``, which
        open_clip uses; all give the same bytes.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise InputError(
            f"a frame must be uint8, height x width x 3; found {frame.dtype}, {frame.shape}"
        )
    frame = resize_short_side(frame, image_size)
    top, left = _corner(frame.shape[0], frame.shape[1], image_size)
    square = frame[top : top + image_size, left : left + image_size]
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def seen_part(height: int, width: int, image_size: int) -> tuple[float, float, float, float]:
    """Return the part of a frame that `clip_pixels` keeps.

    Args:
        height: Height of the frame, in pixels.
        width: Width of the frame, in pixels.
        image_size: Side of the cropped square, in pixels.

    Returns:
        x0, y0, x1, y1 of the square as fractions of the frame.

    Example:
        >>> seen_part(224, 448, 224)
        (0.25, 0.0, 0.75, 1.0)
    """
    width, height = short_side_size(width, height, image_size)
    top, left = _corner(height, width, image_size)
    return (
        left / width,
        top / height,
        (left + image_size) / width,
        (top + image_size) / height,
    )


def stack_videos(
    videos: Sequence["Frames"], image_size: int, max_frames: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Preprocess the frames of videos and stack them, short videos padded at the end.

    Of a video with more than ``max_frames`` frames, ``max_frames`` evenly spaced ones are taken.

    Args:
        videos: The frames of V videos, each in time order.
        image_size: Side of the pixels.
        max_frames: F.

    Returns:
        pixels (uint8, V x F x 3 x image_size x image_size) and frame_mask (bool, V x F; False for
        padding, where pixels are 0).

    Raises:
        InputError: A video has no frames.

    Source: `dvtr_bench.video.frame_choice.evenly_spaced` for the choice of frames.
    """
    pixels = np.zeros((len(videos), max_frames, 3, image_size, image_size), dtype=np.uint8)
    mask = np.zeros((len(videos), max_frames), dtype=bool)
    for row, frames in enumerate(videos):
        if len(frames) == 0:
            raise InputError(f"video {row} of the batch has no frames: build the dataset again")
        chosen = evenly_spaced(len(frames), max_frames)
        for column, index in enumerate(chosen):
            pixels[row, column] = clip_pixels(frames[index], image_size)
        mask[row, : len(chosen)] = True
    return torch.from_numpy(pixels), torch.from_numpy(mask)


def _corner(height: int, width: int, image_size: int) -> tuple[int, int]:
    """Return top and left of the centre square."""
    return round((height - image_size) / 2.0), round((width - image_size) / 2.0)
