"""Frames as a transformers model sees them, through the preprocessing in the model's own folder.

Frames are RGB and uint8, height x width x 3, and are passed as pictures: a picture says where its
channels are and that its values go to 255, which an array leaves to be guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch.nn import functional

from dvtr_bench.errors import WeightsError
from dvtr_bench.video.model_view import FrameFit, Part, seen_part

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames


class Pictures:
    """Turns frames, each by itself, into an image tower's inputs.

    Args:
        processor: The model's image processor.
        accepted: Names of the tensors that the tower takes.
        where: Name of the model, for messages.
    """

    def __init__(self, processor: Any, accepted: frozenset[str], where: str) -> None:
        """Store what makes the inputs."""
        self._processor = processor
        self._accepted = accepted
        self._where = where

    def inputs(self, videos: Sequence["Frames"]) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the inputs for each frame of each video; the first axis of each is 1 long."""
        for video in videos:
            for frame in video:
                made = self._processor(images=[Image.fromarray(frame)], return_tensors="pt")
                yield accepted_tensors(made, self._accepted, self._where)


class Clips:
    """Turns the frames of a video into a video tower's inputs.

    Args:
        make: Turns the pictures of one video into tensors.
        accepted: Names of the tensors that the tower takes.
        num_frames: Frames that the tower takes; None for any number.
        where: Name of the model, for messages.
    """

    def __init__(
        self,
        make: Callable[[list[Image.Image]], Any],
        accepted: frozenset[str],
        num_frames: int | None,
        where: str,
    ) -> None:
        """Store what makes the inputs."""
        self._make = make
        self._accepted = accepted
        self._num_frames = num_frames
        self._where = where

    def inputs(self, videos: Sequence["Frames"]) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the inputs for each video: 1 x frames x channels x height x width."""
        for video in videos:
            shown = [Image.fromarray(frame) for frame in repeated(video, self._num_frames)]
            tensors = accepted_tensors(self._make(shown), self._accepted, self._where)
            # Image processors return frames, those of videos a batch of videos.
            yield {
                name: value[None] if value.ndim == 4 else value for name, value in tensors.items()
            }


def fewer(*numbers: int | None) -> int | None:
    """Return the least of several numbers of frames, of which none means any number."""
    return min((number for number in numbers if number is not None), default=None)


def repeated(video: "Frames", num_frames: int | None) -> "Frames":
    """Return a video's frames, some more than once in a row where there are too few.

    Args:
        video: Its frames, no more than ``num_frames``.
        num_frames: How many there shall be; None for as many as there are.
    """
    if num_frames is None or len(video) == num_frames:
        return video
    return [video[place * len(video) // num_frames] for place in range(num_frames)]


def accepted_tensors(made: Any, accepted: frozenset[str], where: str) -> dict[str, torch.Tensor]:
    """Return those of a processor's tensors that a tower takes."""
    tensors = {name: value for name, value in made.items() if name in accepted}
    if not tensors:
        raise WeightsError(
            f"the preprocessing of {where} makes {', '.join(made) or 'nothing'}, but its tower "
            f"takes {', '.join(sorted(accepted))}"
        )
    return tensors


def frame_means(vectors: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """Return the mean of the unit vectors of each video's frames.

    Args:
        vectors: Floats, one row a frame, the frames of the first video first.
        counts: Frames of each video.

    Returns:
        float32, V x C.
    """
    units = functional.normalize(vectors.float(), dim=-1)
    return torch.stack([frames.mean(dim=0) for frames in torch.split(units, list(counts))])


@dataclass(frozen=True)
class FrameShape:
    """What an image or video processor makes of a frame's shape, as its own settings say.

    Attributes:
        frame_fit: How a frame becomes a rectangle of one shape; None where it keeps its own, or the
            processor does not say.
        size: The size, for records, such as ``224 x 224``; None if it is not said.
        crop_share: Side of the square that is cut out, as a share of the frame's short side.
    """

    frame_fit: FrameFit | None
    size: str | None
    crop_share: float = 1.0

    @classmethod
    def of(cls, processor: Any) -> "FrameShape":
        """Read the settings of a processor."""
        if patches := getattr(processor, "max_num_patches", None):
            return cls(None, f"at most {patches} patches")
        crops = getattr(processor, "do_center_crop", False)
        resized = _sides(getattr(processor, "size", None))
        cropped = _sides(getattr(processor, "crop_size", None))
        shown = cropped if crops else resized
        if not {"height", "width"} <= shown.keys():
            text = ", ".join(f"{side} {length}" for side, length in sorted(shown.items()))
            return cls("letterbox" if getattr(processor, "do_pad", False) else None, text or None)
        size = f"{shown['height']} x {shown['width']}"
        if not crops:
            return cls("letterbox" if getattr(processor, "do_pad", False) else "squash", size)
        short_side = resized.get("shortest_edge", shown["height"])
        return cls("center_crop", size, min(1.0, shown["height"] / short_side))

    def part_seen(self, height: int, width: int) -> Part:
        """Return where the seen part lies, see `dvtr_bench.video.model_view.seen_part`."""
        part = seen_part(height, width, min(height, width), self.frame_fit or "squash")
        if self.frame_fit != "center_crop":
            return part
        left, top, right, bottom = part
        margin = (1 - self.crop_share) / 2
        across, down = margin * (right - left), margin * (bottom - top)
        return left + across, top + down, right - across, bottom - down


def _sides(stated: Any) -> dict[str, int]:
    """Return the sides that a processor states."""
    try:
        return {side: length for side, length in dict(stated).items() if length is not None}
    except (TypeError, ValueError):
        return {}
