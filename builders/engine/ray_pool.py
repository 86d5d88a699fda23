"""Decodes clips on a Ray cluster: one actor a worker, one clip at a time, results sent back.

The machine that builds keeps the results, so that nodes need no disk in common with it; no more
results are under way than there are workers. A worker that dies, with its node or alone, costs one
attempt at its clip, which another worker then makes. Nobody can tell a clip that kills its process
from a machine that runs out of memory, so a clip counts as broken after `ATTEMPTS` of them.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from builders.engine.clip_work import BrokenClip, ClipTask, is_kept, keep_clip
from builders.engine.pool import Crash, Overtime, SuspensionClock
from builders.engine.ray_cluster import ray_cluster
from builders.engine.ray_worker import NodeWorker, SentClip, deciding_versions
from dvtr_bench.errors import BuildError, ClipError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from builders.engine.executors import Outcome
    from builders.engine.settings import BuildSettings

ATTEMPTS: Final = 3
"""Workers that may die over one clip before it counts as broken."""

START_SECONDS: Final = 300.0
"""How long a cluster may give no worker at all: one that scales itself starts machines first."""

STARTS_IN_VAIN: Final = 10
"""Workers in a row that may end before they do anything."""

_POLL_SECONDS: Final = 1.0


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
        BuildError: Ray is not installed, there is no such cluster, its nodes have other versions,
            or it gives no workers.
    """
    with ray_cluster(settings.address) as ray:
        workers = settings.workers or int(ray.cluster_resources().get("CPU", 1))
        kept = frozenset(path.stem for path in folder.glob("*.arrow") if is_kept(path))
        crew = _Crew(ray, settings, folder, kept)
        try:
            for _ in range(min(workers, count)):
                crew.hire()
            yield from crew.work_through(tasks)
        finally:
            crew.dismiss_all()


@dataclass(frozen=True)
class _Job:
    """One clip, and how many workers died over it."""

    index: int
    task: ClipTask
    deaths: int = 0


@dataclass
class _Worker:
    """An actor that owes an answer.

    Attributes:
        actor: The handle.
        job: What it works on; None while it starts.
        deadline: When its time is up.
    """

    actor: Any
    job: _Job | None = None
    deadline: float | None = None


