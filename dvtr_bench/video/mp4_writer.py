"""Writing of H.264 MP4 files with PyAV: the same bytes on every machine.

PyAV's wheels contain the same libx264 for every system, and do not depend on programs on PATH.
With one thread, x264 writes the same bits with any set of vector instructions.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dvtr_bench.errors import BuildError, NotFoundError
from dvtr_bench.runtime.files import temporary_folder

_CODEC: Final = "libx264"
_OPTIONS: Final = {
    "preset": "ultrafast",
    "crf": "24",
    "threads": "1",
    "flags": "+bitexact",
    # x264 makes no choice that depends on the CPU.
    "x264-params": "cpu-independent=1",
}
_BT601: Final = 6
"""ITU-T H.273 code for matrix, primaries and transfer; tagged, so that decoders need not guess."""
_LIMITED_RANGE: Final = 1


@cache
def encoder_name() -> str:
    """Identify the encoder behind `write_mp4` by its version and its output.

    Returns:
        Such as ``x264 core 165, test clip 0123456789ab``: x264's signature in its streams, and the
        start of the SHA-256 of a test clip of eight synthetic frames. Encoders with the same
        identity write the same bytes, as far as the test clip shows.

    Raises:
        BuildError: The test clip cannot be written.
        NotFoundError: PyAV has no libx264.

    Example:
        >>> encoder_name().startswith("x264 core ")
        True
    """
    with temporary_folder() as folder:
        path = folder / "test.mp4"
        write_mp4(_test_frames(), path, 8)
        written = path.read_bytes()
    # "x264 - core 164 r3108 31e19f9 - H.264/MPEG-4 AVC codec - ..."
    signature = re.search(rb"x264 - (.+?) - H\.264", written)
    version = signature[1].decode() if signature else "without a signature"
    return f"x264 {version}, test clip {hashlib.sha256(written).hexdigest()[:12]}"


def write_mp4(frames: Iterable[npt.NDArray[np.uint8]], path: Path, fps: int) -> None:
    """Encode frames into an MP4 file, written under another name and then renamed.

    Args:
        frames: Uint8, height x width x 3 each, RGB; at least one, all of one size, height and width
            even.
        path: The file to write.
        fps: Frames per second.

    Raises:
        BuildError: The file cannot be written.
        NotFoundError: PyAV has no libx264.
    """
    import av

    try:
        av.Codec(_CODEC, "w")
    except ValueError as error:
        raise NotFoundError(
            f"PyAV {av.__version__} has no {_CODEC}, which is needed to write aerosynth's clips. "
            "PyAV's wheels contain it: pip install --force-reinstall --only-binary :all: av"
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
            f"the clip {path} cannot be written: {error}. Check that its folder exists and that "
            "the disk has free space, then build again: finished clips are kept"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _test_frames() -> Iterator[npt.NDArray[np.uint8]]:
    """Yield eight frames of moving grain over gradients, which exercise much of an encoder."""
    y, x = np.mgrid[:224, :288]
    grain = (x * x * 31 + y * y * 17 + x * y * 7) % 61
    for number in range(8):
        moved = np.roll(grain, (number, 3 * number), (0, 1))
        channels = (x // 2 + moved, y + moved // 2, (x + y + 9 * number) // 2 + moved // 4)
        yield np.stack(channels, axis=2).astype(np.uint8)
