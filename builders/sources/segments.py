"""Footage that is a part of a longer file, and the columns that say which part."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from builders.sources.source import Clip, Footage
from dvtr_bench.video.windows import Window

SEGMENT_FIELDS: Final = (
    pa.field("segment_start_seconds", pa.float64()),
    pa.field("segment_end_seconds", pa.float64()),
)
"""The columns of a dataset whose clips may be parts of files; null for a whole file."""

SOURCE_VIDEO_FIELD: Final = pa.field("source_video", pa.string())
"""The column of published datasets of segments that names the video that a clip is a part of."""


class Segment(NamedTuple):
    """The times of a part of a file, as its table states them.

    Attributes:
        start_seconds: Its start, from the file's first frame.
        end_seconds: Its end; None for the file's own.
    """

    start_seconds: float
    end_seconds: float | None

    def __str__(self) -> str:
        """Return it for messages."""
        end = "its end" if self.end_seconds is None else f"{seconds_text(self.end_seconds)} s"
        return f"{seconds_text(self.start_seconds)} s to {end}"

    @property
    def suffix(self) -> str:
        """What an id made from the file's name ends in, such as ``_5_10``."""
        end = "end" if self.end_seconds is None else seconds_text(self.end_seconds)
        return f"_{seconds_text(self.start_seconds)}_{end}"

    def identity_in(self, file_identity: str) -> str:
        """Return a hash of everything that the pixels of this part of a file depend on.

        Args:
            file_identity: That of the file.

        Returns:
            64 hex digits.
        """
        start, end = self
        text = f"{file_identity} {float(start)!r} {None if end is None else float(end)!r}"
        return hashlib.sha256(text.encode()).hexdigest()

    def columns(self) -> dict[str, float | None]:
        """Return its values of `SEGMENT_FIELDS`."""
        names = (field.name for field in SEGMENT_FIELDS)
        return dict(zip(names, self, strict=True))


def seconds_text(seconds: float) -> str:
    """Return a time without needless digits.

    Example:
        >>> seconds_text(5.0), seconds_text(82.73)
        ('5', '82.73')
    """
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class ClipSegment:
    """A part of a file.

    All parts of one file are decoded in one pass over it.

    Attributes:
        whole: The footage of the file.
        segment: Which part.
    """

    whole: Footage
    segment: Segment

    @property
    def label(self) -> str:
        """The file and the times."""
        return f"{self.whole.label} ({self.segment})"

    def identity(self) -> str:
        """Return a hash of the file and the times."""
        return self.identity_in(self.whole.identity())

    def identity_in(self, whole_identity: str) -> str:
        """Return the same hash, given that of the file, which takes long to compute."""
        return self.segment.identity_in(whole_identity)

    @property
    def identity_is_sha256(self) -> bool:
        """False: it depends on the times too."""
        return False

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Yield the whole file."""
        with self.whole.opened(scratch) as path:
            yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return no columns: the times are known before decoding."""
        return {}

    def window(self) -> Window:
        """Return the part as decoding takes it.

        Raises:
            ClipError: The part is empty or reversed.
        """
        return Window.between(*self.segment)


class VideoPart(NamedTuple):
    """A published video, or a part of it, with its captions.

    Attributes:
        split: ``train``, ``validation`` or ``test``.
        video: Name of the video in the annotations.
        segment: The part; None for the whole video.
        captions: Its captions, verbatim.
        is_only_part: Whether the dataset has no other part of this video: then the id is the
            video's name, otherwise the times follow it.
    """

    split: str
    video: str
    segment: Segment | None
    captions: tuple[str, ...]
    is_only_part: bool

    def clip(self, footage_of: Mapping[str, Footage]) -> Clip:
        """Return its clip, with `SOURCE_VIDEO_FIELD` and `SEGMENT_FIELDS` as extra columns.

        Args:
            footage_of: Footage of whole videos, by name.
        """
        whole = footage_of.get(self.video)
        segment = self.segment
        times = segment.columns() if segment else {}
        return Clip(
            video_id=self.video + (segment.suffix if segment and not self.is_only_part else ""),
            captions=self.captions,
            split=self.split,
            footage=ClipSegment(whole, segment) if whole and segment else whole,
            extra={SOURCE_VIDEO_FIELD.name: self.video, **times},
        )


def paragraphs(
    split: str, sentences: Iterable[tuple[str, str]], segment: Segment | None = None
) -> Iterator[VideoPart]:
    """Join the sentences of each video to one caption, as paragraph retrieval does.

    Args:
        split: Name of the split.
        sentences: Pairs of video and sentence, in the order of the file.
        segment: The part of every video that counts; None for whole videos.

    Yields:
        One part a video, in the order of its first sentence; sentences are joined by a space.
    """
    by_video: dict[str, list[str]] = {}
    for video, sentence in sentences:
        by_video.setdefault(video, []).append(sentence)
    for video, listed in by_video.items():
        yield VideoPart(split, video, segment, (" ".join(listed),), True)


def moments(split: str, sentences: Iterable[tuple[str, Segment, str]]) -> Iterator[VideoPart]:
    """Collect the sentences of each moment of each video.

    Args:
        split: Name of the split.
        sentences: Triples of video, moment and sentence, in the order of the file.

    Yields:
        One part a moment, in the order of its first sentence.
    """
    by_moment: dict[tuple[str, Segment], list[str]] = {}
    for video, segment, sentence in sentences:
        by_moment.setdefault((video, segment), []).append(sentence)
    for (video, segment), listed in by_moment.items():
        yield VideoPart(split, video, segment, tuple(listed), False)
