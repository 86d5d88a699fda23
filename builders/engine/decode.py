"""Decodes all clips of a source, going on where an earlier run stopped.

The one place that chooses between this machine and a Ray cluster.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builders.engine.clip_work import BrokenClip, ClipTask, StagedClip, stage_clip
from builders.engine.pool import Crash, Overtime, run_tasks
from builders.engine.settings import BuildSettings, FrameSettings
from builders.engine.staging import Staging
from builders.sources.packed import Packed
from builders.sources.source import Clip, Source
from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.progress import progress_bar

Outcome = StagedClip | BrokenClip | Crash | Overtime
"""What becomes of a clip, whoever decodes it."""


class StagedClips(Mapping[str, StagedClip]):
    """What decoding kept, by video id, packed: memory hardly grows with the columns of clips."""

    def __init__(self) -> None:
        """Start with none."""
        self._clips: Packed[StagedClip] = Packed(())
        self._places: dict[str, int] = {}

    def add(self, video_id: str, clip: StagedClip) -> None:
        """Take one more clip."""
        self._places[video_id] = len(self._clips)
        self._clips.append(clip)

    def __getitem__(self, video_id: str) -> StagedClip:
        """Return the clip of a video."""
        return self._clips[self._places[video_id]]

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, in the order in which the clips were added."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._places)


@dataclass(frozen=True)
class Decoded:
    """What came of the clips.

    Attributes:
        staged: By video id: where the clip's columns are kept.
        broken: Clips that cannot be decoded, with the reason.
        broken_identities: By video id, of the broken clips; None where one cannot even be read.
    """

    staged: Mapping[str, StagedClip]
    broken: tuple[tuple[Clip, str], ...]
    broken_identities: Mapping[str, str | None]

    @property
    def identities(self) -> dict[str, str | None]:
        """By video id: hash of what its pixels depend on, for whole and broken clips."""
        whole = {video_id: clip.identity for video_id, clip in self.staged.items()}
        return {**whole, **self.broken_identities}


def decode_clips(source: Source, settings: BuildSettings, staging: Staging) -> Decoded:
    """Decode every clip that is not kept from an earlier run.

    Args:
        source: With footage for every clip.
        settings: With frame settings.
        staging: Where finished clips are kept.

    Returns:
        One outcome for each clip, whatever order they end in.
    """
    frames = settings.frames
    if frames is None:
        return Decoded({}, (), {})
    staged = StagedClips()
    hashes: dict[str, str | None] = {}
    broken: dict[int, str] = {}
    with progress_bar("decode clips", len(source.clips), enabled=settings.progress) as advance:
        for index, outcome in stage_clips(source, frames, settings, staging.clips):
            clip = source.clips[index]
            if isinstance(outcome, Crash | Overtime):
                message = f"{clip.footage.label if clip.footage else ''}: {outcome}"
                outcome = BrokenClip(_identity(clip), message)
            if isinstance(outcome, StagedClip):
                staged.add(clip.video_id, outcome)
            else:
                hashes[clip.video_id] = outcome.identity
                broken[index] = outcome.message
            advance(note=f"{len(broken)} broken" if broken else None)
    reasons = tuple((source.clips[index], broken[index]) for index in sorted(broken))
    return Decoded(staged, reasons, hashes)


def stage_clips(
    source: Source, frames: FrameSettings, settings: BuildSettings, folder: Path
) -> Iterator[tuple[int, Outcome]]:
    """Decode clips and keep them, on this machine or on many: the result is the same.

    Args:
        source: With footage for every clip.
        frames: How frames are made.
        settings: Says which executor, how many workers and how long a clip may take.
        folder: Where finished clips are kept, on this machine.

    Returns:
        Yields the index of a clip and what became of it, in the order in which they end.

    Raises:
        BuildError: Workers cannot be started, or the cluster cannot be used.
    """
    tasks = (
        ClipTask(clip.footage, frames, folder, source.extra_fields)
        for clip in source.clips
        if clip.footage is not None
    )
    if settings.executor == "ray":
        from builders.engine.ray_pool import stage_on_ray

        return stage_on_ray(tasks, len(source.clips), settings, folder)
    workers = min(settings.local_workers, len(source.clips))
    return run_tasks(stage_clip, tasks, workers, seconds_limit=settings.clip_seconds_limit)


def identities(clips: Sequence[Clip], workers: int) -> dict[str, str | None]:
    """Hash what the pixels of clips depend on, without decoding them.

    Args:
        clips: Clips, with or without footage.
        workers: How many processes.

    Returns:
        By video id; None where there is no clip or it cannot be read.
    """
    # Hashing crashes nothing: one worker more would only cost its start.
    processes = min(workers, len(clips)) if workers > 1 else 0
    found: dict[str, str | None] = {}
    for index, outcome in run_tasks(_identity, clips, processes):
        lost = isinstance(outcome, Crash | Overtime)
        found[clips[index].video_id] = None if lost else outcome  # type: ignore[assignment]
    return found


def _identity(clip: Clip) -> str | None:
    try:
        return clip.footage.identity() if clip.footage else None
    except ClipError:
        return None
