"""Decoding of clips on a Ray cluster: each actor decodes one file at a time and sends the result.

The machine that builds stores the results, so nodes need not share a disk with it.
"""

from __future__ import annotations

import platform
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from builders.engine.clip_work import (
    BrokenClip,
    ClipTask,
    DecodedClip,
    StagedClip,
    decode_clip,
    keep_clip,
    read_whole,
)
from builders.engine.file_tasks import SegmentsTask, decode_segments, seconds_limit
from builders.engine.pool import Crash, TimedOut
from builders.sources.stills import StillPicture
from dvtr_bench.errors import ClipError
from dvtr_bench.runtime.files import temporary_folder
from dvtr_bench.runtime.ray_cluster import ray_cluster
from dvtr_bench.runtime.ray_crew import CrewPlan, Died, HandedOut, Overran, RayCrew

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builders.engine.file_tasks import Outcome, Task
    from builders.engine.settings import BuildSettings
    from builders.sources.source import Footage


Answer = DecodedClip | BrokenClip | tuple[DecodedClip | BrokenClip, ...]
"""What a worker sends: of a clip one result, of parts of a file one a part."""


@dataclass(frozen=True)
class SentClip:
    """Footage of the build's machine, sent to a node as bytes.

    Attributes:
        original: The footage on the build's machine.
        sha256: Its identity there.
        suffix: Suffix of the file name.
        data: Content of the file.
    """

    original: Footage
    sha256: str
    suffix: str
    data: bytes

    @property
    def label(self) -> str:
        """Name of the original, for messages."""
        return self.original.label

    def identity(self) -> str:
        """Return the original's identity."""
        return self.sha256

    @property
    def identity_is_sha256(self) -> bool:
        """Whether the original's identity is the SHA-256 of its file."""
        return self.original.identity_is_sha256

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Write the bytes to a temporary file."""
        path = scratch / f"sent{self.suffix}"
        path.write_bytes(self.data)
        yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the original's extra columns."""
        return self.original.columns(frame_pts_seconds)


class NodeWorker:
    """Ray actor that decodes clips one after the other."""

    def __init__(self, kept: frozenset[str]) -> None:
        """Store the keys of clips that earlier runs have stored."""
        import cv2

        cv2.setNumThreads(1)
        self._kept = kept

    def introduce(self) -> tuple[str, dict[str, str]]:
        """Return the node's name and the versions on which frames depend."""
        return platform.node(), pixel_versions()

    def work(self, task: ClipTask | SegmentsTask) -> Answer:
        """Decode one clip or the parts of one file, unless an earlier run did."""
        with temporary_folder() as folder:
            is_kept = self._kept.__contains__
            if isinstance(task, ClipTask):
                return decode_clip(replace(task, folder=folder), is_kept)
            return tuple(decode_segments(replace(task, folder=folder), is_kept))


def pixel_versions() -> dict[str, str]:
    """Return the versions of all libraries on which the bytes of frames depend, by name."""
    import av
    import cv2
    import numpy as np
    import PIL

    from dvtr_bench import __version__

    return {
        "dvtr-bench": __version__,
        "av": av.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }


def stage_on_ray(
    tasks: Iterable[Task], count: int, settings: BuildSettings, folder: Path
) -> Generator[tuple[int, Outcome | tuple[StagedClip | BrokenClip, ...]], None, None]:
    """Decode clips on a Ray cluster and store the results on this machine.

    Args:
        tasks: The clips; parts of one file are one task.
        count: Number of clips, at least that of the tasks.
        settings: Address of the cluster, number of workers and time limit of a clip.
        folder: Folder of finished clips, on this machine.

    Yields:
        The index of a task and its result, in the order of completion; for parts of a file one
        result a part.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: There is no such cluster, its nodes have other versions, or no workers can be
            started.
    """
    kept = frozenset(path.stem for path in folder.glob("*.arrow") if read_whole(path))
    plan: CrewPlan[Task, Answer] = CrewPlan(
        actor=NodeWorker,
        arguments=(kept,),
        resources={"num_cpus": 1},
        versions=pixel_versions(),
        label=lambda task: _file_of(task).label,
        again=lambda task, answer: _with_bytes(task, answer, folder),
        needs="Every node needs this dvtr-bench (pip install 'dvtr-bench[ray]'), and free space "
        "for a clip in its folder for temporary files",
        seconds_limit=partial(seconds_limit, settings.clip_seconds_limit),
    )
    with ray_cluster(settings.address) as ray:
        workers = settings.workers or int(ray.cluster_resources().get("CPU", 1))
        for index, outcome in RayCrew(ray, plan).work_through(tasks, min(workers, count)):
            if isinstance(outcome, Died):
                yield index, Crash(None, outcome.attempts)
            elif isinstance(outcome, Overran):
                yield index, TimedOut(outcome.seconds)
            elif isinstance(outcome, tuple):
                yield index, tuple(_kept(clip, folder) for clip in outcome)
            elif not isinstance(outcome, HandedOut):
                yield index, _kept(outcome, folder)


def _kept(clip: DecodedClip | BrokenClip, folder: Path) -> StagedClip | BrokenClip:
    return clip if isinstance(clip, BrokenClip) else keep_clip(clip, folder)


def _file_of(task: Task) -> Footage:
    return task.footage if isinstance(task, ClipTask) else task.whole


def _with_bytes(task: Task, answer: Answer, folder: Path) -> Task | None:
    """Return a task with the clip's bytes if the node could not read the clip.

    None if the node could read it, or if it cannot be read here either.
    """
    footage = _file_of(task)
    first = answer[0] if isinstance(answer, tuple) else answer
    was_read = not isinstance(first, BrokenClip) or first.identity is not None
    is_sent = isinstance(footage.file if isinstance(footage, StillPicture) else footage, SentClip)
    if was_read or is_sent:
        return None
    try:
        with footage.opened(folder) as path:
            sent = SentClip(footage, footage.identity(), path.suffix, path.read_bytes())
    except (ClipError, OSError):
        return None
    if isinstance(task, ClipTask):
        is_still = isinstance(footage, StillPicture)
        return replace(task, footage=StillPicture(sent) if is_still else sent)
    return replace(task, segments=tuple(replace(part, whole=sent) for part in task.segments))
