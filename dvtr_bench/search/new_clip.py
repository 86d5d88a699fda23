"""A new clip as a dataset's build would have stored it."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from dvtr_bench.errors import InputError
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.frame_store import FrameFormat, decode_frame, encode_frame
from dvtr_bench.video.sampling import Sampling

if TYPE_CHECKING:
    from dvtr_bench.dataset.manifest import FrameRecord
    from dvtr_bench.retriever import Frames


def read_clip(path: Path, like: "FrameRecord") -> "Frames":
    """Decode a clip, sample, resize and compress its frames as those of a dataset.

    Args:
        path: The clip.
        like: How the dataset's frames were made, from its manifest.

    Returns:
        RGB uint8 frames in time order: the very pixels that a build would have stored.

    Raises:
        ClipError: The clip is missing, no video, cut off or damaged.
        InputError: The manifest says something about frames that this version does not know.
    """
    frame_format = _frame_format(like.image_format)
    clip = extract_frames(path, Sampling.parse(like.sampling), short_side_px=like.short_side_px)
    return [decode_frame(encode_frame(frame, frame_format)) for frame in clip.frames]


def _frame_format(text: str) -> FrameFormat:
    kind, _, rest = text.partition(":")
    if text == "png":
        return FrameFormat("png")
    quality, _, chroma = rest.partition(":")
    if kind != "jpeg" or not quality.isdecimal():
        raise InputError(
            f"the dataset stores its frames as {text!r}: expected png or such as jpeg:94:4:4:4; "
            "update dvtr-bench or build the dataset again"
        )
    return FrameFormat("jpeg", int(quality), cast("Literal['4:4:4', '4:2:2', '4:2:0']", chroma))
