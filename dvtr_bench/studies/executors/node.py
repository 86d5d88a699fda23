"""What runs on a node of a Ray cluster: carries out runs and hands back what they gave.

A node needs the same versions as the machine that runs the study. Where it sees that machine's
folder of runs under the same path, it works there, and a run whose node dies goes on elsewhere from
its last whole epoch. Where it does not, it works in a folder of its own, and the run folder comes
back with the results. Datasets and weights that it does not see are sent along.
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
        key: What tells it from all others.
        name: Its own name, which results may state.
        files: References to the bytes of its files in Ray's object store, by path beside it.
    """

    key: str
    name: str
    files: Mapping[str, Any]


@dataclass(frozen=True)
class NodeTask:
    """A run, and what a node must know to carry it out.

    Attributes:
        task: The run and its folder; all paths are whole.
        marker: A file in the folder of runs, and what it holds.
        weights: The path of the backbone's weights, where it is a file or folder.
        sent: What the node did not see, by kind.
    """

    task: Task
    marker: tuple[Path, str]
    weights: Path | None
    sent: Mapping[str, SentFolder] = field(default_factory=dict)


@dataclass(frozen=True)
class Lacks:
    """What a node does not see and must be sent, by kind."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Done:
    """What a run gave.

    Attributes:
        made: In order.
        files: The run folder's files by path in it; None where it is already in its place.
        failure: Why it gave no more; empty where it gave all.
    """

    made: Sequence[Made]
    files: Mapping[str, bytes] | None
    failure: str


class StudyActor:
    """Carries out runs one after the other, in a process of its own on some node."""

    def __init__(self, means: Means) -> None:
        """Know how runs are carried out."""
        self._means = means
        self._scratch = tempfile.TemporaryDirectory(prefix="dvtr-bench-")

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the node's name and the versions that decide what comes out."""
        from dvtr_bench.runtime.environment import library_versions

        return platform.node(), library_versions()

    def work(self, asked: NodeTask) -> Done | Lacks:
        """Carry one run out."""
        from dvtr_bench.runtime.device import choose_device

        run, seen = asked.task.run, _sees_marker(asked)
        lacking = []
        dataset, weights = run.dataset.folder, asked.weights
        if DATASET in asked.sent:
            dataset = self._unpacked(asked.sent[DATASET])
        elif not _sees_dataset(asked):
            lacking.append(DATASET)
        if BACKBONE in asked.sent:
            weights = self._unpacked(asked.sent[BACKBONE])
        elif weights is not None and not weights.exists():
            lacking.append(BACKBONE)
        if lacking:
            return Lacks(tuple(lacking))
        architecture = run.backbone.name.partition("/")[0]
        task = Task(
            replace(run, dataset=replace(run.dataset, folder=dataset)),
            asked.task.folder if seen else Path(self._scratch.name) / "runs" / run.key,
            None if weights is None else f"{architecture}/{weights}",
        )
        made: list[Made] = []
        told = ""
        try:
            made.extend(carry_out(task, replace(self._means, device=choose_device("auto"))))
        except DvtrError as failure:
            told = str(failure)
        except Exception:
            told = traceback.format_exc()
        return Done(made, None if seen else _files(task.folder), told)

    def _unpacked(self, sent: SentFolder) -> Path:
        """Return where what was sent lies here; it is written once."""
        import ray

        place = Path(self._scratch.name) / "sent" / sent.key
        if not place.exists():
            beside = place.with_name(f".{place.name}.part")
            for name, reference in sent.files.items():
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(ray.get(reference))
            beside.rename(place)
        return place / sent.name


def _sees_marker(asked: NodeTask) -> bool:
    path, text = asked.marker
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _sees_dataset(asked: NodeTask) -> bool:
    from dvtr_bench.dataset.manifest import read_manifest

    build = asked.task.run.dataset
    try:
        there = (build.folder / MANIFEST_NAME).is_file()
        return there and read_manifest(build.folder).fingerprint == build.fingerprint
    except (OSError, DvtrError):
        return False


def _files(folder: Path) -> dict[str, bytes]:
    """Read a run folder; a finished run needs the state of its optimiser no more."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path.name != OPTIMISER_FILE
    }
