"""What the header of an MP4 or Matroska file says about its video track and PyAV does not pass on.

Only this: the crop (MP4's clean aperture, Matroska's PixelCrop), and whether MP4's clock is
missing. The reader follows the few boxes on the way there; an unusual or damaged file says nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Final

from dvtr_bench.video.shown_picture import Crop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

_MAX_BOXES: Final = 10_000
"""Boxes followed in one list of boxes; a hostile file could hold millions."""


@dataclass(frozen=True)
class Track:
    """Further facts of a video track.

    Attributes:
        crop: Pixels not to show.
        lacks_clock: Whether the track has 0 ticks a second, so that its times mean nothing.
    """

    crop: Crop = Crop()
    lacks_clock: bool = False


def read_track(path: Path, container: InputContainer, stream: VideoStream) -> Track:
    """Read the further facts of a video stream.

    Args:
        path: The clip.
        container: The open clip.
        stream: The stream that is decoded.

    Returns:
        The facts; nothing special where the container is of another kind or cannot be followed.
    """
    width_px, height_px = stream.codec_context.width, stream.codec_context.height
    kind = container.format.name
    try:
        with path.open("rb") as file:
            if kind.startswith("mov"):
                track = _read_mp4(file, stream.id, width_px, height_px)
            elif kind.startswith("matroska"):
                number = container.streams.video.index(stream)
                track = Track(_read_matroska(file, number))
            else:
                return Track()
    except (OSError, _UnusualError):
        return Track()
    return track if track.crop.fits(width_px, height_px) else Track(lacks_clock=track.lacks_clock)


class _UnusualError(Exception):
    """The file has another structure than expected."""


@dataclass(frozen=True)
class _Box:
    """A box of an MP4 file or an element of a Matroska file."""

    kind: bytes
    start: int
    end: int

    def read(self, file: BinaryIO, offset: int, count: int) -> bytes:
        """Read bytes of the content."""
        if self.start + offset + count > self.end:
            raise _UnusualError
        return _read(file, self.start + offset, count)

    def number(self, file: BinaryIO, offset: int, count: int) -> int:
        """Read a big-endian number of the content."""
        return int.from_bytes(self.read(file, offset, count))


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    data = file.read(count)
    if len(data) < count:
        raise _UnusualError
    return data


def _read_mp4(file: BinaryIO, track_id: int, width_px: int, height_px: int) -> Track:
    whole = _Box(b"", 0, file.seek(0, os.SEEK_END))
    movie = _first(_boxes(file, whole), b"moov")
    for track in _boxes(file, movie):
        if track.kind != b"trak":
            continue
        header = _first(_boxes(file, track), b"tkhd")
        # Version 1 has times of 8 bytes before the number.
        if header.number(file, 20 if header.number(file, 0, 1) == 1 else 12, 4) != track_id:
            continue
        media = _first(_boxes(file, track), b"mdia")
        clock = _first(_boxes(file, media), b"mdhd")
        ticks_a_second = clock.number(file, 20 if clock.number(file, 0, 1) == 1 else 12, 4)
        aperture = _find_aperture(file, media)
        return Track(
            _aperture_crop(file, aperture, width_px, height_px) if aperture else Crop(),
            lacks_clock=ticks_a_second == 0,
        )
    raise _UnusualError


_SAMPLE_ENTRY_BYTES: Final = 78
"""Fields of a visual sample entry before its boxes (ISO 14496-12, 12.1.3)."""


def _find_aperture(file: BinaryIO, media: _Box) -> _Box | None:
    box = media
    for kind in (b"minf", b"stbl", b"stsd"):
        box = _first(_boxes(file, box), kind)
    entry = next(_boxes(file, _Box(b"stsd", box.start + 8, box.end)), None)
    if entry is None:
        return None
    inner = _Box(entry.kind, entry.start + _SAMPLE_ENTRY_BYTES, entry.end)
    return next((found for found in _boxes(file, inner) if found.kind == b"clap"), None)


def _aperture_crop(file: BinaryIO, box: _Box, width_px: int, height_px: int) -> Crop:
    """Turn a clean aperture (size, and offset of its centre) into a crop, rounded as FFmpeg does.

    Source: ISO 14496-12, 12.1.4; FFmpeg 7.1, `mov_read_clap`.
    """
    values = [box.number(file, 4 * position, 4) for position in range(8)]
    signed = [value - (1 << 32) if value >> 31 else value for value in values]
    if not all(signed[1::2]):
        return Crop()
    width, height, right, down = (
        Fraction(above, below) for above, below in zip(signed[::2], signed[1::2], strict=True)
    )
    if not (0 < width <= width_px and 0 < height <= height_px):
        return Crop()
    first_column, last_column = (
        Fraction(width_px - 1, 2) + right + side * (width - 1) / 2 for side in (-1, 1)
    )
    first_line, last_line = (
        Fraction(height_px - 1, 2) + down + side * (height - 1) / 2 for side in (-1, 1)
    )
    outside = (first_column, width_px - 1 - last_column, first_line, height_px - 1 - last_line)
    if min(outside) < 0:
        return Crop()
    left, right_side, top, bottom = map(int, outside)
    return Crop(left, top, right_side, bottom)


def _first(boxes: Iterator[_Box], kind: bytes) -> _Box:
    found = next((box for box in boxes if box.kind == kind), None)
    if found is None:
        raise _UnusualError
    return found


def _boxes(file: BinaryIO, parent: _Box) -> Iterator[_Box]:
    """Yield the boxes inside a box."""
    position = parent.start
    for _ in range(_MAX_BOXES):
        if position + 8 > parent.end:
            return
        head = _read(file, position, 8)
        size, header = int.from_bytes(head[:4]), 8
        if size == 1:
            size, header = int.from_bytes(_read(file, position + 8, 8)), 16
        elif size == 0:
            size = parent.end - position
        if size < header or position + size > parent.end:
            return
        yield _Box(head[4:], position + header, position + size)
        position += size


_SEGMENT, _TRACKS, _TRACK = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae"
_TRACK_TYPE, _VIDEO = b"\x83", b"\xe0"
_VIDEO_TRACK = 1
_PIXEL_CROPS: Final = {b"\x54\xcc": 0, b"\x54\xbb": 1, b"\x54\xdd": 2, b"\x54\xaa": 3}
"""Left, top, right, bottom."""


def _read_matroska(file: BinaryIO, number: int) -> Crop:
    """Return the crop of the video track of a number, from 0."""
    whole = _Box(b"", 0, file.seek(0, os.SEEK_END))
    segment = _first(_elements(file, whole), _SEGMENT)
    tracks = _first(_elements(file, segment), _TRACKS)
    for track in _elements(file, tracks):
        if track.kind != _TRACK:
            continue
        elements = {element.kind: element for element in _elements(file, track)}
        kind = elements.get(_TRACK_TYPE)
        if kind is None or _unsigned(file, kind) != _VIDEO_TRACK:
            continue
        if number:
            number -= 1
            continue
        sides = [0, 0, 0, 0]
        for element in _elements(file, elements[_VIDEO]) if _VIDEO in elements else ():
            if element.kind in _PIXEL_CROPS:
                sides[_PIXEL_CROPS[element.kind]] = _unsigned(file, element)
        return Crop(*sides)
    raise _UnusualError


def _unsigned(file: BinaryIO, element: _Box) -> int:
    count = element.end - element.start
    if count > 8:
        raise _UnusualError
    return element.number(file, 0, count)


def _elements(file: BinaryIO, parent: _Box) -> Iterator[_Box]:
    """Yield the elements inside an element; one of unknown length ends with its parent."""
    position = parent.start
    for _ in range(_MAX_BOXES):
        if position >= parent.end:
            return
        kind, _ = _variable_length(file, position, keep_marker=True)
        start = position + len(kind)
        length, is_unknown = _variable_length(file, start, keep_marker=False)
        start += len(length)
        end = parent.end if is_unknown else start + int.from_bytes(length)
        yield _Box(kind, start, min(end, parent.end))
        position = end


def _variable_length(file: BinaryIO, position: int, *, keep_marker: bool) -> tuple[bytes, bool]:
    """Read an EBML number; return its bytes, and whether all its bits are ones (unknown)."""
    first = _read(file, position, 1)[0]
    width = 9 - first.bit_length()
    if width > 8:
        raise _UnusualError
    data = _read(file, position, width)
    marker = 1 << (7 * width)
    value = int.from_bytes(data) & (marker - 1)
    return (data if keep_marker else value.to_bytes(width)), value == marker - 1