class _Crew:
    """The actors of one build, by the answer that is awaited from each."""

    def __init__(
        self, ray: ModuleType, settings: BuildSettings, folder: Path, kept: frozenset[str]
    ) -> None:
        self._ray = ray
        self._limit = settings.clip_seconds_limit
        self._folder = folder
        asked = {"num_cpus": 1, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        self._remote = ray.remote(**asked)(NodeWorker)
        self._kept = ray.put(kept)
        self._awaited: dict[Any, _Worker] = {}
        self._again: deque[_Job] = deque()
        self._starts_in_vain = 0

    def hire(self) -> None:
        """Ask the cluster for one more worker."""
        worker = _Worker(self._remote.remote(self._kept))
        self._awaited[worker.actor.introduce.remote()] = worker

    def dismiss_all(self) -> None:
        """End all workers, whatever they do."""
        for worker in self._awaited.values():
            self._ray.kill(worker.actor)
        self._awaited.clear()

    def work_through(self, tasks: Iterable[ClipTask]) -> Iterator[tuple[int, Outcome]]:
        """Have all tasks done."""
        jobs = itertools.chain(itertools.starmap(_Job, enumerate(tasks)), [None])
        upcoming = next(jobs)
        clock = SuspensionClock()
        last_at_work = time.monotonic()
        while upcoming or self._again or self._is_anyone_at_work():
            done, _ = self._ray.wait(list(self._awaited), timeout=_POLL_SECONDS)
            suspended = clock.seconds_suspended()
            yield from self._replace_overdue(done, suspended)
            for answer in done:
                worker = self._awaited.pop(answer)
                outcome = self._receive(answer, worker)
                if worker.job is not None and outcome is not None:
                    yield worker.job.index, outcome
                if worker.actor is None:
                    self.hire()
                elif self._again:
                    self._hand_out(worker, self._again.popleft())
                elif upcoming:
                    self._hand_out(worker, upcoming)
                    upcoming = next(jobs)
                else:
                    self._ray.kill(worker.actor)
            if self._is_anyone_at_work():
                last_at_work = time.monotonic()
            elif time.monotonic() - suspended - last_at_work > START_SECONDS:
                raise BuildError(self._no_worker_message())

    def _is_anyone_at_work(self) -> bool:
        return any(worker.job for worker in self._awaited.values())

    def _hand_out(self, worker: _Worker, job: _Job) -> None:
        worker.job = job
        worker.deadline = time.monotonic() + self._limit
        self._awaited[worker.actor.decode.remote(job.task)] = worker

    def _replace_overdue(
        self, done: Collection[Any], suspended: float
    ) -> Iterator[tuple[int, Overtime]]:
        """Replace workers that had their time, not counting a time in which we were suspended."""
        for answer, worker in list(self._awaited.items()):
            if worker.job is None or worker.deadline is None:
                continue
            worker.deadline += suspended
            if worker.deadline <= time.monotonic() and answer not in done:
                del self._awaited[answer]
                self._ray.kill(worker.actor)
                self.hire()
                yield worker.job.index, Overtime(self._limit)

    def _receive(self, answer: Any, worker: _Worker) -> Outcome | None:
        """Take an answer; None when there is no outcome yet, or never was a job."""
        try:
            answered = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as failure:
            place = worker.job.task.footage.label if worker.job else "its start"
            raise BuildError(
                f"a worker on the Ray cluster failed at {place}: "
                f"{type(failure.cause).__name__}: {failure.cause}. Every node needs this "
                "dvtr-bench (pip install 'dvtr-bench[ray]'), and room for a clip in its folder "
                "for temporary files"
            ) from failure
        except self._ray.exceptions.RayError as failure:
            return self._bury(worker, failure)
        if worker.job is None:
            check_versions(*answered)
            self._starts_in_vain = 0
            return None
        if isinstance(answered, BrokenClip):
            sent = _sent_along(worker.job, self._folder) if answered.identity is None else None
            if sent is None:
                return answered
            self._again.append(sent)
            return None
        return keep_clip(answered, self._folder)

    def _bury(self, worker: _Worker, failure: Exception) -> Crash | None:
        """Have the clip of a dead worker tried again; a `Crash` when that was done often enough."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(worker.actor)
        worker.actor = None
        if worker.job is None:
            self._starts_in_vain += 1
            if self._starts_in_vain == STARTS_IN_VAIN:
                raise BuildError(
                    f"workers on the Ray cluster end as they start, {STARTS_IN_VAIN} in a row: "
                    f"{failure}"
                ) from failure
            return None
        deaths = worker.job.deaths + 1
        if deaths == ATTEMPTS:
            return Crash(None, deaths)
        self._again.append(replace(worker.job, deaths=deaths))
        return None

    def _no_worker_message(self) -> str:
        alive = sum(node["Alive"] for node in self._ray.nodes())
        cores = self._ray.cluster_resources().get("CPU", 0)
        return (
            f"the Ray cluster gave no worker within {START_SECONDS:g} seconds: it has {alive} "
            f"nodes and {cores:g} cores, all of them dead, or taken by others. Look at "
            "`ray status`, and run the same command again: finished clips are kept"
        )


def check_versions(node: str, theirs: dict[str, str]) -> None:
    """Refuse a node that may make other bytes.

    Args:
        node: Its name.
        theirs: Its `deciding_versions`.

    Raises:
        BuildError: They are not ours.
    """
    ours = deciding_versions()
    differing = [
        f"{name} {theirs.get(name)} there, {version} here"
        for name, version in ours.items()
        if theirs.get(name) != version
    ]
    if differing:
        raise BuildError(
            f"the node {node} of the Ray cluster has other versions, and could make other bytes: "
            f"{'; '.join(differing)}. Install the same on all nodes"
        )


def _sent_along(job: _Job, folder: Path) -> _Job | None:
    """Return a job that takes the clip's bytes along; None when it cannot be read here either."""
    footage = job.task.footage
    if isinstance(footage, SentClip):
        return None
    try:
        with footage.opened(folder) as path:
            sent = SentClip(footage, footage.identity(), path.suffix, path.read_bytes())
    except (ClipError, OSError):
        return None
    return replace(job, task=replace(job.task, footage=sent))
