"""Captions and frames as tensors, as they are: the features of a model that reads both together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features, Frames

_UTF8: Final = "utf8"
_BYTES: Final = "num_bytes"
_FRAMES: Final = "frames"
_SHAPE: Final = "shape"


def texts_as_tensors(captions: Sequence[str]) -> dict[str, torch.Tensor]:
    """Return captions as their bytes, padded to the longest one.

    Args:
        captions: T captions.

    Returns:
        ``utf8``, uint8, T x L; and ``num_bytes``, int64, T.

    Example:
        >>> texts_of(texts_as_tensors(["a car", "Öl"]))
        ['a car', 'Öl']
    """
    encoded = [caption.encode("utf-8", "surrogatepass") for caption in captions]
    lengths = [len(one) for one in encoded]
    rows = np.zeros((len(encoded), max(lengths, default=0)), dtype=np.uint8)
    for row, one in enumerate(encoded):
        rows[row, : len(one)] = np.frombuffer(one, dtype=np.uint8)
    return {_UTF8: torch.from_numpy(rows), _BYTES: torch.tensor(lengths)}


def texts_of(features: "Features") -> list[str]:
    """Return the captions that `texts_as_tensors` was given."""
    rows, lengths = features[_UTF8].cpu().numpy(), features[_BYTES].tolist()
    return [
        row[:length].tobytes().decode("utf-8", "surrogatepass")
        for row, length in zip(rows, lengths, strict=True)
    ]


def frames_as_tensors(videos: Sequence["Frames"]) -> dict[str, torch.Tensor]:
    """Return the frames of videos, padded to the most frames and the largest ones.

    Args:
        videos: V videos, each with at least one frame: RGB, uint8, height x width x 3, all frames
            of a video of one size.

    Returns:
        ``frames``, uint8, V x frames x height x width x 3; and ``shape``, int64, V x 3: number of
        frames, height and width of each.
    """
    shapes = [(len(video), *video[0].shape[:2]) for video in videos]
    whole = np.zeros((len(videos), *np.max(shapes, axis=0), 3), dtype=np.uint8)
    for place, (video, (count, height, width)) in enumerate(zip(videos, shapes, strict=True)):
        whole[place, :count, :height, :width] = np.stack(list(video))
    return {_FRAMES: torch.from_numpy(whole), _SHAPE: torch.tensor(shapes)}


def frames_of(features: Mapping[str, torch.Tensor]) -> "list[Frames]":
    """Return the videos that `frames_as_tensors` was given."""
    whole, shapes = features[_FRAMES].cpu().numpy(), features[_SHAPE].tolist()
    return [
        list(video[:count, :height, :width])
        for video, (count, height, width) in zip(whole, shapes, strict=True)
    ]
