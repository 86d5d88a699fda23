"""Opening a clip file safely: local containers only, one video stream, clear errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import av.error

from dvtr_bench.errors import ClipError
from dvtr_bench.video.file_size import ContainerSize, read_container_size

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_FRAME_PX = 100_000_000
"""Larger frames than 100 megapixels are taken for a broken or hostile header."""

# Containers that hold moving pictures and nothing else: playlists (which open other files and
# addresses), pictures, subtitles and text art are formats of libav too, and are not clips.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mxf,nut"


def check_file(path: Path) -> None:
    """Check that there is a file with something in it; it is not opened for that.

    Raises:
        ClipError: Nothing there, a folder or an empty file.
    """
    if not path.exists():
        raise ClipError(f"{path}: there is no such clip. Check the name and the folder.")
    if not path.is_file():
        raise ClipError(f"{path}: expected a clip, found a folder or a device. Name a video file.")
    if not path.stat().st_size:
        raise ClipError(f"{path}: the file is empty (0 bytes). Download or copy it again.")


def clip_size(path: Path) -> ContainerSize:
    """Return how long a clip is and says it is.

    Raises:
        ClipError: The file cannot be read.
    """
    try:
        return read_container_size(path)
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror}). Check its rights.") from error


def open_container(path: Path) -> InputContainer:
    """Open a clip file with libav, local file access only.

    Args:
        path: The clip, any container of the usual ones (MP4, MOV, MKV, WebM, AVI, MPEG-TS, ...).

    Returns:
        The open container; the caller closes it.

    Raises:
        ClipError: The file is missing, empty, unreadable, cut off before its index or no video.
    """
    check_file(path)
    try:
        return av.open(
            # The prefix keeps a name such as "concat:a|b" a plain file name.
            f"file:{path.absolute()}",
            options={
                "protocol_whitelist": "file",
                "format_whitelist": _FORMATS,
                "max_pixels": str(MAX_FRAME_PX),
            },
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, ValueError) as error:
        size = clip_size(path)
        if size.lacks_index:
            raise ClipError(
                f"{path}: cut off: the part that lists the frames (the moov box) is missing from "
                f"these {size.actual_bytes:,} bytes. The download, copy or recording was not "
                "finished: get the file again."
            ) from error
        if size.is_cut_off:
            raise _cut_before_first_frame(path, size) from error
        raise ClipError(
            f"{path}: this is not a video file: no container that libav knows was found in it, "
            "whatever its name says. Replace it by the clip itself (MP4, MOV, MKV, AVI, WebM, TS)."
        ) from error


def pick_video_stream(path: Path, container: InputContainer) -> VideoStream:
    """Pick the video stream that a player would show.

    Args:
        path: The clip, for messages.
        container: The open container.

    Returns:
        libav's best video stream; cover pictures do not count.

    Raises:
        ClipError: No video stream, one that libav cannot decode, or frames too large.
    """
    best = container.streams.best("video")
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    stream = best if best in streams else next(iter(streams), None)
    if stream is None or not _has_decoder(stream):
        size = clip_size(path)
        if size.is_cut_off:
            raise _cut_before_first_frame(path, size)
        if stream is not None:
            raise ClipError(
                f"{path}: this PyAV has no decoder for its video codec. Convert it to H.264 first: "
                "ffmpeg -i CLIP -c:v libx264 -crf 18 CONVERTED.mp4"
            )
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise ClipError(
            f"{path}: no video stream in it (streams found: {kinds}). Replace it by the clip."
        )
    check_frame_size(path, stream.codec_context.width, stream.codec_context.height)
    # Frames may be larger than the header says: the decoder refuses them before it makes room.
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PX)}
    return stream


def check_frame_size(path: Path, width_px: int, height_px: int) -> None:
    """Refuse frames larger than `MAX_FRAME_PX`.

    Args:
        path: The clip, for messages.
        width_px: Of a frame.
        height_px: Of a frame.

    Raises:
        ClipError: The frame is larger.
    """
    if width_px * height_px > MAX_FRAME_PX:
        raise ClipError(
            f"{path}: too large: frames of {width_px} x {height_px} pixels; at most "
            f"{MAX_FRAME_PX:,} pixels a frame are decoded. The header is broken, or scale the clip "
            "down first."
        )


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


def _has_decoder(stream: VideoStream) -> bool:
    # PyAV's stub promises a context; streams of unknown codecs have none.
    return getattr(stream, "codec_context", None) is not None


def _cut_before_first_frame(path: Path, size: ContainerSize) -> ClipError:
    return ClipError(
        f"{path}: cut off before its first frame: the file has {size.actual_bytes:,} bytes, its "
        f"container says {size.declared_bytes:,}. The download or copy was not finished: get the "
        "file again."
    )
