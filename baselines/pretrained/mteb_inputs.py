"""What mteb's models are asked with: captions, stored frames as videos, frames as images.

mteb hands a model a `DataLoader` over a dataset with ``features``, and each model puts its own
collator in. For a video the collator asks an item how many frames it has, and for some of them by
number, as of a decoder of torchcodec.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dvtr_bench.models.retriever import Frames
from dvtr_bench.video.model_view import evenly_spaced

BATCH_SIZE: Final = 32
"""mteb's own."""

_SECONDS_A_FRAME: Final = 60.0
"""Stored frames have no rate. A model that samples by time takes them all where each stands for as
long as this."""


@dataclass(frozen=True)
class VideoMetadata:
    """What mteb's collators read of a video.

    Attributes:
        num_frames: Frames there are.
        average_fps: Frames a second.
        begin_stream_seconds: When it begins.
        end_stream_seconds: When it ends.
        duration_seconds: How long it is.
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
    """

    num_frames: int
    average_fps: float
    begin_stream_seconds: float
    end_stream_seconds: float
    duration_seconds: float
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class FrameBatch:
    """Frames that were asked for.

    Attributes:
        data: uint8, frames x 3 x height x width.
    """

    data: torch.Tensor


class StoredFrames:
    """The stored frames of a video, in place of torchcodec's decoder of a file.

    A model decides how many frames it takes; which ones is decided here. mteb's collators have
    chosen in different ways: some versions take the first of a dozen. Asked for K frames, a video
    gives K evenly spaced ones, whatever numbers were asked for; asked for more than it has, it
    repeats each in its place.

    Args:
        frames: RGB, uint8, height x width x 3 each, in time order.

    Attributes:
        metadata: What collators read.
    """

    def __init__(self, frames: Frames) -> None:
        """Note the frames."""
        self._frames = frames
        height, width = frames[0].shape[:2]
        seconds = len(frames) * _SECONDS_A_FRAME
        self.metadata = VideoMetadata(
            num_frames=len(frames),
            average_fps=1 / _SECONDS_A_FRAME,
            begin_stream_seconds=0.0,
            end_stream_seconds=seconds,
            duration_seconds=seconds,
            height=height,
            width=width,
        )

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return one frame: uint8, 3 x height x width."""
        return _as_tensor([self._frames[index]])[0]

    def get_frames_at(self, indices: Sequence[int]) -> FrameBatch:
        """Return as many frames as are asked for.

        Args:
            indices: K numbers of frames.

        Returns:
            K frames in time order.
        """
        wanted, there = len(indices), len(self._frames)
        if wanted == 1:  # of a model that fetches one after the other
            chosen = list(indices)
        elif wanted <= there:
            chosen = evenly_spaced(there, wanted)
        else:
            chosen = [place * there // wanted for place in range(wanted)]
        return FrameBatch(_as_tensor([self._frames[index] for index in chosen]))


class Rows(Dataset[dict[str, Any]]):
    """Rows of one kind of input, with the members of a dataset that mteb's models use.

    Args:
        columns: Values by name, equally many.
        features: What is in each column.

    Attributes:
        features: What is in each column.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], features: Mapping[str, Any]) -> None:
        """Note the columns."""
        self._columns = columns
        self.features = features

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return list(self._columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self._columns.values())))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a row, as a dict of its own: collators write into it."""
        return {name: values[index] for name, values in self._columns.items()}


def text_inputs(
    datasets: ModuleType, captions: Sequence[str], *, queries: bool
) -> "DataLoader[dict[str, Any]]":
    """Return captions with the columns that mteb makes of them.

    Args:
        datasets: The library.
        captions: The captions.
        queries: Whether they are queries; otherwise they are documents.

    Returns:
        The batches.
    """
    if queries:
        columns = {"text": list(captions), "query": list(captions)}
    else:
        columns = {"text": [caption.strip() for caption in captions], "body": list(captions)}
    return _batches(columns, {name: datasets.Value("string") for name in columns})


def video_inputs(datasets: ModuleType, videos: Sequence[Frames]) -> "DataLoader[dict[str, Any]]":
    """Return videos, each an item that acts as a decoder.

    Args:
        datasets: The library.
        videos: The frames of each.

    Returns:
        The batches.
    """
    return _batches({"video": list(map(StoredFrames, videos))}, {"video": datasets.Video()})


def image_inputs(datasets: ModuleType, frames: Frames) -> "DataLoader[dict[str, Any]]":
    """Return frames as images.

    Args:
        datasets: The library.
        frames: Frames of any videos.

    Returns:
        The batches.
    """
    from PIL import Image

    images = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    return _batches({"image": images}, {"image": datasets.Image()})


def _batches(
    columns: Mapping[str, Sequence[Any]], features: Mapping[str, Any]
) -> "DataLoader[dict[str, Any]]":
    rows = Rows(columns, features)
    return DataLoader(rows, batch_size=BATCH_SIZE, shuffle=False, collate_fn=_collate)


def _collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _as_tensor(frames: Frames) -> torch.Tensor:
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).contiguous()
