"""Actors on a Ray cluster that work through tasks, one at a time each.

If an actor dies, alone or with its node, another actor repeats its task. A task that kills its
process cannot be told from a machine that runs out of memory, so a task is given up after
`ATTEMPTS` attempts. There are never more pending answers than actors.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from dvtr_bench.errors import ClusterError
from dvtr_bench.runtime.interrupts import POLL_SECONDS, SuspensionClock
from dvtr_bench.runtime.ray_cluster import require_same_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from types import ModuleType

ATTEMPTS: Final = 3
"""Deaths of actors on one task before it is given up."""

START_SECONDS: Final = 300.0
"""How long to wait for a first actor: an autoscaling cluster starts machines first."""

STARTS_IN_VAIN: Final = 10
"""Actors in a row that may end before their first task."""

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class NodeActor(Protocol):
    """A worker on a node, in its own process."""

    def introduce(self) -> tuple[str, Mapping[str, str]]:
        """Return the node's name, and versions of everything that results depend on."""
        ...

    def work(self, task: Any) -> Any:
        """Do a task."""
        ...


@dataclass(frozen=True)
class HandedOut:
    """An actor has begun a task.

    Attributes:
        node: Its node.
    """

    node: str


@dataclass(frozen=True)
class Died:
    """Actors died on a task, one after the other, until it was given up.

    Attributes:
        attempts: Number of actors.
    """

    attempts: int


@dataclass(frozen=True)
class Overran:
    """An actor took too long for a task and was killed.

    Attributes:
        seconds: Its time limit.
    """

    seconds: float


@dataclass(frozen=True)
class _Job(Generic[Task]):
    """One task, and how many actors died on it."""

    index: int
    task: Task
    deaths: int = 0


@dataclass
class _Worker(Generic[Task]):
    """An actor with a pending answer.

    Attributes:
        actor: The handle; None once it is dead.
        node: Its node; empty while it starts.
        job: Its task; None while it starts.
        deadline: Time at which it is killed.
    """

    actor: Any
    node: str = ""
    job: _Job[Task] | None = None
    deadline: float | None = None


@dataclass(frozen=True)
class CrewPlan(Generic[Task, Answer]):
    """The tasks of a crew, and its settings.

    Attributes:
        actor: The class of its actors: a `NodeActor`.
        arguments: Arguments of its constructor.
        resources: Resources of one actor, as Ray takes them.
        versions: Versions that every node must have.
        label: Returns the name of a task for messages.
        again: Returns a task to do instead, if an answer is not sufficient, such as one that
            carries files that the node cannot read; None if it is.
        needs: What a node needs, for messages.
        seconds_limit: Returns the time limit of a task; None for no limits.
    """

    actor: type[NodeActor]
    arguments: tuple[Any, ...]
    resources: Mapping[str, float]
    versions: Mapping[str, str]
    label: Callable[[Task], str]
    again: Callable[[Task, Answer], Task | None]
    needs: str
    seconds_limit: Callable[[Task], float] | None = None


