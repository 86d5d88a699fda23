"""Where clips are decoded: the one place that chooses between this machine and a Ray cluster."""

from collections.abc import Iterator
from pathlib import Path

from builders.engine.clip_work import BrokenClip, ClipTask, StagedClip, stage_clip
from builders.engine.pool import Crash, Overtime, run_tasks
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.source import Source

Outcome = StagedClip | BrokenClip | Crash | Overtime
"""What becomes of a clip, whoever decodes it."""


def stage_clips(
    source: Source, frames: FrameSettings, settings: BuildSettings, folder: Path
) -> Iterator[tuple[int, Outcome]]:
    """Decode clips and keep them, on this machine or on many: the result is the same.

    Args:
        source: With footage for every clip.
        frames: How frames are made.
        settings: Says which executor, how many workers and how long a clip may take.
        folder: Where finished clips are kept, on this machine.

    Yields:
        The index of a clip and what became of it, in the order in which they end.

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
