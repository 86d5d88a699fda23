"""Clips that are the same file under several ids, found before the splits are drawn."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from builders.sources.named_clips import NamedClip
from builders.sources.segments import ClipSegment
from builders.sources.source import Footage
from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.terminal import progress_bar

_SHOWN_FROM: Final = 100
"""Number of files from which hashing shows a progress bar."""

_UNKNOWN: Final = -1
"""In place of the size of a file that cannot be told."""


@runtime_checkable
class FileFootage(Footage, Protocol):
    """Footage in a file of its own, or in one file of a zip."""

    def disk_file(self) -> Path:
        """Return the file on disk that has its bytes: itself, or the zip."""
        ...

    def size_bytes(self) -> int:
        """Return the size of the clip."""
        ...


@dataclass(frozen=True, slots=True)
class _KnownHash:
    """The hash of a clip's bytes, and what its file looked like when it was hashed."""

    sha256: str
    stamp: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class HashedFootage:
    """Footage whose hash is known already, so that it is not read once more for it.

    Attributes:
        footage: The footage.
        known: Its hash.
    """

    footage: FileFootage
    known: _KnownHash

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.footage.label

    def identity(self) -> str:
        """Return the known hash; hash again if the file has changed since."""
        unchanged = _stamp(self.footage) == self.known.stamp
        return self.known.sha256 if unchanged else self.footage.identity()

    @property
    def identity_is_sha256(self) -> bool:
        """True."""
        return True

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Yield the file."""
        with self.footage.opened(scratch) as path:
            yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the footage's columns."""
        return self.footage.columns(frame_pts_seconds)


class ClipHashes:
    """Hashes of clips that were needed before the clips are decoded."""

    def __init__(self, find: Callable[[NamedClip], Footage | None]) -> None:
        """Start without hashes.

        Args:
            find: Returns a clip's footage; None if there is no file.
        """
        self._find = find
        self._known: dict[str, _KnownHash] = {}

    def footage(self, clip: NamedClip) -> Footage | None:
        """Return a clip's footage, with its hash if that is known."""
        footage = self._find(clip)
        known = self._known.get(clip.file) if clip.file else None
        whole = _whole(footage)
        if known is None or not isinstance(whole, FileFootage):
            return footage
        hashed = HashedFootage(whole, known)
        return replace(footage, whole=hashed) if isinstance(footage, ClipSegment) else hashed

    def sha256_of(self, clips: Iterable[NamedClip]) -> dict[str, str]:
        """Hash clips that are not hashed yet, with a progress bar if they are many.

        Args:
            clips: The clips.

        Returns:
            SHA-256 by video id, of the clips that have a readable file; of a part, its file's.
        """
        listed = [clip for clip in clips if clip.file is not None]
        by_file = {clip.file: clip for clip in listed if clip.file not in self._known}
        self._hash(list(by_file.values()))
        return {
            clip.video_id: self._known[clip.file].sha256
            for clip in listed
            if clip.file in self._known
        }

    def same_files(self, clip_of: Mapping[str, NamedClip]) -> list[tuple[str, ...]]:
        """Find clips of different names that are the same file, byte for byte, or parts of it.

        Only files of equal size are read.

        Args:
            clip_of: Clips by video id.

        Returns:
            Two or more ids for each such file, in the order of `clip_of`.
        """
        size_of: dict[str | None, int] = {}
        for clip in clip_of.values():
            if clip.file not in size_of:
                size_of[clip.file] = _size(_whole(self._find(clip)))
        counts = Counter(size for size in size_of.values() if size != _UNKNOWN)
        alike = [clip for clip in clip_of.values() if counts[size_of[clip.file]] > 1]
        sha256_of = self.sha256_of(alike)
        by_content: dict[str, list[str]] = {}
        for video_id in clip_of if alike else ():
            if sha256 := sha256_of.get(video_id):
                by_content.setdefault(sha256, []).append(video_id)
        return [
            tuple(ids)
            for ids in by_content.values()
            if len({clip_of[video_id].file for video_id in ids}) > 1
        ]

    def _hash(self, clips: Sequence[NamedClip]) -> None:
        with (
            progress_bar("compare files", len(clips), enabled=len(clips) >= _SHOWN_FROM) as advance,
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads,
        ):
            for clip, known in zip(clips, threads.map(self._hashed, clips), strict=True):
                if known is not None and clip.file is not None:
                    self._known[clip.file] = known
                advance()

    def _hashed(self, clip: NamedClip) -> _KnownHash | None:
        footage = _whole(self._find(clip))
        if not isinstance(footage, FileFootage) or not footage.identity_is_sha256:
            return None
        try:
            # The stamp comes first: a file that changes while it is read is hashed again later.
            stamp = _stamp(footage)
            return None if stamp is None else _KnownHash(footage.identity(), stamp)
        except ClipError:  # reported when the clip is decoded
            return None


def _whole(footage: Footage | None) -> Footage | None:
    return footage.whole if isinstance(footage, ClipSegment) else footage


def _stamp(footage: FileFootage) -> tuple[int, int, int] | None:
    try:
        status = footage.disk_file().stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _size(footage: Footage | None) -> int:
    # To ask a protocol is slow, and a table without clips has none for a million rows.
    if footage is None or not isinstance(footage, FileFootage):
        return _UNKNOWN
    try:
        return footage.size_bytes()
    except OSError:
        return _UNKNOWN
