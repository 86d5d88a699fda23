"""The work of a worker on parts of one file: decode them in one pass and store their columns.

If the worker shares no disk with the build, `decode_segments` runs on the worker's machine and
`keep_clip` on the build's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from builders.engine.clip_work import (
    BrokenClip,
    DecodedClip,
    StagedClip,
    clip_key,
    clip_table,
    encode_frames,
    keep_clip,
    kept_path,
    opened_footage,
    read_whole,
    staged_clip,
)
from builders.engine.settings import FrameSettings
from builders.sources.segments import ClipSegment
from builders.sources.source import Footage
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
