"""Frames into an H.264 MP4 file through ffmpeg-python, the same bytes every time."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import ffmpeg
import numpy as np
import numpy.typing as npt

from dvtr_bench.errors import BuildError
from dvtr_bench.video.ffmpeg_binary import ffmpeg_binary


def write_mp4(
    frames: Iterable[npt.NDArray[np.uint8]], path: Path, width_px: int, height_px: int, fps: int
) -> None:
    """Encode frames into an MP4 file, written beside its place and then renamed.

    Args:
        frames: uint8 (rows, columns, 3) each, red, green, blue.
        path: The file to write.
        width_px: Columns of each frame, even.
        height_px: Rows of each frame, even.
        fps: Frames a second.

    Raises:
        BuildError: ffmpeg failed; the message holds the end of what it said.
        NotFoundError: There is no ffmpeg.
    """
    beside = path.with_name(f"{path.stem}.partial{path.suffix}")
    # SD video is BT.601; said so in the file, so that no decoder has to guess.
    colours = {
        "colorspace": "smpte170m",
        "color_primaries": "smpte170m",
        "color_trc": "smpte170m",
        "color_range": "tv",
    }
    command = (
        ffmpeg.input(
            "pipe:0",
            format="rawvideo",
            pix_fmt="yuv420p",
            s=f"{width_px}x{height_px}",
            r=fps,
            **colours,
        )
        .output(
            str(beside),
            format="mp4",
            vcodec="libx264",
            pix_fmt="yuv420p",
            preset="ultrafast",
            crf=24,
            threads=1,
            g=2 * fps,
            movflags="+faststart",
            map_metadata=-1,
            fflags="+bitexact",
            **{"flags:v": "+bitexact"},
            **colours,
        )
        .global_args("-hide_banner", "-loglevel", "error")
        .overwrite_output()
    )
    raw = b"".join(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes() for frame in frames)
    try:
        command.run(cmd=ffmpeg_binary(), input=raw, capture_stdout=True, capture_stderr=True)
    except ffmpeg.Error as error:
        beside.unlink(missing_ok=True)
        said = error.stderr.decode("utf-8", "replace").strip()[-600:]
        raise BuildError(
            f"ffmpeg could not write the clip {path}: it said {said!r}. Check that the disk has "
            "room and that this ffmpeg has libx264 (`ffmpeg -encoders`), then build again."
        ) from error
    beside.replace(path)
