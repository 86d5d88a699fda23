"""CLIP's image preprocessing to uint8 pixels; normalisation follows on the device."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from baselines.weights.backbone_spec import parse_backbone, preprocess_record
from dvtr_bench.errors import ConfigError, InputError, NotFoundError, WeightsError
from dvtr_bench.video.frame_store import resize, resize_short_side
from dvtr_bench.video.model_view import (
    FrameChoice,
    FrameFit,
    FrameOrder,
    Interpolation,
    chosen_frames,
    crop_corner,
    long_side_size,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.models.retriever import Frames

__all__ = [
    "FITS",
    "PREPROCESSING_VERSION",
    "FrameFit",
    "clip_pixels",
    "fit_picture",
    "stack_videos",
    "trained_fit",
]

PREPROCESSING_VERSION: Final = 2
"""Raised whenever pixels change: cached features are then computed again."""


FITS: Final[Mapping[str, FrameFit]] = {
    "shortest": "center_crop",
    "squash": "squash",
    "longest": "letterbox",
}
"""By open_clip's name, in its record of pretrained weights."""


def trained_fit(backbone: str) -> FrameFit:
    """Return how the weights of a backbone were trained to see a picture.

    Args:
        backbone: As a model's configuration takes it.

    Returns:
        What open_clip records for the tag or a folder says; ``center_crop``, as CLIP's own, where
        nothing is known.

    Example:
        >>> trained_fit("ViT-B-32/openai")
        'center_crop'
    """
    if backbone.endswith("/openai") or backbone.startswith("tiny"):
        return "center_crop"
    try:
        record = preprocess_record(parse_backbone(backbone))
    except (ConfigError, NotFoundError, WeightsError):
        return "center_crop"
    return FITS.get(str(record.get("resize_mode")), "center_crop")


def clip_pixels(
    frame: "NDArray[np.uint8]",
    image_size: int,
    fit: FrameFit = "center_crop",
    interpolation: Interpolation = "bicubic",
) -> "NDArray[np.uint8]":
    """Turn a frame into the square that a CLIP takes (antialiased).

    A frame whose short side has this length is only cropped by ``center_crop``.

    Args:
        frame: uint8, height x width x 3, RGB.
        image_size: Side of the result, in pixels.
        fit: How the frame is made square, see `fit_picture`.
        interpolation: How it is resized.

    Returns:
        uint8, 3 x image_size x image_size.

    Raises:
        InputError: The frame has another shape or dtype.

    Source: ``center_crop`` is openai/CLIP ``_transform``, and torchvision ``Resize`` and
        ``CenterCrop``, which open_clip uses; all give the same bytes.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise InputError(
            f"a frame must be uint8, height x width x 3; found {frame.dtype}, {frame.shape}"
        )
    square = fit_picture(frame, image_size, fit, interpolation)
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def fit_picture(
    picture: "NDArray[np.uint8]",
    image_size: int,
    fit: FrameFit = "center_crop",
    interpolation: Interpolation = "bicubic",
) -> "NDArray[np.uint8]":
    """Turn a picture into a square (antialiased).

    Args:
        picture: uint8, height x width x 3.
        image_size: Side of the square.
        fit: ``center_crop`` resizes the short side and cuts out the middle; ``squash`` resizes both
            sides; ``letterbox`` resizes the long side and puts black bars beside it.
        interpolation: How it is resized.

    Returns:
        uint8, image_size x image_size x 3.

    Source: open_clip's ``image_transform`` with ``resize_mode`` ``shortest`` (which is CLIP's own),
        ``squash`` and ``longest``; the bytes are those of Pillow.

    Example:
        >>> fit_picture(np.full((2, 4, 3), 9, np.uint8), 4, "letterbox")[:, 0, 0].tolist()
        [0, 9, 9, 0]
    """
    if fit == "squash":
        return resize(picture, image_size, image_size, interpolation)
    if fit == "letterbox":
        width, height = long_side_size(picture.shape[1], picture.shape[0], image_size)
        top, left = (image_size - height) // 2, (image_size - width) // 2
        square = np.zeros((image_size, image_size, 3), dtype=np.uint8)
        square[top : top + height, left : left + width] = resize(
            picture, width, height, interpolation
        )
        return square
    resized = resize_short_side(picture, image_size, interpolation)
    top, left = crop_corner(resized.shape[0], resized.shape[1], image_size)
    return resized[top : top + image_size, left : left + image_size]


def stack_videos(
    videos: Sequence["Frames"],
    image_size: int,
    max_frames: int,
    *,
    fit: FrameFit = "center_crop",
    interpolation: Interpolation = "bicubic",
    choice: FrameChoice = "uniform",
    order: FrameOrder = "forward",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Preprocess the frames of videos and stack them, short videos padded at the end.

    Args:
        videos: The frames of V videos, each in time order.
        image_size: Side of the pixels.
        max_frames: F.
        fit: How frames are made square.
        interpolation: How they are resized.
        choice: Which frames of a video with more than F.
        order: In which order.

    Returns:
        pixels (uint8, V x F x 3 x image_size x image_size) and frame_mask (bool, V x F; False for
        padding, where pixels are 0).

    Raises:
        InputError: A video has no frames.

    Source: `dvtr_bench.video.model_view.chosen_frames` for choice and order.
    """
    pixels = np.zeros((len(videos), max_frames, 3, image_size, image_size), dtype=np.uint8)
    mask = np.zeros((len(videos), max_frames), dtype=bool)
    for row, frames in enumerate(videos):
        if len(frames) == 0:
            raise InputError(f"video {row} of the batch has no frames: build the dataset again")
        chosen = chosen_frames(frames, max_frames, choice, order)
        for column, index in enumerate(chosen):
            pixels[row, column] = clip_pixels(frames[index], image_size, fit, interpolation)
        mask[row, : len(chosen)] = True
    return torch.from_numpy(pixels), torch.from_numpy(mask)
