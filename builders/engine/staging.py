"""The working folder of a build, and the final move of the dataset.

``dvtr/.usrd.building/`` contains one file for each finished clip, and the dataset being written. It
remains when a build stops, so that the next run can continue, and is deleted after the final move.
"""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dvtr_bench.errors import BuildError

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
    with disk_errors_explained(root):
        staging.clips.mkdir(parents=True, exist_ok=True)
        with _locked(staging.folder / "lock", name):
            if staging.previous.exists() and not staging.target.exists():
                staging.previous.rename(staging.target)
            for unfinished in staging.clips.glob("*.part*"):
                unfinished.unlink()
            shutil.rmtree(staging.output, ignore_errors=True)
            staging.output.mkdir()
            try:
                yield staging
            finally:
                # It can be written again from the finished clips.
                shutil.rmtree(staging.output, ignore_errors=True)
                if staging.clips.exists() and not any(staging.clips.iterdir()):
                    discard(staging)


def put_in_place(staging: Staging) -> None:
    """Move the finished dataset to its target, replacing another dataset there.

    Args:
        staging: The folders; `output` contains the dataset.
    """
    for path in sorted(staging.output.rglob("*")):
        _flush(path)
    _flush(staging.output)
    if staging.target.exists():
        shutil.rmtree(staging.previous, ignore_errors=True)
        staging.target.rename(staging.previous)
    staging.output.rename(staging.target)
    _flush(staging.target.parent)
    shutil.rmtree(staging.folder)


def discard(staging: Staging) -> None:
    """Delete the working folder of a build that has nothing to do."""
    shutil.rmtree(staging.folder)


@contextmanager
def disk_errors_explained(root: Path) -> Iterator[None]:
    """Turn the errors of a full disk into one that says what to do.

    Args:
        root: A folder on the disk.

    Raises:
        BuildError: The disk is full, or the user's quota is used up.
    """
    try:
        yield
    except OSError as failure:
        if failure.errno not in _DISK_FULL:
            raise
        existing = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        raise BuildError(
            f"the disk of {root} is full ({failure.strerror}; {free / 1e6:,.0f} MB free). "
            "Half-written files were deleted; finished clips are kept. Free some space and run the "
            "same command again, or build elsewhere with --root"
        ) from failure


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk, so that it is complete before the rename."""
    if path.is_dir() and sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
