"""The staging folder of a build, and decoding of all clips into it, here or on a Ray cluster.

A later run continues where an earlier one stopped.
"""

import errno
import os
import shutil
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from builders.engine.clip_work import BrokenClip, StagedClip
from builders.engine.file_tasks import (
    FileTasks,
    Outcome,
    each_file,
    identities_of_file,
    seconds_limit,
    stage,
)
from builders.engine.pool import Crash, TimedOut, run_tasks
from builders.engine.settings import BuildSettings, FrameSettings
from builders.sources.packed import Packed
from builders.sources.source import Clip, Source
from dvtr_bench.errors import BuildError, WriteError
from dvtr_bench.runtime.files import flush_folder, made_folder
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.runtime.writing import writing

if sys.platform != "win32":
    import fcntl

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Staging:
    """The folders of one build.

    Attributes:
        target: Folder of the finished dataset.
        folder: Working folder of the build.
    """

    target: Path
    folder: Path

    @property
    def clips(self) -> Path:
        """Folder of finished clips, one file each."""
        return self.folder / "clips"

    @property
    def output(self) -> Path:
        """Folder of the dataset while it is being written."""
        return self.folder / "output"

    @property
    def previous(self) -> Path:
        """Folder of the dataset being replaced, for the moment between two renames."""
        return self.folder / "previous"


@contextmanager
def open_staging(root: Path, name: str) -> Iterator[Staging]:
    """Create or reopen the working folder of a build and lock it.

    Args:
        root: Folder of all datasets.
        name: Name of the dataset.

    Yields:
        The folders, without half-written files of an earlier run.

    Raises:
        BuildError: Another process is building the same dataset, or the disk is full.
    """
    staging = Staging(root / name, root / f".{name}.building")
    with (
        disk_errors_explained(root),
        made_folder(staging.clips, "--root"),
        _locked(staging.folder / "lock", name),
    ):
        try:
            if staging.previous.exists() and not staging.target.exists():
                staging.previous.rename(staging.target)
            _drop_unfinished(staging)
            staging.output.mkdir()
            yield staging
        finally:
            # It can be written again from the finished clips.
            _drop_unfinished(staging)
            if staging.clips.exists() and not any(staging.clips.iterdir()):
                discard(staging)


def _drop_unfinished(staging: Staging) -> None:
    shutil.rmtree(staging.output, ignore_errors=True)
    for unfinished in staging.clips.glob("*.part*"):
        unfinished.unlink(missing_ok=True)


def put_in_place(staging: Staging) -> None:
    """Move the finished dataset to its target, replacing another dataset there.

    Args:
        staging: The folders; `output` contains the dataset.
    """
    flush_folder(staging.output)
    if staging.target.exists():
        shutil.rmtree(staging.previous, ignore_errors=True)
        staging.target.rename(staging.previous)
    try:
        staging.output.rename(staging.target)
    except BaseException:
        if staging.previous.exists():
            staging.previous.rename(staging.target)
        raise
    discard(staging)


def discard(staging: Staging) -> None:
    """Delete the working folder of a build that has nothing to do."""
    shutil.rmtree(staging.folder, ignore_errors=True)


@contextmanager
def disk_errors_explained(root: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one error that says what to do.

    Args:
        root: A folder on the disk.

    Raises:
        BuildError: The disk is full or read-only, the user's quota is used up, ...
    """
    try:
        with writing(root / "dataset", "--root"):
            yield
    except WriteError as failure:
        if failure.errno not in _DISK_FULL:
            raise BuildError(
                f"{failure}. Half-written files were deleted; finished clips are kept"
            ) from failure
        existing = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        raise BuildError(
            f"the disk of {root} is full ({os.strerror(failure.errno)}; {free / 1e6:,.0f} MB "
            "free). Half-written files were deleted; finished clips are kept. Free some space and "
            "run the same command again, or build elsewhere with --root"
        ) from failure


@contextmanager
def _locked(path: Path, name: str) -> Iterator[None]:
    with path.open("w") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BuildError(
                    f"another process is building {name} in {path.parent.parent}: wait for it, or "
                    "give this build another --name"
                ) from None
        yield


class StagedClips(Mapping[str, StagedClip]):
    """Stored clips by video id, packed to save memory."""

    def __init__(self) -> None:
        """Start without clips."""
        self._clips: Packed[StagedClip] = Packed(())
        self._positions: dict[str, int] = {}

    def add(self, video_id: str, clip: StagedClip) -> None:
        """Add the clip of a video."""
        self._positions[video_id] = len(self._clips)
        self._clips.append(clip)

    def __getitem__(self, video_id: str) -> StagedClip:
        """Return the clip of a video."""
        return self._clips[self._positions[video_id]]

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, in the order in which the clips were added."""
        return iter(self._positions)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._positions)


