"""Zip files of others, read member by member: nothing is unpacked by the names inside."""

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Final

from dvtr_bench.errors import ClipError, InputError

MAX_MEMBER_BYTES: Final = 8_000_000_000
"""What one member may unpack to."""

MAX_RATIO: Final = 200
"""How far one member may grow; videos hardly do, text about ten times."""

SMALL_BYTES: Final = 10_000_000
"""Members up to this size may grow at any ratio: they harm nobody."""

_METHODS: Final = frozenset(
    {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
)
_LOCAL_HEADER_BYTES: Final = 30
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_ENCRYPTED: Final = 0x1
_BLOCK_BYTES: Final = 1 << 20
IGNORED_FOLDERS: Final = frozenset({"__MACOSX"})


@dataclass(frozen=True)
class Member:
    """One file in a zip.

    Attributes:
        archive: The zip.
        name: As the zip has it.
        size_bytes: Unpacked.
    """

    archive: Path
    name: str
    size_bytes: int

    @property
    def label(self) -> str:
        """What to call it in messages."""
        return f"{self.archive}: {self.name}"

    def sha256(self) -> str:
        """Return the SHA-256 of the unpacked bytes, 64 hex digits.

        Raises:
            ClipError: The member is damaged.
        """
        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return digest.hexdigest()

    def copy_to(self, file: IO[bytes]) -> None:
        """Write the unpacked bytes to an open file.

        Raises:
            ClipError: The member is damaged.
        """
        for block in self._blocks():
            file.write(block)

    def _blocks(self) -> Iterator[bytes]:
        # zipfile reads no more than the size that was checked, and compares the checksum.
        try:
            with _kept_open(self.archive).open(self.name) as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as failure:
            raise ClipError(
                f"{self.label}: damaged inside the zip ({failure}). Download the zip again"
            ) from failure
        except KeyError as failure:
            raise ClipError(f"{self.label}: no longer in the zip") from failure


def list_members(archive: Path) -> dict[PurePosixPath, Member]:
    """List the files of a zip and check each name; no byte of a member is read.

    Hidden files, links and what macOS adds are left out.

    Args:
        archive: The zip.

    Returns:
        Members by their path inside, ``/`` between folders, in the order of the zip.

    Raises:
        InputError: No whole zip, or one made to do harm.
    """
    found: dict[PurePosixPath, Member] = {}
    with _opened(archive) as opened:
        entries = opened.infolist()
        _check_overlaps(archive, entries)
        for entry in entries:
            path = _safe_path(archive, entry.filename)
            if entry.is_dir() or _is_ignored(path) or stat.S_ISLNK(entry.external_attr >> 16):
                continue
            if path in found:
                raise InputError(
                    f"{archive}: refused: it holds {str(path)!r} twice. Unpack it and name the "
                    "folder"
                )
            found[path] = Member(archive, entry.filename, entry.file_size)
    return found


def check_members(archive: Path, members: Mapping[PurePosixPath, Member]) -> None:
    """Check members that are to be read: not encrypted, of bearable size.

    Args:
        archive: The zip.
        members: Some of its members.

    Raises:
        InputError: Names the first that is refused, and how many are.
    """
    problems: list[str] = []
    with _opened(archive) as opened:
        for member in members.values():
            if problem := _problem(opened.getinfo(member.name)):
                problems.append(f"{member.name!r} {problem}")
    if problems:
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        raise InputError(f"{archive}: refused: {problems[0]}{more}")


def _problem(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted: unpack the zip with its password and name the folder"
    if entry.compress_type not in _METHODS:
        return (
            f"is compressed by method {entry.compress_type}, which Python cannot unpack: unpack "
            "the zip with another program and name the folder"
        )
    if entry.file_size > MAX_MEMBER_BYTES:
        return f"unpacks to {entry.file_size:,} bytes; at most {MAX_MEMBER_BYTES:,} are read"
    if entry.file_size > SMALL_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        return (
            f"unpacks {entry.compress_size:,} bytes to {entry.file_size:,}; at most {MAX_RATIO} "
            "times as many are read (a zip bomb)"
        )
    return None


def _kept_open(archive: Path) -> zipfile.ZipFile:
    """Return the open zip: its list of members is read once a process, not once a member."""
    status = archive.stat()
    return _open_version(archive, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _open_version(archive: Path, mtime_ns: int, size_bytes: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except (zipfile.BadZipFile, NotImplementedError) as failure:
        raise InputError(
            f"{archive}: not a whole zip file ({failure}): download it again; unpack archives of "
            "other kinds and name the folder"
        ) from failure


def _safe_path(archive: Path, name: str) -> PurePosixPath:
    """Return a member's path; some programs of Windows write backslashes."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name) or "\0" in name:
        raise InputError(
            f"{archive}: refused: it holds {name!r}, a name that leaves the folder it is unpacked "
            "to. Get the zip from its publisher again"
        )
    return path


def _check_overlaps(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(placed):
        if (
            entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size
            > following.header_offset
        ):
            raise InputError(
                f"{archive}: refused: {entry.filename!r} and {following.filename!r} share the "
                "same bytes (a zip bomb)"
            )


def _is_ignored(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part in IGNORED_FOLDERS for part in path.parts)
