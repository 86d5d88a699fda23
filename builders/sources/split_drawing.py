"""Drawing of splits by seed: by the hash of each group's own name, or balanced over all groups.

Clips that are the same file under several ids are found before, so that they stay together.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args, runtime_checkable

from builders.sources.named_clips import NamedClip
from builders.sources.segments import ClipSegment
from builders.sources.source import Footage
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import ClipError, ConfigError
from dvtr_bench.runtime.terminal import progress_bar

DEFAULT_RATIOS: Final = "70/10/20"

Draw = Literal["stable", "balanced"]

_BITS: Final = 64
_ALONG_THE_LINE: Final = ("test", "validation", "train")
"""Splits in the order of their intervals. Test is first, and train the rest: another share for
validation moves no clip into or out of test."""


@dataclass(frozen=True)
class Drawing:
    """How splits are drawn.

    Attributes:
        seed: Seed of the draw.
        ratios: Shares of train, validation and test.
        draw: ``stable``: by the hash of each group's own name, so that new clips never move old
            ones. ``balanced``: sizes as close to the ratios as the groups allow, all drawn anew
            when clips are added.

    Raises:
        ConfigError: There is no such draw.
    """

    seed: int
    ratios: tuple[int, int, int]
    draw: Draw = "stable"

    def __post_init__(self) -> None:
        """Check the kind of draw."""
        if self.draw not in get_args(Draw):
            raise ConfigError(
                f"--draw {self.draw}: expected {' or '.join(get_args(Draw))}, see `--help`"
            )

    def split_of_groups(
        self, sizes: Mapping[str, int], kept: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Draw a split for each group.

        Args:
            sizes: Number of clips by group.
            kept: Splits of groups that are not drawn.

        Returns:
            Split by group, kept ones included.
        """
        kept = kept or {}
        draw = _draw_stable if self.draw == "stable" else _draw_balanced
        return draw(sizes, kept, self.seed, self.ratios)


def parse_ratios(text: str) -> tuple[int, int, int]:
    """Parse the shares of train, validation and test.

    Args:
        text: Three numbers such as ``70/10/20``; only their proportions matter.

    Returns:
        Three positive integers.

    Raises:
        ConfigError: The text has another form, or a share is 0.
    """
    parts = text.split("/")
    if len(parts) != len(SPLITS) or not all(part.isdecimal() and int(part) for part in parts):
        raise ConfigError(
            f"--ratios {text}: expected the shares of train, validation and test such as "
            f"{DEFAULT_RATIOS}, each above 0"
        )
    train, validation, test = map(int, parts)
    return train, validation, test


def draw_splits(group_of: Mapping[str, str], drawing: Drawing) -> dict[str, str]:
    """Draw a split for each clip.

    Args:
        group_of: Name of the group by video id; clips of one group get the same split.
        drawing: How splits are drawn. The result does not depend on the order of the clips.

    Returns:
        Split by video id, in the order of `group_of`. With at least three groups no split is empty.

    Example:
        >>> clips = {name: name for name in ("a", "b", "c", "d")}
        >>> first = draw_splits(clips, Drawing(seed=0, ratios=(1, 1, 1)))
        >>> grown = draw_splits({**clips, "e": "e"}, Drawing(seed=0, ratios=(1, 1, 1)))
        >>> [clip for clip in first if first[clip] != grown[clip]]
        []
    """
    split_of_group = drawing.split_of_groups(Counter(group_of.values()))
    return {clip: split_of_group[group] for clip, group in group_of.items()}


def _draw_stable(
    sizes: Mapping[str, int], kept: Mapping[str, str], seed: int, ratios: tuple[int, int, int]
) -> dict[str, str]:
    """Place each group on a line by its hash; each split has an interval of its share."""
    places = {group: int.from_bytes(_hash(seed, group)[: _BITS // 8], "big") for group in sizes}
    intervals = _intervals(ratios)
    split_of_group = {
        group: kept.get(group)
        or next(split for split, (_, end) in intervals.items() if places[group] < end)
        for group in sizes
    }
    # A small set may leave a split empty: the nearest group fills it, until another is drawn there.
    for split in _ALONG_THE_LINE:
        counts = Counter(split_of_group.values())
        free = [
            group
            for group, other in split_of_group.items()
            if group not in kept and counts[other] > 1
        ]
        if not counts[split] and free:
            start, end = intervals[split]
            nearest = min(free, key=lambda group: max(start - places[group], places[group] - end))
            split_of_group[nearest] = split
    return split_of_group


def _intervals(ratios: tuple[int, int, int]) -> dict[str, tuple[Fraction, Fraction]]:
    share_of = dict(zip(SPLITS, ratios, strict=True))
    intervals, start = {}, Fraction(0)
    for split in _ALONG_THE_LINE:
        end = start + Fraction(share_of[split] << _BITS, sum(ratios))
        intervals[split] = (start, end)
        start = end
    return intervals


def _draw_balanced(
    sizes: Mapping[str, int], kept: Mapping[str, str], seed: int, ratios: tuple[int, int, int]
) -> dict[str, str]:
    """Assign the largest groups first, each to the split that lacks the most clips."""
    groups = sorted(sizes, key=lambda group: (-sizes[group], _hash(seed, group)))
    lacking = {
        split: Fraction(share * sum(sizes.values()), sum(ratios))
        for split, share in zip(SPLITS, ratios, strict=True)
    }
    for group, split in kept.items():
        lacking[split] -= sizes[group]
    split_of_group = dict(kept)
    free = [group for group in groups if group not in kept]
    for group in free:
        split = max(SPLITS, key=lambda name: lacking[name])
        split_of_group[group] = split
        lacking[split] -= sizes[group]
    _fill_empty(free, split_of_group)
    return split_of_group


def _fill_empty(free: Sequence[str], split_of_group: dict[str, str]) -> None:
    """Move to each empty split the smallest free group of the split with the most groups."""
    for split in _ALONG_THE_LINE:
        counts = Counter(split_of_group.values())
        if counts[split] or not counts:
            continue
        largest, count = counts.most_common(1)[0]
        of_largest = [group for group in free if split_of_group[group] == largest]
        if count > 1 and of_largest:
            split_of_group[of_largest[-1]] = split


def _hash(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()


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
