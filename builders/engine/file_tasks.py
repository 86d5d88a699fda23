"""The work on a source's clips, file by file: parts of one file are decoded in one pass."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from builders.engine.clip_work import (
    BrokenClip,
    ClipTask,
    DecodedClip,
    StagedClip,
    clip_key,
    clip_table,
    encode_frames,
    keep_clip,
    kept_path,
    opened_footage,
    read_whole,
    stage_clip,
    staged_clip,
)
from builders.engine.pool import Crash, TimedOut
from builders.engine.settings import FrameSettings
from builders.sources.segments import ClipSegment
from builders.sources.source import Clip, Footage, Source
from dvtr_bench.errors import ClipError
from dvtr_bench.video.extract import ExtractedSegment, extract_segments


@dataclass(frozen=True, slots=True)
class SegmentsTask:
    """Several parts of one file, to be decoded in one pass over it.

    Attributes:
        segments: The parts; all have the same file as `ClipSegment.whole`.
        settings: How frames are made.
        folder: As of a `ClipTask`.
        extra_fields: As of a `ClipTask`.
    """

    segments: tuple[ClipSegment, ...]
    settings: FrameSettings
    folder: Path
    extra_fields: tuple[pa.Field, ...]

    @property
    def whole(self) -> Footage:
        """The file."""
        return self.segments[0].whole


def stage_segments(task: SegmentsTask) -> tuple[StagedClip | BrokenClip, ...]:
    """Decode and store parts of one file, except those that an earlier run stored.

    Args:
        task: The parts.

    Returns:
        For each part the stored clip, or why it cannot be decoded.

    Raises:
        OSError: The columns cannot be written.
    """
    decoded = decode_segments(task, lambda key: bool(read_whole(kept_path(task.folder, key))))
    return tuple(
        clip if isinstance(clip, BrokenClip) else keep_clip(clip, task.folder) for clip in decoded
    )


def decode_segments(
    task: SegmentsTask, is_kept: Callable[[str], bool]
) -> Iterator[DecodedClip | BrokenClip]:
    """Decode parts of one file in one pass, except those that an earlier run stored.

    Args:
        task: The parts.
        is_kept: Takes a key; returns whether an earlier run stored a clip under it.

    Yields:
        For each part, in order, the decoded clip, or why it cannot be decoded.
    """
    try:
        whole_identity = task.whole.identity()
    except ClipError as failure:
        yield from (BrokenClip(None, str(failure)) for _ in task.segments)
        return
    identities = [segment.identity_in(whole_identity) for segment in task.segments]
    keys = [clip_key(task.settings, task.extra_fields, identity) for identity in identities]
    new = [number for number, key in enumerate(keys) if not is_kept(key)]
    try:
        extracted = dict(zip(new, _extract_segments(task, new, whole_identity), strict=True))
    except ClipError as failure:  # of the file, so of all its parts that are not stored
        extracted = dict.fromkeys(new, failure)
    for number, identity in enumerate(identities):
        segment = extracted.pop(number, None)
        if isinstance(segment, ClipError):
            yield BrokenClip(identity, str(segment))
        else:
            table = segment and clip_table(segment, segment.packed, {}, task.extra_fields)
            yield DecodedClip(identity, keys[number], table)


def kept_segments(task: SegmentsTask, message: str) -> tuple[StagedClip | BrokenClip, ...]:
    """Return the parts of a file that are stored, when its worker has ended before its result.

    Args:
        task: The parts.
        message: Why the others are broken.

    Returns:
        For each part the clip that an earlier run stored; the others are broken.
    """
    try:
        whole_identity = task.whole.identity()
    except ClipError:
        return tuple(BrokenClip(None, message) for _ in task.segments)
    outcomes: list[StagedClip | BrokenClip] = []
    for segment in task.segments:
        identity = segment.identity_in(whole_identity)
        clip = DecodedClip(identity, clip_key(task.settings, task.extra_fields, identity), None)
        stored = read_whole(kept_path(task.folder, clip.key))
        outcomes.append(staged_clip(clip, stored[0]) if stored else BrokenClip(identity, message))
    return tuple(outcomes)


def _extract_segments(
    task: SegmentsTask, numbers: Sequence[int], whole_identity: str
) -> list[ExtractedSegment[list[bytes]] | ClipError]:
    """Decode some of the parts; messages name the part."""
    results: dict[int, ExtractedSegment[list[bytes]] | ClipError] = {}
    windows = {}
    for number in numbers:
        try:
            windows[number] = task.segments[number].window()
        except ClipError as failure:
            results[number] = failure
    if windows:
        with opened_footage(task.whole, task.folder) as clip:
            extracted = extract_segments(
                clip,
                list(windows.values()),
                task.settings.sampling,
                lambda frames: encode_frames(frames, task.settings),
                short_side_px=task.settings.short_side_px,
                clip_sha256=whole_identity if task.whole.identity_is_sha256 else None,
            )
            for number, result in zip(windows, extracted, strict=True):
                if isinstance(result, ClipError):
                    # Damage to the file is said with its name, other failures without.
                    result = ClipError(str(result).removeprefix(f"{clip}: "))
                results[number] = result
    named = []
    for number in numbers:
        result = results[number]
        if isinstance(result, ClipError):
            result = ClipError(f"{task.whole.label}: {result}")
        named.append(result)
    return named


Outcome = StagedClip | BrokenClip | Crash | TimedOut
"""The result of decoding one clip."""

Task = ClipTask | SegmentsTask
"""The work on one file."""

_REACH_SECONDS: Final = 600.0


def seconds_limit(clip_seconds_limit: float, task: Task) -> float:
    """Return the time limit of a task.

    Args:
        clip_seconds_limit: That of one clip.
        task: A clip, or parts of a file.

    Returns:
        The limit of one clip. For parts of a file as much for every ten minutes of it up to the
        end of the last part, since all that precedes it must be decoded.
    """
    if isinstance(task, ClipTask):
        return clip_seconds_limit
    reach = max(end or start for start, end in (segment.segment for segment in task.segments))
    return clip_seconds_limit * max(1.0, reach / _REACH_SECONDS)


def stage(task: Task) -> StagedClip | BrokenClip | tuple[StagedClip | BrokenClip, ...]:
    """Decode and store a clip, or parts of a file: one result each."""
    return stage_clip(task) if isinstance(task, ClipTask) else stage_segments(task)


class FileTasks:
    """The work on a source's clips, file by file: parts of one file are one task."""

    def __init__(self, source: Source, frames: FrameSettings, folder: Path) -> None:
        """Prepare to hand out the clips of a source, to be stored in a folder."""
        self._clips = source.clips
        self._extra_fields = source.extra_fields
        self._frames = frames
        self._folder = folder
        self._running: dict[int, tuple[tuple[int, ...], Task]] = {}

    def tasks(self) -> Iterator[Task]:
        """Yield one task a file, in the order of the files' first clips."""
        common = self._frames, self._folder, self._extra_fields
        for number, indices in enumerate(each_file(self._clips)):
            footage = [self._clips[index].footage for index in indices]
            segments = tuple(one for one in footage if isinstance(one, ClipSegment))
            task: Task
            if segments:
                task = SegmentsTask(segments, *common)
            elif footage[0] is not None:
                task = ClipTask(footage[0], *common)
            else:
                raise ValueError(f"clip {indices[0]} of the source has no footage")
            self._running[number] = indices, task
            yield task

    def outcomes(
        self, number: int, result: Outcome | tuple[StagedClip | BrokenClip, ...]
    ) -> Iterator[tuple[int, Outcome]]:
        """Yield the index of each clip of a task and its result."""
        indices, task = self._running.pop(number)
        if isinstance(result, tuple):
            yield from zip(indices, result, strict=True)
        elif isinstance(task, SegmentsTask):
            message = f"{task.whole.label}: {result}"
            yield from zip(indices, kept_segments(task, message), strict=True)
        else:
            yield indices[0], result


