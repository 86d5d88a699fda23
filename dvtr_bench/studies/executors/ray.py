"""Runs on a Ray cluster: one run at a time on each GPU, or on each core where there is no GPU.

Nodes need no disk in common: what they do not see is sent, and what they make comes back.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.runtime.checkpoint import RUN_FILE
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.ray_cluster import ray_cluster
from dvtr_bench.runtime.ray_crew import CrewPlan, Died, HandedOut, Overran, RayCrew
from dvtr_bench.studies.executors.events import Ended, Event, Failed, Gave, Started
from dvtr_bench.studies.executors.node import (
    BACKBONE,
    DATASET,
    Done,
    Lacks,
    NodeTask,
    SentFolder,
    StudyActor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from dvtr_bench.studies.carry_out import Means, Task

MARKER: Final = ".study-marker"
"""A file in the folder of runs, by which a node knows that it sees that very folder."""


def run_on_ray(
    tasks: Sequence[Task], *, out: Path, address: str | None, means: Means
) -> Iterator[Event]:
    """Carry runs out on a Ray cluster.

    Args:
        tasks: The runs, handed out in order.
        out: The folder of runs and results.
        address: Of the cluster; None for the one that this machine is in, or else a new one.
        means: Threads; nodes choose the device.

    Yields:
        What happens; what a run gave comes when it ends.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: There is no such cluster, its nodes have other versions, or it gives no
            workers.
    """
    from dvtr_bench.runtime.environment import library_versions

    if not tasks:
        return
    with ray_cluster(address) as ray, _marked(out) as marker:
        asked = [_node_task(task, marker) for task in tasks]
        gpus = int(ray.cluster_resources().get("GPU", 0))
        parcels = _Parcels(ray, tasks)
        plan: CrewPlan[NodeTask, Done | Lacks] = CrewPlan(
            actor=StudyActor,
            arguments=(replace(means, show_progress=False),),
            resources={"num_gpus": 1} if gpus else {"num_cpus": 1},
            versions=library_versions(),
            label=lambda task: task.task.run.label,
            again=parcels.added,
            needs="Every node needs this dvtr-bench (pip install 'dvtr-bench[ray]')",
        )
        number = gpus or int(ray.cluster_resources().get("CPU", 1))
        crew = RayCrew(ray, plan)
        for index, outcome in crew.work_through(asked, min(number, len(tasks))):
            yield from _told(index, outcome, tasks[index])


def _told(
    index: int, outcome: HandedOut | Done | Lacks | Died | Overran, task: Task
) -> Iterator[Event]:
    if isinstance(outcome, HandedOut):
        yield Started(index, outcome.node)
    elif isinstance(outcome, Done):
        if outcome.files:
            _put_in_place(task.folder, outcome.files)
        yield from (Gave(index, made) for made in outcome.made)
        yield Failed(index, outcome.failure) if outcome.failure else Ended(index)
    elif isinstance(outcome, Died):
        yield Failed(
            index,
            f"its worker died, {outcome.attempts} times in a row: the run crashes it, or the "
            "machines are out of memory",
        )


@contextmanager
def _marked(out: Path) -> Iterator[tuple[Path, str]]:
    """Put a file into the folder of runs by which nodes know it, and take it away again."""
    text = secrets.token_hex(16)
    (out / MARKER).write_text(text, encoding="utf-8")
    try:
        yield as_seen(out / MARKER), text
    finally:
        (out / MARKER).unlink(missing_ok=True)


def as_seen(path: Path) -> Path:
    """Return a path as nodes look for it."""
    return path.absolute()


def _node_task(task: Task, marker: tuple[Path, str]) -> NodeTask:
    run = task.run
    build = replace(run.dataset, folder=as_seen(run.dataset.folder))
    weights = run.backbone.weights
    return NodeTask(
        replace(task, run=replace(run, dataset=build), folder=task.folder.absolute()),
        marker,
        None if weights is None else as_seen(weights),
    )


class _Parcels:
    """What is sent to nodes that do not see it; put into Ray's object store once."""

    def __init__(self, ray: ModuleType, tasks: Sequence[Task]) -> None:
        self._ray = ray
        self._folders = {task.run.key: task.run for task in tasks}
        self._sent: dict[Path, SentFolder] = {}

    def added(self, asked: NodeTask, answer: Done | Lacks) -> NodeTask | None:
        """Return the task with what the node lacks, or None where it lacks nothing."""
        if not isinstance(answer, Lacks):
            return None
        run = self._folders[asked.task.run.key]
        places = {DATASET: run.dataset.folder, BACKBONE: run.backbone.weights}
        sent = {kind: self._parcel(place) for kind in answer.kinds if (place := places[kind])}
        return replace(asked, sent={**asked.sent, **sent})

    def _parcel(self, place: Path) -> SentFolder:
        if place not in self._sent:
            whole = [place] if place.is_file() else sorted(place.rglob("*"))
            files: dict[str, Any] = {
                path.relative_to(place.parent).as_posix(): self._ray.put(path.read_bytes())
                for path in whole
                if path.is_file()
            }
            key = hashlib.sha256(str(place.absolute()).encode()).hexdigest()[:16]
            self._sent[place] = SentFolder(key, place.name, files)
        return self._sent[place]


def _put_in_place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a run folder that came back; ``run.json``, which says what counts, last."""
    for stale in folder.glob("epoch-*"):
        shutil.rmtree(stale)
    for name in sorted(files, key=lambda name: (name == RUN_FILE, name)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as beside:
            beside.write_bytes(files[name])
