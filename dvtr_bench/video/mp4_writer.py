"""Frames into an H.264 MP4 file through PyAV: the same bytes on every machine.

PyAV's wheels bring the same libx264 for every system, and no program on PATH can take its place.
x264 writes the same bits with any set of vector instructions, given one thread.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dvtr_bench.errors import BuildError, NotFoundError

_CODEC: Final = "libx264"
_OPTIONS: Final = {
    "preset": "ultrafast",
    "crf": "24",
    "threads": "1",
    "flags": "+bitexact",
    # No choice of x264's goes by the CPU.
    "x264-params": "cpu-independent=1",
}
_BT601: Final = 6
"""In ITU-T H.273, for matrix, primaries and transfer; said in the file, or decoders would guess."""
_LIMITED_RANGE: Final = 1


@cache
def encoder_name() -> str:
    """Name the encoder behind `write_mp4`, by what it calls itself and by what it writes.

    Returns:
        Such as ``x264 core 165, test clip 0123456789ab``: how x264 signs its streams, and the start
        of the SHA-256 of a file that is made of eight made-up frames. Encoders of one name write
        the same bytes, as far as these frames show.

    Raises:
        BuildError: There is no room for the file.
        NotFoundError: PyAV has no libx264.

    Example:
        >>> encoder_name().startswith("x264 core ")
        True
    """
    with tempfile.TemporaryDirectory(prefix="dvtr-bench-") as folder:
        path = Path(folder) / "test.mp4"
        write_mp4(_test_frames(), path, 8)
        written = path.read_bytes()
    # "x264 - core 164 r3108 31e19f9 - H.264/MPEG-4 AVC codec - ..."
    signed = re.search(rb"x264 - (.+?) - H\.264", written)
    version = signed[1].decode() if signed else "without a signature"
    return f"x264 {version}, test clip {hashlib.sha256(written).hexdigest()[:12]}"


def write_mp4(frames: Iterable[npt.NDArray[np.uint8]], path: Path, fps: int) -> None:
    """Encode frames into an MP4 file, written beside its place and then renamed.

    Args:
        frames: Uint8 (rows, columns, 3) each, red, green, blue; at least one, all of one size, even
            numbers of rows and columns.
        path: The file to write.
        fps: Frames a second.

    Raises:
        BuildError: The file cannot be written.
        NotFoundError: PyAV has no libx264.
    """
    import av

    try:
        av.Codec(_CODEC, "w")
    except ValueError as error:
        raise NotFoundError(
            f"PyAV {av.__version__} has no {_CODEC}, which writes aerosynth's clips; its wheels "
            "have it. Install one: pip install --force-reinstall --only-binary :all: av"
        ) from error
    beside = path.with_name(f"{path.stem}.partial{path.suffix}")
    muxing = {"movflags": "+faststart", "fflags": "+bitexact"}
    try:
        with av.open(str(beside), "w", format="mp4", options=muxing) as file:
            stream = file.add_stream(_CODEC, rate=fps, options=_OPTIONS | {"g": str(2 * fps)})
            codec = stream.codec_context
            codec.colorspace = codec.color_primaries = codec.color_trc = _BT601
            codec.color_range = _LIMITED_RANGE
            for number, frame in enumerate(frames):
                if number == 0:
                    stream.height, stream.width = frame.shape[:2]
                yuv = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
                picture = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
                picture.pts, picture.time_base = number, Fraction(1, fps)
                file.mux(stream.encode(picture))
            file.mux(stream.encode(None))
        beside.replace(path)
    except (av.FFmpegError, OSError) as error:
        raise BuildError(
            f"the clip {path} cannot be written: {error}. Check that its folder is there and that "
            "the disk has room, then build again: finished clips are kept"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _test_frames() -> Iterator[npt.NDArray[np.uint8]]:
    """Eight frames that give an encoder all sorts of work: grain that moves over slopes."""
    y, x = np.mgrid[:224, :288]
    grain = (x * x * 31 + y * y * 17 + x * y * 7) % 61
    for number in range(8):
        moved = np.roll(grain, (number, 3 * number), (0, 1))
        channels = (x // 2 + moved, y + moved // 2, (x + y + 9 * number) // 2 + moved // 4)
        yield np.stack(channels, axis=2).astype(np.uint8)
