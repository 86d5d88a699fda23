"""Zip files that others wrote (``.npz``, torch's archives): entries are checked before use.

A zip file states most things twice, and states sizes that nothing guarantees.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dvtr_bench.errors import DvtrError, InputError
from dvtr_bench.reading.border import reading, require_size

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LONGEST_COMMENT_BYTES: Final = 1 << 16
_LOCATOR: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_LARGE_END: Final = b"PK\x06\x06"
_LARGE_END_BYTES: Final = 56

_LARGEST_DIRECTORY_BYTES: Final = 1 << 24
"""The directory of 100,000 entries with names of 100 letters."""

_MOST_GROWTH: Final = 1033
"""DEFLATE cannot make more bytes of one."""

_SLACK_BYTES: Final = 1 << 10

_ENCRYPTED: Final = 1


class ZipEntries:
    """The entries of a zip file, by name.

    Attributes:
        path: The file.
        names: The names of all entries, in order.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        """List the entries."""
        self.path = path
        self.names = archive.namelist()
        self._archive = archive
        self._size = path.stat().st_size
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._repeated: set[str] = set()
        for entry in archive.infolist():
            if entry.filename in self._entries:
                self._repeated.add(entry.filename)
            self._entries[entry.filename] = entry

    def entry(self, name: str) -> zipfile.ZipInfo:
        """Return an entry whose stated sizes are possible.

        Args:
            name: Its name.

        Returns:
            The entry, stored as it is or compressed by DEFLATE.

        Raises:
            ValueError: It is missing, stands there twice, is encrypted, is compressed in another
                way, or states a size that it cannot have.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise ValueError(f"the entry {name[:80]!r} is missing")
        if name in self._repeated:
            raise ValueError(f"the entry {name[:80]!r} stands there twice")
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError(f"the entry {name[:80]!r} is encrypted")
        stored = entry.compress_type == zipfile.ZIP_STORED
        if not stored and entry.compress_type != zipfile.ZIP_DEFLATED:
            raise ValueError(
                f"the entry {name[:80]!r} is compressed by method {entry.compress_type}: expected "
                "none or DEFLATE"
            )
        most = entry.compress_size if stored else entry.compress_size * _MOST_GROWTH + _SLACK_BYTES
        if entry.compress_size > self._size or entry.file_size > most:
            raise ValueError(
                f"the entry {name[:80]!r} states {entry.file_size:,} bytes, more than the file has"
            )
        return entry

    def read(self, name: str, largest: int) -> bytes:
        """Read a small entry.

        Args:
            name: Its name.
            largest: Most bytes that it may have.

        Returns:
            Its bytes, which have its checksum.

        Raises:
            ValueError: See `entry`; or it is larger.
        """
        entry = self.entry(name)
        if entry.file_size > largest:
            raise ValueError(
                f"the entry {name[:80]!r} states {entry.file_size:,} bytes: expected at most "
                f"{largest:,}"
            )
        return self._archive.read(entry)


@contextmanager
def open_zip(
    path: Path,
    kind: str = "a zip file",
    error: type[DvtrError] = InputError,
    advice: str = "get the file again",
) -> Iterator[tuple[zipfile.ZipFile, ZipEntries]]:
    """Open a zip file whose directory has a usual size; the border stands around all of its use.

    Args:
        path: The file.
        kind: What the file should be, such as ``"an .npz file"``.
        error: Type of the error to raise.
        advice: What to do about a damaged file, for messages.

    Yields:
        The open file, and its entries.

    Raises:
        DvtrError: It is no zip file, it is damaged, its directory is larger than that of 100,000
            entries, or anything else fails while it is open; of the type ``error``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "x.zip"
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("a", b"1")
        ...     with open_zip(path) as (_, entries):
        ...         entries.read("a", 1)
        b'1'
    """
    with reading(path, kind, error, advice):
        size = _directory_size(path)
        require_size(path, size, _LARGEST_DIRECTORY_BYTES, "its directory", error)
        with zipfile.ZipFile(path) as archive:
            yield archive, ZipEntries(path, archive)


def _directory_size(path: Path) -> int:
    """Return the stated size of the directory, which zipfile reads at once; 0 without one.

    It is looked for where zipfile looks for it.
    """
    more = _LONGEST_COMMENT_BYTES + _END_BYTES + _LOCATOR_BYTES + _LARGE_END_BYTES
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - more))
        tail = file.read()
    at = len(tail) - _END_BYTES
    if at < 0 or not tail.startswith(_END, at) or tail[-2:] != b"\0\0":
        at = tail.rfind(_END)
    if at < 0:
        return 0
    if tail.startswith(_LOCATOR, max(0, at - _LOCATOR_BYTES)):
        large = at - _LOCATOR_BYTES - _LARGE_END_BYTES
        if large >= 0 and tail.startswith(_LARGE_END, large):
            return int.from_bytes(tail[large + 40 : large + 48], "little")
    return int.from_bytes(tail[at + 12 : at + 16], "little")
