"""Carry out runs on a Ray cluster: one at a time on each GPU, or on each core without GPUs.

Nodes need no shared disk: files that they cannot read are sent, and results are returned.
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
"""A file in the folder of runs, by which a node recognises that the folder is shared."""


def run_on_ray(
    tasks: Sequence[Task], *, out: Path, address: str | None, means: Means
) -> Iterator[Event]:
    """Carry out runs on a Ray cluster.

    Args:
        tasks: The runs, handed out in order.
        out: The folder of runs and results.
        address: Address of the cluster; None for the one of this machine, or a new one.
        means: Threads; nodes choose the device.

    Yields:
        Events; the results of a run come when it ends.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: There is no such cluster, its nodes have other versions, or it gives no
            workers.
    """
    from dvtr_bench.runtime.environment import library_versions

    if not tasks:
        return
    with ray_cluster(address) as ray, _marked(out) as marker:
        node_tasks = [_node_task(task, marker) for task in tasks]
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
        for index, outcome in crew.work_through(node_tasks, min(number, len(tasks))):
            yield from _events(index, outcome, tasks[index])


def _events(
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
    """Put a marker file into the folder of runs, and remove it at the end."""
    text = secrets.token_hex(16)
    with written_beside(out / MARKER) as beside:
        beside.write_text(text, encoding="utf-8")
    try:
        yield node_path(out / MARKER), text
    finally:
        (out / MARKER).unlink(missing_ok=True)


def node_path(path: Path) -> Path:
    """Return a path as nodes use it."""
    return path.absolute()


def _node_task(task: Task, marker: tuple[Path, str]) -> NodeTask:
    run = task.run
    build = replace(run.dataset, folder=node_path(run.dataset.folder))
    weights = run.backbone.weights
    return NodeTask(
        replace(task, run=replace(run, dataset=build), folder=task.folder.absolute()),
        marker,
        None if weights is None else node_path(weights),
    )


class _Parcels:
    """Folders sent to nodes that cannot read them; each is put into Ray's object store once."""

    def __init__(self, ray: ModuleType, tasks: Sequence[Task]) -> None:
        self._ray = ray
        self._folders = {task.run.key: task.run for task in tasks}
        self._sent: dict[Path, SentFolder] = {}

    def added(self, node_task: NodeTask, answer: Done | Lacks) -> NodeTask | None:
        """Return the task with what the node lacks, or None if it lacks nothing."""
        if not isinstance(answer, Lacks):
            return None
        run = self._folders[node_task.task.run.key]
        paths = {DATASET: run.dataset.folder, BACKBONE: run.backbone.weights}
        sent = {kind: self._parcel(path) for kind in answer.kinds if (path := paths[kind])}
        return replace(node_task, sent={**node_task.sent, **sent})

    def _parcel(self, root: Path) -> SentFolder:
        if root not in self._sent:
            paths = [root] if root.is_file() else sorted(root.rglob("*"))
            files: dict[str, Any] = {
                path.relative_to(root.parent).as_posix(): self._ray.put(path.read_bytes())
                for path in paths
                if path.is_file()
            }
            key = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:16]
            self._sent[root] = SentFolder(key, root.name, files)
        return self._sent[root]


def _put_in_place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a run folder that a node returned; ``run.json``, which makes it valid, last."""
    for stale in folder.glob("epoch-*"):
        shutil.rmtree(stale)
    for name in sorted(files, key=lambda name: (name == RUN_FILE, name)):
        path = folder / name
        with written_beside(path) as beside:
            beside.write_bytes(files[name])
