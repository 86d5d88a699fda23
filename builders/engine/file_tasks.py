"""The work on a source's clips, file by file: parts of one file are decoded in one pass."""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from builders.engine.clip_work import BrokenClip, ClipTask, StagedClip, stage_clip
from builders.engine.pool import Crash, TimedOut
from builders.engine.segment_work import SegmentsTask, kept_segments, stage_segments
from builders.engine.settings import FrameSettings
from builders.sources.segments import ClipSegment
from builders.sources.source import Clip, Footage, Source
from dvtr_bench.errors import ClipError

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
