"""Write files and folders whole: beside their place, flushed to disk, then renamed.

What the system refuses becomes one error (`dvtr_bench.runtime.writing`), and nothing is left: no
part of a file, no folder that was made for it. What a killed process left is removed by the next
one that writes into the same folder.
"""

import errno
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Final

from dvtr_bench.runtime.writing import ELSEWHERE, writing

_UNFINISHED: Final = re.compile(r"\..+\.(?P<process>\d+)-(?P<machine>[0-9a-f]{8})\.part")

_in_progress: set[Path] = set()
"""What this process has begun and not finished; `drop_unfinished` removes it."""


@contextmanager
def written_beside(path: Path, option: str = ELSEWHERE) -> Iterator[Path]:
    """Write a file atomically: it appears complete or not at all.

    Args:
        path: The file to write. Its folder is created if missing, and removed again if the block
            fails. An existing file stays until the new one is complete.
        option: The option that chooses another place, for messages.

    Yields:
        A temporary path in the same folder; it is renamed to ``path`` at the end of the block (or
        of that of `written_together`), or removed if the block fails.

    Raises:
        WriteError: It cannot be written; the message says why and what to do.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with written_beside(Path(folder) / "page.md") as beside:
        ...         _ = beside.write_text("whole")
        ...     [file.name for file in Path(folder).iterdir()]
        ['page.md']
    """
    with writing(path, option), ExitStack() as stack:
        stack.enter_context(made_folder(path.parent, option))
        beside = stack.enter_context(_begun(path))
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if (group := _group.get()) is not None:
            group.add(path, beside, option, stack.pop_all())
            return
        beside.replace(path)


@contextmanager
def folder_written_beside(folder: Path, option: str = ELSEWHERE) -> Iterator[Path]:
    """Write a folder as a whole: it appears complete or not at all.

    Args:
        folder: The folder to write. An existing one stays until the new one is complete, and is
            then removed with all that it holds.
        option: The option that chooses another place, for messages.

    Yields:
        A temporary folder beside it, which exists and is empty; it is renamed to ``folder`` at the
        end of the block (or of that of `written_together`), or removed if the block fails.

    Raises:
        WriteError: It cannot be written; the message says why and what to do.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as root:
        ...     with folder_written_beside(Path(root) / "site") as beside:
        ...         _ = (beside / "index.html").write_text("whole")
        ...     [file.name for file in Path(root).rglob("*")]
        ['site', 'index.html']
    """
    with writing(folder, option), ExitStack() as stack:
        stack.enter_context(made_folder(folder.parent, option))
        beside = stack.enter_context(_begun(folder))
        previous = _previous(folder)
        if previous.exists() and not folder.exists():
            previous.rename(folder)  # the process that replaced it was killed between two renames
        if folder.exists() and not folder.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        beside.mkdir()
        # What stands in it appears with it.
        token = _group.set(None)
        try:
            yield beside
        finally:
            _group.reset(token)
        flush_folder(beside)
        if (group := _group.get()) is not None:
            group.add(folder, beside, option, stack.pop_all())
            return
        _put_in_place(beside, folder)
        _remove(previous)


@contextmanager
def written_together() -> Iterator[None]:
    """Put what is written in a block in place at its end: all of it, or nothing if one thing fails.

    Yields:
        Nothing; inside, `written_beside` and `folder_written_beside` finish their files and wait.

    Raises:
        WriteError: Something cannot be put in place; what was there before is there again.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, written_together():
        ...     with written_beside(Path(folder) / "page.md") as beside:
        ...         _ = beside.write_text("whole")
        ...     (Path(folder) / "page.md").exists()
        False
    """
    if _group.get() is not None:  # part of a larger group
        yield
        return
    group = _Group()
    token = _group.set(group)
    try:
        with group.unfinished:
            yield
            group.put_in_place()
    finally:
        _group.reset(token)


