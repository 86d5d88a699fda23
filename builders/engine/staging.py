"""Where a build works until it is whole, and how it is put in place.

``dvtr/.usrd.building/`` holds one file for each finished clip and the dataset being written. It
stays when a build stops, so that the next run goes on; it goes when the dataset is in place.
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
        target: Where the dataset goes.
        folder: Where the build works.
    """

    target: Path
    folder: Path

    @property
    def clips(self) -> Path:
        """Finished clips, one file each."""
        return self.folder / "clips"

    @property
    def output(self) -> Path:
        """The dataset while it is being written."""
        return self.folder / "output"

    @property
    def previous(self) -> Path:
        """The dataset that is being replaced, for the moment between two renames."""
        return self.folder / "previous"


@contextmanager
def open_staging(root: Path, name: str) -> Iterator[Staging]:
    """Make or reopen the folder that a build works in, for this process alone.

    Args:
        root: The folder that holds datasets.
        name: The dataset.

    Yields:
        The folders; what an earlier run left half-written is gone from them.

    Raises:
        BuildError: Another process builds the same dataset, or the disk is full.
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
                # What can be made again from finished clips is not worth keeping.
                shutil.rmtree(staging.output, ignore_errors=True)
                if staging.clips.exists() and not any(staging.clips.iterdir()):
                    discard(staging)


def put_in_place(staging: Staging) -> None:
    """Move a whole dataset to where it belongs, replacing what is there.

    Args:
        staging: The folders; `output` holds the dataset.
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
    """Remove the folder of a build that turned out to have nothing to do."""
    shutil.rmtree(staging.folder)


@contextmanager
def disk_errors_explained(root: Path) -> Iterator[None]:
    """Turn a full disk into one message.

    Args:
        root: A folder on the disk in question.

    Raises:
        BuildError: The disk, or what the user may use of it, is full.
    """
    try:
        yield
    except OSError as failure:
        if failure.errno not in _DISK_FULL:
            raise
        place = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
        free = shutil.disk_usage(place).free
        raise BuildError(
            f"the disk that holds {root} is full ({failure.strerror}; {free / 1e6:,.0f} MB free). "
            "Nothing half-written is left; finished clips are kept. Make room and run the same "
            "command again, or build elsewhere with --root"
        ) from failure


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk: a rename must not overtake its bytes."""
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
