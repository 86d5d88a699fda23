"""Actor on a node of a Ray cluster: carries out runs and returns their results.

A node needs the same versions as the machine that runs the study. If the folder of runs is shared
under the same path, the node works there, and a run whose node dies continues elsewhere from its
last complete epoch. Otherwise the node works in a temporary folder, and the run folder is returned
with the results. Datasets and weights that the node cannot read are sent to it.
"""

from __future__ import annotations

import platform
import tempfile
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.dataset.manifest import MANIFEST_NAME
from dvtr_bench.errors import DvtrError
from dvtr_bench.runtime.files import folder_written_beside, written_beside
from dvtr_bench.studies.carry_out import Made, Means, Task, carry_out
from dvtr_bench.training.run import OPTIMISER_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASET: Final = "dataset"
BACKBONE: Final = "backbone"


@dataclass(frozen=True)
class SentFolder:
    """A file or folder of another machine.

    Attributes:
        key: Its unique key.
        name: Its name, which results may state.
        files: References to the bytes of its files in Ray's object store, by path relative to its
            parent folder.
    """

    key: str
    name: str
    files: Mapping[str, Any]


@dataclass(frozen=True)
class NodeTask:
    """A run with what a node needs to carry it out.

    Attributes:
        task: The run and its folder, with absolute paths.
        marker: A file in the folder of runs, and its content.
        weights: The path of the backbone's weights, if they are a file or folder.
        sent: What the node could not read, by kind.
    """

    task: Task
    marker: tuple[Path, str]
    weights: Path | None
    sent: Mapping[str, SentFolder] = field(default_factory=dict)


@dataclass(frozen=True)
class Lacks:
    """What a node cannot read and needs to be sent, by kind."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Done:
    """The outcome of a run.

    Attributes:
        made: Trainings and results, in order.
        files: The run folder's files by relative path; None if the folder is shared.
        failure: Why it failed; empty if it did not.
    """

    made: Sequence[Made]
    files: Mapping[str, bytes] | None
    failure: str


class StudyActor:
    """Carries out runs one after the other, in its own process on a node."""

    def __init__(self, means: Means) -> None:
        """Store the device and threads of runs."""
        self._means = means
        self._scratch = tempfile.TemporaryDirectory(prefix="dvtr-bench-")

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the node's name and the versions that results depend on."""
        from dvtr_bench.runtime.environment import library_versions

        return platform.node(), library_versions()

    def work(self, node_task: NodeTask) -> Done | Lacks:
        """Carry one run out."""
        from dvtr_bench.runtime.processes import choose_device

        run, is_shared = node_task.task.run, _sees_marker(node_task)
        lacking = []
        dataset, weights = run.dataset.folder, node_task.weights
        if DATASET in node_task.sent:
            dataset = self._unpacked(node_task.sent[DATASET])
        elif not _sees_dataset(node_task):
            lacking.append(DATASET)
        if BACKBONE in node_task.sent:
            weights = self._unpacked(node_task.sent[BACKBONE])
        elif weights is not None and not weights.exists():
            lacking.append(BACKBONE)
        if lacking:
            return Lacks(tuple(lacking))
        architecture = run.backbone.name.partition("/")[0]
        task = Task(
            replace(run, dataset=replace(run.dataset, folder=dataset)),
            node_task.task.folder if is_shared else Path(self._scratch.name) / "runs" / run.key,
            None if weights is None else f"{architecture}/{weights}",
        )
        made: list[Made] = []
        failure_message = ""
        try:
            made.extend(carry_out(task, replace(self._means, device=choose_device("auto"))))
        except DvtrError as failure:
            failure_message = str(failure)
        except Exception:
            failure_message = traceback.format_exc()
        return Done(made, None if is_shared else _files(task.folder), failure_message)

    def _unpacked(self, sent: SentFolder) -> Path:
        """Write a sent folder to disk, once, and return its path."""
        import ray

        folder = Path(self._scratch.name) / "sent" / sent.key
        if not folder.exists():
            with folder_written_beside(folder) as beside:
                for name, reference in sent.files.items():
                    with written_beside(beside / name) as path:
                        path.write_bytes(ray.get(reference))
        return folder / sent.name


def _sees_marker(node_task: NodeTask) -> bool:
    path, text = node_task.marker
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _sees_dataset(node_task: NodeTask) -> bool:
    from dvtr_bench.dataset.manifest import read_manifest

    build = node_task.task.run.dataset
    try:
        is_there = (build.folder / MANIFEST_NAME).is_file()
        return is_there and read_manifest(build.folder).fingerprint == build.fingerprint
    except (OSError, DvtrError):
        return False


def _files(folder: Path) -> dict[str, bytes]:
    """Read a run folder, except the optimiser state, which a finished run no longer needs."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path.name != OPTIMISER_FILE
    }
