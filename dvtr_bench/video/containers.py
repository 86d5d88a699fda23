"""Safe opening of clip files, and the length that a container declares.

Only local files are opened. Frame counts in headers are often wrong, but a box that ends after the
end of the file proves that the file was cut off: no intact clip has one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import av
import av.error

from dvtr_bench.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_FRAME_PX = 100_000_000
"""Frames above 100 megapixels are refused: their header is broken or hostile."""

# Video containers only. libav also reads playlists (which open other files and URLs), pictures,
# subtitles and text art; these are not clips.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mxf,nut"

_MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_MP4_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_RIFF_UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF})


def check_file(path: Path) -> None:
    """Check that a file exists and is not empty, without opening it.

    Raises:
        ClipError: The file does not exist, is a folder or is empty.
    """
    if not path.exists():
        raise ClipError(f"{path}: there is no such clip. Check the name and the folder.")
    if not path.is_file():
        raise ClipError(f"{path}: expected a clip, found a folder or a device. Name a video file.")
    if not path.stat().st_size:
        raise ClipError(f"{path}: the file is empty (0 bytes). Download or copy it again.")


def clip_size(path: Path) -> ContainerSize:
    """Return the actual and the declared size of a clip, see `read_container_size`.

    Raises:
        ClipError: The file cannot be read.
    """
    try:
        return read_container_size(path)
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror}). Check its rights.") from error


def open_container(path: Path, *, applies_edits: bool = True) -> InputContainer:
    """Open a clip file with libav, which may access no other file or URL.

    Args:
        path: The clip, in a common container format (MP4, MOV, MKV, WebM, AVI, MPEG-TS, ...).
        applies_edits: Whether the edit list of an MP4 says which frames are shown.

    Returns:
        The open container; the caller closes it.

    Raises:
        ClipError: The file is missing, empty, unreadable, cut off before its index or not a video.
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
                **({} if applies_edits else {"ignore_editlist": "1"}),
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
        libav's best video stream, ignoring cover pictures.

    Raises:
        ClipError: There is no video stream, libav cannot decode it, or its frames are too large.
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
    # Frames may be larger than the header says; the decoder refuses these before it allocates them.
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PX)}
    return stream


def check_frame_size(path: Path, width_px: int, height_px: int) -> None:
    """Refuse frames larger than `MAX_FRAME_PX`.

    Args:
        path: The clip, for messages.
        width_px: Width of a frame.
        height_px: Height of a frame.

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
    # Streams of unknown codecs have no context, unlike PyAV's type stub says.
    return getattr(stream, "codec_context", None) is not None


def _cut_before_first_frame(path: Path, size: ContainerSize) -> ClipError:
    return ClipError(
        f"{path}: cut off before its first frame: the file has {size.actual_bytes:,} bytes, its "
        f"container says {size.declared_bytes:,}. The download or copy was not finished: get the "
        "file again."
    )


@dataclass(frozen=True)
class ContainerSize:
    """The declared and the actual size of a container file.

    Attributes:
        declared_bytes: End of its last box; None if the format does not declare it.
        actual_bytes: Size of the file.
        lacks_index: Whether it is an MP4 or QuickTime file without `moov`, the box that lists its
            frames.
    """

    declared_bytes: int | None
    actual_bytes: int
    lacks_index: bool

    @property
    def is_cut_off(self) -> bool:
        """Whether the file is shorter than its boxes declare."""
        return self.declared_bytes is not None and self.declared_bytes > self.actual_bytes


def read_container_size(path: Path) -> ContainerSize:
    """Read the declared size of an MP4, AVI or Matroska file.

    Args:
        path: The clip.

    Returns:
        The declared and the actual size. The declared one is None for formats that do not declare
        it (MPEG-TS, FLV, ASF) and for files that are not containers.

    Raises:
        OSError: The file cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "cut.mp4"
        >>> _ = path.write_bytes((16).to_bytes(4) + b"ftypisom")  # a box of 16 bytes, 12 are there
        >>> read_container_size(path).is_cut_off
        True
    """
    with path.open("rb") as file:
        actual_bytes = os.fstat(file.fileno()).st_size
        head = file.read(12)
        declared_bytes, lacks_index = None, False
        if head[4:8] in _MP4_FIRST_BOXES:
            declared_bytes, lacks_index = _mp4_end(file, actual_bytes)
        elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            declared_bytes = _avi_end(file, actual_bytes)
        elif head[:4] == _MATROSKA_MAGIC:
            declared_bytes = _matroska_end(file)
    return ContainerSize(declared_bytes, actual_bytes, lacks_index)


def _mp4_end(file: BinaryIO, actual_bytes: int) -> tuple[int | None, bool]:
    """Return the end of the last top-level box, and whether `moov` is missing."""
    offset, has_index = 0, False
    while offset + 8 <= actual_bytes:
        file.seek(offset)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4]), head[4:8]
        if not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
            break  # trailing bytes that are not a box: players ignore them, so do we
        has_index = has_index or kind == b"moov"
        if size == 0:  # the last box, up to the end of the file
            offset = actual_bytes
            break
        if size == 1:
            size = int.from_bytes(head[8:16])
        if size < 8:
            break
        offset += size
    return offset, not has_index


def _avi_end(file: BinaryIO, actual_bytes: int) -> int | None:
    """Return the end of the last RIFF chunk; files over 1 GB have several."""
    offset = 0
    while offset + 8 <= actual_bytes:
        file.seek(offset)
        head = file.read(8)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF":
            break
        if size in _RIFF_UNKNOWN_SIZES:  # a writer that could not seek back
            return None
        offset += 8 + size + size % 2
    # The last padding byte may be missing.
    return offset - 1 if offset == actual_bytes + 1 else offset


def _matroska_end(file: BinaryIO) -> int | None:
    """Return the end of the Segment element; None for live streams, which do not declare it."""
    file.seek(4)
    header_bytes = _read_matroska_length(file)
    if header_bytes is None:
        return None
    file.seek(header_bytes, os.SEEK_CUR)
    if file.read(4) != _MATROSKA_SEGMENT:
        return None
    segment_bytes = _read_matroska_length(file)
    return None if segment_bytes is None else file.tell() + segment_bytes


def _read_matroska_length(file: BinaryIO) -> int | None:
    """Read an EBML length: leading zeros give its width, all ones mean unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    mask = (1 << (7 * width)) - 1
    value = int.from_bytes(first + file.read(width - 1)) & mask
    return None if value == mask else value