class RayCrew(Generic[Task, Answer]):
    """The actors that work through a set of tasks.

    Args:
        ray: The module, connected to a cluster.
        plan: Their tasks and settings.
    """

    def __init__(self, ray: ModuleType, plan: CrewPlan[Task, Answer]) -> None:
        """Prepare the actors without starting any."""
        self._ray = ray
        self._plan = plan
        options = {**plan.resources, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        self._remote = ray.remote(**options)(plan.actor)
        self._arguments = [ray.put(argument) for argument in plan.arguments]
        self._awaited: dict[Any, _Worker[Task]] = {}
        self._again: deque[_Job[Task]] = deque()
        self._starts_in_vain = 0

    def work_through(
        self, tasks: Iterable[Task], workers: int
    ) -> Iterator[tuple[int, HandedOut | Answer | Died | Overran]]:
        """Do all tasks.

        Args:
            tasks: Handed out one by one, in order.
            workers: Number of actors.

        Yields:
            The index of a task and its outcome, in the order in which they happen.

        Raises:
            ClusterError: The cluster gives no actors, its nodes have other versions, or an actor
                cannot work at all.
        """
        try:
            for _ in range(workers):
                self._hire()
            yield from self._work_through(tasks)
        finally:
            for worker in self._awaited.values():
                self._ray.kill(worker.actor)
            self._awaited.clear()

    def _work_through(
        self, tasks: Iterable[Task]
    ) -> Iterator[tuple[int, HandedOut | Answer | Died | Overran]]:
        numbered: Iterator[_Job[Task]] = itertools.starmap(_Job, enumerate(tasks))
        jobs: Iterator[_Job[Task] | None] = itertools.chain(numbered, [None])
        upcoming = next(jobs)
        clock = SuspensionClock()
        last_at_work = time.monotonic()
        while upcoming or self._again or self._is_anyone_at_work():
            done, _ = self._ray.wait(list(self._awaited), timeout=POLL_SECONDS)
            suspended = clock.seconds_suspended()
            yield from self._replace_overdue(done, suspended)
            for answer in done:
                worker = self._awaited.pop(answer)
                outcome = self._receive(answer, worker)
                if worker.job is not None and outcome is not None:
                    yield worker.job.index, outcome
                if worker.actor is None:
                    self._hire()
                    continue
                if self._again:
                    job = self._again.popleft()
                elif upcoming:
                    job, upcoming = upcoming, next(jobs)
                else:
                    self._ray.kill(worker.actor)
                    continue
                yield job.index, self._hand_out(worker, job)
            if self._is_anyone_at_work():
                last_at_work = time.monotonic()
            elif time.monotonic() - suspended - last_at_work > START_SECONDS:
                raise ClusterError(self._no_worker_message())

    def _hire(self) -> None:
        """Request one more actor from the cluster."""
        worker: _Worker[Task] = _Worker(self._remote.remote(*self._arguments))
        self._awaited[worker.actor.introduce.remote()] = worker

    def _is_anyone_at_work(self) -> bool:
        return any(worker.job for worker in self._awaited.values())

    def _hand_out(self, worker: _Worker[Task], job: _Job[Task]) -> HandedOut:
        worker.job = job
        if self._plan.seconds_limit is not None:
            worker.deadline = time.monotonic() + self._plan.seconds_limit(job.task)
        self._awaited[worker.actor.work.remote(job.task)] = worker
        return HandedOut(worker.node)

    def _replace_overdue(
        self, done: Collection[Any], suspended: float
    ) -> Iterator[tuple[int, Overran]]:
        """Replace actors past their deadline, not counting time in which we were suspended."""
        for answer, worker in list(self._awaited.items()):
            if worker.job is None or worker.deadline is None or self._plan.seconds_limit is None:
                continue
            worker.deadline += suspended
            if worker.deadline <= time.monotonic() and answer not in done:
                del self._awaited[answer]
                self._ray.kill(worker.actor)
                self._hire()
                yield worker.job.index, Overran(self._plan.seconds_limit(worker.job.task))

    def _receive(self, answer: Any, worker: _Worker[Task]) -> Answer | Died | None:
        """Receive an answer; None if there is no outcome yet, or no job."""
        try:
            answered = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as failure:
            task_name = self._plan.label(worker.job.task) if worker.job else "its start"
            raise ClusterError(
                f"a worker on the Ray cluster failed at {task_name}: "
                f"{type(failure.cause).__name__}: {failure.cause}. {self._plan.needs}"
            ) from failure
        except self._ray.exceptions.RayError as failure:
            return self._retry_task(worker, failure)
        if worker.job is None:
            worker.node, versions = answered
            require_same_versions(worker.node, versions, self._plan.versions)
            self._starts_in_vain = 0
            return None
        other = self._plan.again(worker.job.task, answered)
        if other is not None:
            self._again.append(replace(worker.job, task=other))
            return None
        return answered  # type: ignore[no-any-return]

    def _retry_task(self, worker: _Worker[Task], failure: Exception) -> Died | None:
        """Repeat the task of a dead actor; return `Died` after the last attempt."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(worker.actor)
        worker.actor = None
        if worker.job is None:
            self._starts_in_vain += 1
            if self._starts_in_vain == STARTS_IN_VAIN:
                raise ClusterError(
                    f"workers on the Ray cluster end as they start, {STARTS_IN_VAIN} in a row: "
                    f"{failure}"
                ) from failure
            return None
        deaths = worker.job.deaths + 1
        if deaths == ATTEMPTS:
            return Died(deaths)
        self._again.append(replace(worker.job, deaths=deaths))
        return None

    def _no_worker_message(self) -> str:
        alive = sum(node["Alive"] for node in self._ray.nodes())
        cores = self._ray.cluster_resources().get("CPU", 0)
        return (
            f"the Ray cluster gave no worker within {START_SECONDS:g} seconds: it has {alive} "
            f"nodes and {cores:g} cores, all of them dead, or taken by others. Look at "
            "`ray status`, and run the same command again: what is finished is kept"
        )