def each_file(clips: Sequence[Clip]) -> Iterator[tuple[int, ...]]:
    """Yield the indices of the clips of each file.

    Args:
        clips: Clips, with or without footage. Only parts of files can share one.

    Yields:
        Indices, in the order of the files' first clips.
    """
    indices_by_file: dict[str, array[int]] = {}
    for index, clip in enumerate(clips):
        if isinstance(clip.footage, ClipSegment):
            indices_by_file.setdefault(clip.footage.whole.label, array("l")).append(index)
    for index, clip in enumerate(clips):
        if not isinstance(clip.footage, ClipSegment):
            yield (index,)
        elif indices := indices_by_file.pop(clip.footage.whole.label, None):
            yield tuple(indices)


def identities_of_file(of_file: tuple[Footage | None, ...]) -> tuple[str | None, ...]:
    """Return the identities of the clips of one file, which is read once.

    Args:
        of_file: A clip, or parts of one file.

    Returns:
        Hashes of everything that the pixels depend on; None without footage or if it cannot be
        read.
    """
    first = of_file[0]
    try:
        if not isinstance(first, ClipSegment):
            return (first.identity() if first else None,)
        whole_identity = first.whole.identity()
    except ClipError:
        return (None,) * len(of_file)
    parts = (part for part in of_file if isinstance(part, ClipSegment))
    return tuple(part.identity_in(whole_identity) for part in parts)
