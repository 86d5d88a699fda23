"""The border for what we write: whatever the system refuses ends in one error of ours.

Files go through `dvtr_bench.runtime.files`, which writes beside the place and renames; it uses
`writing`, and so does what cannot be written that way: locks, logs that grow, folders of work.
A cache that cannot be written costs no run: `cache_kept` says so once and goes on.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dvtr_bench.errors import DvtrError, WriteError
from dvtr_bench.runtime.terminal import write_line

ELSEWHERE: Final = "--out"
"""The option of most commands that says where to write."""

_SYSTEM_ERROR: Final = re.compile(r"\(os error (\d+)\)")
"""How safetensors, written in Rust, names the system's error."""

_FREE_SPACE: Final = "free some space, or write elsewhere"
_REASONS: Final = {
    errno.ENOSPC: ("the disk is full", _FREE_SPACE),
    errno.EDQUOT: ("your quota on this disk is used up", _FREE_SPACE),
    errno.EFBIG: ("the file is larger than the disk or a limit allows", "write elsewhere"),
    errno.EROFS: ("the disk is read-only", "write elsewhere"),
    errno.EACCES: ("permission denied", "get the right to write there, or write elsewhere"),
    errno.EPERM: ("not permitted", "get the right to write there, or write elsewhere"),
    errno.EIO: ("the disk reports a fault", "check the disk, or write elsewhere"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter name"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "choose another place"),
    errno.EISDIR: ("there is a folder of that name", "choose another name"),
    errno.EEXIST: ("there is a file where a folder should be", "choose another place"),
    errno.ENOTEMPTY: ("there is a folder of that name", "choose another name"),
    errno.ENOENT: ("its folder is not there any more", "run the same command again"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENOLCK: ("this disk has no locks", "write elsewhere"),
}
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def writing(
    where: Path | str, option: str = ELSEWHERE, error: type[DvtrError] = WriteError
) -> Iterator[None]:
    """Turn the system's refusal to write into one error that says what to do.

    Args:
        where: What is written.
        option: The option that chooses another place.
        error: Type of the error to raise.

    Yields:
        Nothing. Errors of ours pass as they are, and so does what is no refusal of the system.

    Raises:
        DvtrError: Something cannot be written; of the type ``error``.

    Example:
        >>> import errno, os
        >>> with writing("runs/log.jsonl"):
        ...     raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.WriteError: runs/log.jsonl: cannot be written (the disk is read-only): \
write elsewhere (--out)
    """
    try:
        yield
    except (DvtrError, ConnectionError, TimeoutError):  # TimeoutError: of a lock
        raise
    except Exception as failure:
        code = refusal(failure)
        if code is None or not _is_about(failure, Path(where)):
            raise
        refused = error(refusal_message(where, code, option))
        if isinstance(refused, OSError):
            refused.errno = code
        raise refused from failure


def refusal(failure: Exception) -> int | None:
    """Return the system's error number behind an exception of a writer; None if there is none."""
    if isinstance(failure, OSError):
        return failure.errno  # None: of a library that gives its errors this type
    if type(failure).__name__ != "SafetensorError":  # which is no OSError
        return None
    stated = _SYSTEM_ERROR.search(str(failure))
    return int(stated[1]) if stated else None


def _is_about(failure: Exception, where: Path) -> bool:
    """Tell whether a failure may be about what is written, and not about a file that is read."""
    name = getattr(failure, "filename", None)
    if not isinstance(name, str | Path):
        return True
    named, folder = Path(name).absolute(), where.absolute().parent
    return named.is_relative_to(folder) or folder.is_relative_to(named)


def refusal_message(where: Path | str, code: int, option: str = ELSEWHERE) -> str:
    """Return the message for something that cannot be written.

    Args:
        where: What is written.
        code: The system's error number.
        option: The option that chooses another place.
    """
    _, advice = _REASONS.get(code, ("", "write elsewhere"))
    reason = reason_of(code)
    if code in _FULL and (free := _free_bytes(Path(where))) is not None:
        reason = f"{reason}; {free / 1e6:,.0f} MB free"
    elsewhere = f" ({option})" if advice.endswith("elsewhere") else ""
    return f"{where}: cannot be written ({reason}): {advice}{elsewhere}"


def reason_of(code: int) -> str:
    """Return what an error number of the system means, in words."""
    return _REASONS[code][0] if code in _REASONS else os.strerror(code)


def _free_bytes(path: Path) -> int | None:
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


_told: set[tuple[str, Path]] = set()


def say_not_kept(what: str, folder: Path, failure: Exception) -> None:
    """Say on standard error that a cache cannot be written, once a folder and kind.

    Args:
        what: What is not kept, with its verb, such as ``embeddings are``.
        folder: The cache's folder.
        failure: Why.
    """
    if (what, folder) in _told:
        return
    _told.add((what, folder))
    code = refusal(failure)
    reason = str(failure) if code is None else reason_of(code)
    if isinstance(failure, OSError) and code is not None and failure.strerror != os.strerror(code):
        reason = failure.strerror or reason
    write_line(f"{what} not kept in {folder} ({reason}): continuing without", err=True)