@dataclass(frozen=True)
class Decoded:
    """The results of decoding all clips.

    Attributes:
        staged: Stored clips by video id.
        broken: Clips that cannot be decoded, each with the reason.
        broken_identities: Identities of the broken clips by video id; None if one cannot be read.
    """

    staged: Mapping[str, StagedClip]
    broken: tuple[tuple[Clip, str], ...]
    broken_identities: Mapping[str, str | None]

    @property
    def identities(self) -> dict[str, str | None]:
        """Hash of everything that the pixels depend on, by video id; of broken clips too."""
        staged = {video_id: clip.identity for video_id, clip in self.staged.items()}
        return {**staged, **self.broken_identities}


def decode_clips(source: Source, settings: BuildSettings, staging: Staging) -> Decoded:
    """Decode every clip that no earlier run has stored.

    Args:
        source: A source with footage for every clip.
        settings: The settings; without frame settings, nothing is decoded.
        staging: Folders of the build.

    Returns:
        The result of each clip.
    """
    frames = settings.frames
    if frames is None:
        return Decoded({}, (), {})
    staged = StagedClips()
    broken_identities: dict[str, str | None] = {}
    broken: dict[int, str] = {}
    with (
        # Closed here, so that no worker runs on after an interrupt.
        closing(stage_clips(source, frames, settings, staging.clips)) as outcomes,
        progress_bar("decode clips", len(source.clips), enabled=settings.progress) as advance,
    ):
        for index, outcome in outcomes:
            clip = source.clips[index]
            if isinstance(outcome, Crash | TimedOut):
                message = f"{clip.footage.label if clip.footage else ''}: {outcome}"
                outcome = BrokenClip(_identity(clip), message)
            if isinstance(outcome, StagedClip):
                staged.add(clip.video_id, outcome)
            else:
                broken_identities[clip.video_id] = outcome.identity
                broken[index] = outcome.message
            advance(note=f"{len(broken)} broken" if broken else None)
    reasons = tuple((source.clips[index], broken[index]) for index in sorted(broken))
    return Decoded(staged, reasons, broken_identities)


def stage_clips(
    source: Source, frames: FrameSettings, settings: BuildSettings, folder: Path
) -> Generator[tuple[int, Outcome], None, None]:
    """Decode and store clips; the result does not depend on the executor.

    Args:
        source: A source with footage for every clip.
        frames: How frames are made.
        settings: Executor, number of workers and time limit of a clip.
        folder: Folder of finished clips, on this machine.

    Yields:
        The index of a clip and its result, in the order of completion.

    Raises:
        BuildError: Workers cannot be started, or the cluster cannot be used.
    """
    files = FileTasks(source, frames, folder)
    if settings.executor == "ray":
        from builders.engine.ray_pool import stage_on_ray

        results = stage_on_ray(files.tasks(), len(source.clips), settings, folder)
    else:
        workers = min(settings.local_workers, len(source.clips))
        limit = partial(seconds_limit, settings.clip_seconds_limit)
        results = run_tasks(stage, files.tasks(), workers, seconds_limit=limit)
    with closing(results):
        for number, result in results:
            yield from files.outcomes(number, result)


def identities(clips: Sequence[Clip], workers: int) -> dict[str, str | None]:
    """Hash everything that the pixels of clips depend on, without decoding the clips.

    Args:
        clips: Clips, with or without footage.
        workers: Number of processes.

    Returns:
        Identities by video id; None if there is no clip or it cannot be read.
    """
    # Hashing does not crash, so a single worker process would only cost time to start.
    processes = min(workers, len(clips)) if workers > 1 else 0
    by_video_id: dict[str, str | None] = {}
    files = list(each_file(clips))
    footage = (tuple(clips[index].footage for index in indices) for indices in files)
    with closing(run_tasks(identities_of_file, footage, processes)) as outcomes:
        for number, outcome in outcomes:
            indices = files[number]
            hashes = (None,) * len(indices) if isinstance(outcome, Crash | TimedOut) else outcome
            for index, identity in zip(indices, hashes, strict=True):
                by_video_id[clips[index].video_id] = identity
    return by_video_id


def _identity(clip: Clip) -> str | None:
    return identities_of_file((clip.footage,))[0]
