"""Why a decoder refused a picture: the one reason that a user can do something about is its size.

Decoders check a picture's size before they make room for it, and all that PyAV passes on is that
the data are invalid. The size stands in libav's log alone, so a clip that failed is decoded once
more with its log open. A JPEG picture whose few bytes cannot hold its size is refused without a
word in the log; its size is read from its own header.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import av.error
import av.logging

from dvtr_bench.video.containers import MAX_FRAME_PX, open_container, pick_video_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOGGED = re.compile(r"Picture size (\d+)x(\d+)")
_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc3]..\x08(..)(..)", re.DOTALL)
"""Start of a JPEG frame: marker, length, 8 bits a sample, height, width."""


def find_refused_size(path: Path) -> tuple[int, int] | None:
    """Look for the picture that is larger than `MAX_FRAME_PX`.

    Args:
        path: a clip that could not be decoded as a whole.

    Returns:
        Width and height, in pixels, of the first such picture that the decoder refused; None where
        it failed for another reason.

    Raises:
        ClipError: the clip cannot even be opened.
    """
    with _open_log() as log, open_container(path) as container:
        stream = pick_video_stream(path, container)
        stream.thread_type = "SLICE"
        stream.codec_context.thread_count = 1
        is_jpeg = stream.codec_context.name == "mjpeg"
        try:
            for packet in container.demux(stream):
                try:
                    packet.decode()
                except (av.error.FFmpegError, EOFError):
                    if size := _too_large(log, bytes(packet) if is_jpeg else b""):
                        return size
        except av.error.FFmpegError:
            pass  # what the log says by then is all that there is to learn
        return _too_large(log, b"")


def _too_large(log: list[tuple[int, str, str]], header: bytes) -> tuple[int, int] | None:
    sizes = [(int(w), int(h)) for _, _, text in log for w, h in _LOGGED.findall(text)]
    if found := _JPEG_FRAME.search(header):
        height, width = (int.from_bytes(number, "big") for number in found.groups())
        sizes.append((width, height))
    return next((size for size in sizes if size[0] * size[1] > MAX_FRAME_PX), None)


@contextmanager
def _open_log() -> Iterator[list[tuple[int, str, str]]]:
    """Hear what libav says in this thread, and nowhere else."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as log:
            yield log
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
