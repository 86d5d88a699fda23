"""Decodes clips on a Ray cluster: one clip at a time on each actor, results sent back.

The machine that builds keeps the results, so that nodes need no disk in common with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builders.engine.clip_work import BrokenClip, ClipTask, DecodedClip, keep_clip, read_whole
from builders.engine.pool import Crash, Overtime
from builders.engine.ray_worker import NodeWorker, SentClip, deciding_versions
from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.ray_cluster import ray_cluster
from dvtr_bench.runtime.ray_crew import CrewPlan, Died, HandedOut, Overran, RayCrew

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builders.engine.decode import Outcome
    from builders.engine.settings import BuildSettings


def stage_on_ray(
    tasks: Iterable[ClipTask], count: int, settings: BuildSettings, folder: Path
) -> Iterator[tuple[int, Outcome]]:
    """Decode clips on a Ray cluster and keep the results here.

    Args:
        tasks: The clips.
        count: How many.
        settings: Says which cluster, how many workers and how long a clip may take.
        folder: Where finished clips are kept, on this machine.

    Yields:
        The index of a clip and what became of it, in the order in which they end.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: There is no such cluster, its nodes have other versions, or it gives no
            workers.
    """
    kept = frozenset(path.stem for path in folder.glob("*.arrow") if read_whole(path))
    plan: CrewPlan[ClipTask, DecodedClip | BrokenClip] = CrewPlan(
        actor=NodeWorker,
        arguments=(kept,),
        resources={"num_cpus": 1},
        versions=deciding_versions(),
        label=lambda task: task.footage.label,
        again=lambda task, answer: _sent_along(task, answer, folder),
        needs="Every node needs this dvtr-bench (pip install 'dvtr-bench[ray]'), and room for a "
        "clip in its folder for temporary files",
        seconds_limit=settings.clip_seconds_limit,
    )
    with ray_cluster(settings.address) as ray:
        workers = settings.workers or int(ray.cluster_resources().get("CPU", 1))
        for index, outcome in RayCrew(ray, plan).work_through(tasks, min(workers, count)):
            if isinstance(outcome, Died):
                yield index, Crash(None, outcome.attempts)
            elif isinstance(outcome, Overran):
                yield index, Overtime(outcome.seconds)
            elif isinstance(outcome, BrokenClip):
                yield index, outcome
            elif not isinstance(outcome, HandedOut):
                yield index, keep_clip(outcome, folder)


def _sent_along(task: ClipTask, answer: DecodedClip | BrokenClip, folder: Path) -> ClipTask | None:
    """Return a task that takes the clip's bytes along where the node cannot see the clip.

    None where it can, or where it cannot be read here either.
    """
    footage = task.footage
    seen = not isinstance(answer, BrokenClip) or answer.identity is not None
    if seen or isinstance(footage, SentClip):
        return None
    try:
        with footage.opened(folder) as path:
            sent = SentClip(footage, footage.identity(), path.suffix, path.read_bytes())
    except (ClipError, OSError):
        return None
    return replace(task, footage=sent)
