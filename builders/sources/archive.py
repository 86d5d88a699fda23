"""Safe reading of untrusted zip files: members are read one by one, never unpacked by name."""

import hashlib
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Final

from dvtr_bench.errors import ClipError, InputError
from dvtr_bench.reading.border import brief, reading

MAX_MEMBER_BYTES: Final = 8_000_000_000
"""Most bytes that one member may unpack to."""

MAX_RATIO: Final = 200
"""Highest compression ratio of a member; videos have about 1, text about 10."""

SMALL_BYTES: Final = 10_000_000
"""Members up to this unpacked size may have any compression ratio."""

_METHODS: Final = frozenset(
    {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
)
_LOCAL_HEADER_BYTES: Final = 30
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_ENCRYPTED: Final = 0x1
_NAME_IN_UTF8: Final = 0x800
_BLOCK_BYTES: Final = 1 << 20
IGNORED_FOLDERS: Final = frozenset({"__MACOSX"})


@dataclass(frozen=True)
class Member:
    """One file in a zip.

    Attributes:
        archive: The zip.
        name: Name in the zip, verbatim.
        size_bytes: Unpacked size.
        is_utf8: Whether the zip states that the name is in UTF-8; otherwise its encoding is
            unknown, and the name is given as if it were in cp437.
    """

    archive: Path
    name: str
    size_bytes: int
    is_utf8: bool = True

    @property
    def label(self) -> str:
        """Name for messages."""
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
        # zipfile reads at most the size that was checked, and verifies the checksum.
        try:
            with _open_cached(self.archive).open(self.name) as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block
        except KeyError as failure:
            raise ClipError(f"{self.label}: is no longer in the zip") from failure
        except Exception as failure:  # each method of compression has errors of its own
            raise ClipError(
                f"{self.label}: damaged inside the zip ({brief(failure)}). Download the zip again"
            ) from failure


def list_members(archive: Path) -> dict[PurePosixPath, Member]:
    """List the files of a zip and check their names, without reading their content.

    Hidden files, links and the files that macOS adds are left out.

    Args:
        archive: The zip.

    Returns:
        Members by their path in the zip, with ``/``, in the order of the zip.

    Raises:
        InputError: The zip is damaged or malicious.
    """
    members: dict[PurePosixPath, Member] = {}
    with _opened(archive) as opened:
        entries = opened.infolist()
        _check_overlaps(archive, entries)
        for entry in entries:
            path = safe_path(archive, entry.filename)
            if entry.is_dir() or is_ignored(path) or stat.S_ISLNK(entry.external_attr >> 16):
                continue
            if path in members:
                raise InputError(
                    f"{archive}: refused: it contains {str(path)!r} twice. Unpack it and give the "
                    "folder instead"
                )
            is_utf8 = bool(entry.flag_bits & _NAME_IN_UTF8)
            members[path] = Member(archive, entry.filename, entry.file_size, is_utf8)
    return members


def check_members(archive: Path, members: Mapping[PurePosixPath, Member]) -> None:
    """Check that members can be read safely.

    Args:
        archive: The zip.
        members: The members to be read.

    Raises:
        InputError: A member is encrypted, compressed in an unknown way or too large. The message
            names the first and counts the others.
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
        return "is encrypted: unpack the zip with its password and give the folder instead"
    if entry.compress_type not in _METHODS:
        return (
            f"is compressed by method {entry.compress_type}, which Python cannot unpack: unpack "
            "the zip with another program and give the folder instead"
        )
    if entry.file_size > MAX_MEMBER_BYTES:
        return f"unpacks to {entry.file_size:,} bytes; at most {MAX_MEMBER_BYTES:,} are read"
    if entry.file_size > SMALL_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        return (
            f"unpacks {entry.compress_size:,} bytes to {entry.file_size:,}: more than {MAX_RATIO} "
            "times as many (a zip bomb)"
        )
    return None


def _open_cached(archive: Path) -> zipfile.ZipFile:
    """Open a zip, or return the open one: each process reads its list of members once."""
    status = archive.stat()
    return _open_version(archive, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _open_version(archive: Path, mtime_ns: int, size_bytes: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    advice = "download it again. Unpack archives of other formats and give the folder instead"
    with reading(archive, "a complete zip file", advice=advice):
        with zipfile.ZipFile(archive) as opened:
            yield opened


def safe_path(archive: Path, name: str) -> PurePosixPath:
    """Check a member's name and return its path; some Windows programs write backslashes.

    Raises:
        InputError: It would leave the folder to which the archive is unpacked.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name) or "\0" in name:
        raise InputError(
            f"{archive}: refused: it contains {name!r}, a name outside the folder to which it is "
            "unpacked. Get it from its publisher again"
        )
    return path


def _check_overlaps(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    by_offset = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(by_offset):
        if (
            entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size
            > following.header_offset
        ):
            raise InputError(
                f"{archive}: refused: {entry.filename!r} and {following.filename!r} share the "
                "same bytes (a zip bomb)"
            )


def is_ignored(path: PurePosixPath) -> bool:
    """Return whether a member is hidden, or one of those that macOS adds."""
    return any(part.startswith(".") or part in IGNORED_FOLDERS for part in path.parts)