class _Group:
    """Files and folders that are finished and not yet in place."""

    def __init__(self) -> None:
        self.unfinished = ExitStack()
        self._finished: list[tuple[Path, Path, str]] = []

    def add(self, path: Path, beside: Path, option: str, until_then: ExitStack) -> None:
        """Add a finished file, and what is to be left once it is in place or given up."""
        self._finished.append((path, beside, option))
        self.unfinished.push(until_then)

    def put_in_place(self) -> None:
        """Rename all; rename them back if one cannot be."""
        done: list[Path] = []
        try:
            for path, beside, option in self._finished:
                with writing(path, option):
                    done.append(path)
                    _put_in_place(beside, path)
        except BaseException:
            for path in reversed(done):
                if _previous(path).exists():
                    _remove(path)
                    with suppress(OSError):
                        _previous(path).replace(path)
                elif path != done[-1]:
                    _remove(path)
            raise
        for path in done:
            _remove(_previous(path))


_group: ContextVar[_Group | None] = ContextVar("_group", default=None)


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _put_in_place(beside: Path, path: Path) -> None:
    """Rename a finished file or folder; what was there is kept as `_previous`."""
    previous = _previous(path)
    _remove(previous)
    if not path.exists():
        beside.rename(path)
        return
    if path.is_dir():
        path.rename(previous)
    else:
        _keep(path, previous)
    try:
        beside.replace(path)
    except BaseException:
        if path.exists():
            _remove(previous)
        else:
            previous.rename(path)
        raise


def _keep(path: Path, previous: Path) -> None:
    """Give a file a second name, or a copy on disks where it can have one name alone."""
    try:
        os.link(path, previous)
    except OSError:
        shutil.copyfile(path, previous)


@contextmanager
def made_folder(folder: Path, option: str = ELSEWHERE, *, exist_ok: bool = True) -> Iterator[Path]:
    """Create a folder and those above it; if the block fails, remove those that are still empty.

    Args:
        folder: The folder.
        option: The option that chooses another place, for messages.
        exist_ok: Whether it may exist.

    Yields:
        The folder.

    Raises:
        WriteError: It cannot be created.
        FileExistsError: It exists and must not; another process may have made it just now.
    """
    missing: list[Path] = []
    taken = False
    try:
        with writing(folder, option):
            missing += takewhile(lambda one: not one.exists(), (folder, *folder.parents))
            try:
                folder.mkdir(parents=True, exist_ok=exist_ok)
            except FileExistsError:
                if exist_ok:
                    raise
                taken = True
        if taken:
            # Never what somebody else has just made.
            missing = [one for one in missing if one != folder]
            raise FileExistsError(folder)
        yield folder
    except BaseException:
        for one in missing:
            with suppress(OSError):
                one.rmdir()
        raise


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for a while, where the system keeps temporary files.

    Yields:
        The folder; it is removed at the end.

    Raises:
        WriteError: It cannot be created.
    """
    with writing("a temporary folder", "the environment variable TMPDIR"):
        folder = Path(tempfile.mkdtemp(prefix="dvtr-bench-"))
    _in_progress.add(folder)
    try:
        with writing(folder / "file", "the environment variable TMPDIR"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _in_progress.discard(folder)


@contextmanager
def _begun(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a path; remove what is there at the end."""
    _tidy(path.parent.absolute())
    name, number = path.name, 0
    while (beside := path.with_name(f".{name}.{os.getpid()}-{_machine()}.part")) in _in_progress:
        name, number = f"{path.name}.{number}", number + 1
    _in_progress.add(beside)
    try:
        _remove(beside)
        yield beside
    finally:
        _remove(beside)
        _in_progress.discard(beside)


def drop_unfinished() -> None:
    """Remove all that this process has begun to write and not finished, before it ends at once."""
    for path in tuple(_in_progress):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@cache
def _tidy(folder: Path) -> None:
    """Remove what processes of this machine that were killed left in a folder; once a process."""
    if sys.platform == "win32":  # where there is no asking for a process without ending it
        return
    with suppress(OSError):
        for path in folder.iterdir():
            found = _UNFINISHED.fullmatch(path.name)
            if found and found["machine"] == _machine() and not _is_alive(int(found["process"])):
                _remove(path)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it runs for another user
    return True


@cache
def _machine() -> str:
    """Return a mark of this machine: a folder may be shared with others, whose processes live."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def flush_folder(folder: Path) -> None:
    """Wait until all files of a folder are on the disk."""
    for path in (*sorted(folder.rglob("*")), folder):
        if path.is_dir() and sys.platform == "win32":
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Hash a file of any size with little memory.

    Args:
        path: The file.

    Returns:
        SHA-256, 64 hex digits.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
