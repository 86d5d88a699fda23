"""What ffmpeg's own decoder says about a clip: frame times, checksums and pictures.

The binary of imageio-ffmpeg carries no ffprobe, so ffmpeg itself decodes: another build of the
libraries than the one inside PyAV, driven by its own program.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import ffmpeg
import numpy as np

from tests.oracles.ffmpeg_binary import ffmpeg_binary

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class ReferenceFrame:
    """One frame as ffmpeg shows it: its start from the first frame, and an MD5 of its raw bytes."""

    pts_seconds: Fraction
    md5: str


def reference_frames(path: Path, *filters: str) -> list[ReferenceFrame]:
    """Decode a clip with ffmpeg and list every frame that it shows.

    Args:
        path: the clip.
        filters: ffmpeg's video filters.

    Returns:
        In display order; times exact, from 0. The MD5 is of the frame in its own pixel format.
    """
    text = _run(path, *filters, format="framemd5", enc_time_base="demux").decode()
    base = Fraction(1)
    rows: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.startswith("#tb 0:"):
            base = Fraction(line.split(":")[1].strip())
        elif not line.startswith("#"):
            _, _, pts, _, _, md5 = (field.strip() for field in line.split(","))
            rows.append((int(pts), md5))
    return [ReferenceFrame((pts - rows[0][0]) * base, md5) for pts, md5 in rows]


def reference_pictures(
    path: Path, width_px: int, height_px: int, *filters: str
) -> NDArray[np.uint8]:
    """Decode a clip with ffmpeg to RGB, turned as its display matrix says.

    Args:
        path: the clip.
        width_px: of the pictures as shown.
        height_px: of the pictures as shown.
        filters: ffmpeg's video filters, such as "bwdif=mode=send_frame".

    Returns:
        uint8, frames x height x width x 3.
    """
    data = _run(
        path,
        *filters,
        format="rawvideo",
        pix_fmt="rgb24",
        sws_flags="bicubic+accurate_rnd+full_chroma_int",
    )
    return np.frombuffer(data, np.uint8).reshape(-1, height_px, width_px, 3)


def reference_planes(
    path: Path, width_px: int, height_px: int, pixel_format: str
) -> NDArray[np.uint16]:
    """Decode a clip with ffmpeg without converting it: three planes of one size, 16 bits a value.

    Returns:
        uint16, frames x 3 x height x width.
    """
    data = _run(path, format="rawvideo", pix_fmt=pixel_format)
    return np.frombuffer(data, "<u2").reshape(-1, 3, height_px, width_px)


def _run(path: Path, *filters: str, **output: str) -> bytes:
    if filters:
        output["vf"] = ",".join(filters)
    node = ffmpeg.input(str(path)).output("pipe:", map="0:v:0", fps_mode="passthrough", **output)
    stdout, _ = node.run(cmd=ffmpeg_binary(), capture_stdout=True, quiet=True)
    return bytes(stdout)
