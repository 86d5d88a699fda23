"""How long a container file says it is, read from its own boxes.

Headers lie about frame counts, but a box that reaches past the end of the file is a sure sign that
the file was cut off: no healthy clip has one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_MP4_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_RIFF_UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF})


@dataclass(frozen=True)
class ContainerSize:
    """What a container file says about its own length.

    Attributes:
        declared_bytes: Where its last box ends; None where the format does not say.
        actual_bytes: The size of the file.
        lacks_index: An MP4 or QuickTime file without the `moov` box that lists its frames.
    """

    declared_bytes: int | None
    actual_bytes: int
    lacks_index: bool

    @property
    def is_cut_off(self) -> bool:
        """Whether the file is shorter than its own boxes say."""
        return self.declared_bytes is not None and self.declared_bytes > self.actual_bytes


def read_container_size(path: Path) -> ContainerSize:
    """Read how long an MP4, AVI or Matroska file says it is.

    Args:
        path: The clip.

    Returns:
        The declared and the actual size. Formats without a size of their own (MPEG-TS, FLV, ASF)
        and files that are not containers at all give None for the declared one.

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
    """Walk the top-level boxes: where the last one ends, and whether `moov` is missing."""
    offset, has_index = 0, False
    while offset + 8 <= actual_bytes:
        file.seek(offset)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4]), head[4:8]
        if not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
            break  # trailing bytes that are no box: players ignore them, so do we
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
    """Walk the RIFF chunks (files over 1 GB have several) to where the last one ends."""
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
    return offset - 1 if offset == actual_bytes + 1 else offset  # the last padding byte may lack


def _matroska_end(file: BinaryIO) -> int | None:
    """Where the Segment element ends; None for live streams, which do not say."""
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
    """Read one EBML length: leading zeros give its width, all ones mean unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    mask = (1 << (7 * width)) - 1
    value = int.from_bytes(first + file.read(width - 1)) & mask
    return None if value == mask else value
