"""CLIP's own image preprocessing, in two halves: uint8 pixels once, normalisation on the device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from PIL import Image

from dvtr_bench.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.retriever import Frames

PREPROCESSING_VERSION: Final = 1
"""Raised when other pixels come out: features that were kept are then computed again."""


def clip_pixels(frame: "NDArray[np.uint8]", image_size: int) -> "NDArray[np.uint8]":
    """Resize the short side to ``image_size`` (bicubic, antialiased) and cut the centre square.

    A frame whose short side has that size already is only cut.

    Args:
        frame: uint8, height x width x 3, RGB.
        image_size: Side of the result, in pixels.

    Returns:
        uint8, 3 x image_size x image_size.

    Raises:
        InputError: Another shape or dtype.

    Source: openai/CLIP ``_transform``; torchvision ``Resize`` and ``CenterCrop``, which open_clip
        uses: the same bytes.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise InputError(
            f"a frame must be uint8, height x width x 3; found {frame.dtype}, {frame.shape}"
        )
    height, width = frame.shape[:2]
    short = min(height, width)
    if short != image_size:
        long = int(image_size * max(height, width) / short)
        size = (image_size, long) if width <= height else (long, image_size)
        frame = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
        height, width = frame.shape[:2]
    top = round((height - image_size) / 2.0)
    left = round((width - image_size) / 2.0)
    square = frame[top : top + image_size, left : left + image_size]
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def stack_videos(
    videos: Sequence["Frames"], image_size: int, max_frames: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Preprocess the frames of videos and stack them, short ones filled up behind.

    A video of more than ``max_frames`` frames keeps ``max_frames`` evenly spaced ones.

    Args:
        videos: V videos, each its frames in time order.
        image_size: Side of the pixels.
        max_frames: F.

    Returns:
        pixels (uint8, V x F x 3 x image_size x image_size) and frame_mask (bool, V x F; False where
        there is no frame and the pixels are 0).

    Raises:
        InputError: A video without frames.

    Source: CLIP4Clip ``slice_framepos=2`` for the evenly spaced choice.
    """
    pixels = np.zeros((len(videos), max_frames, 3, image_size, image_size), dtype=np.uint8)
    mask = np.zeros((len(videos), max_frames), dtype=bool)
    for row, frames in enumerate(videos):
        if len(frames) == 0:
            raise InputError(f"video {row} of the batch has no frames: build the dataset again")
        chosen = range(len(frames))
        if len(frames) > max_frames:
            chosen = np.linspace(0, len(frames) - 1, num=max_frames, dtype=int).tolist()
        for column, index in enumerate(chosen):
            pixels[row, column] = clip_pixels(frames[index], image_size)
        mask[row, : len(chosen)] = True
    return torch.from_numpy(pixels), torch.from_numpy(mask)
