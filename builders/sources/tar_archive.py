"""Safe reading of uncompressed tar files, such as the shards of WebDataset and video2dataset.

A tar stores its members as they are, one after another: a member is read where it lies.
"""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from builders.sources.archive import is_ignored, safe_path
from dvtr_bench.errors import ClipError, InputError
from dvtr_bench.reading.border import reading

_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class TarMember:
    """One file in a tar.

    Attributes:
        archive: The tar.
        name: Name in the tar, verbatim.
        size_bytes: Its size.
        offset_bytes: Where it begins in the tar.
    """

    archive: Path
    name: str
    size_bytes: int
    offset_bytes: int

    @property
    def label(self) -> str:
        """Name for messages."""
        return f"{self.archive}: {self.name}"

    def sha256(self) -> str:
        """Return the SHA-256 of the member, 64 hex digits.

        Raises:
            ClipError: The tar cannot be read.
        """
        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return digest.hexdigest()

    def copy_to(self, file: IO[bytes]) -> None:
        """Write the member to an open file.

        Raises:
            ClipError: The tar cannot be read.
        """
        for block in self._blocks():
            file.write(block)

    def _blocks(self) -> Iterator[bytes]:
        left = self.size_bytes
        try:
            with self.archive.open("rb") as file:
                file.seek(self.offset_bytes)
                while left:
                    block = file.read(min(left, _BLOCK_BYTES))
                    if not block:
                        raise ClipError(f"{self.label}: the tar ends before it: get the tar again")
                    left -= len(block)
                    yield block
        except OSError as failure:
            reason = failure.strerror or str(failure)
            raise ClipError(f"{self.label}: cannot be read ({reason})") from failure


def list_tar(archive: Path) -> dict[PurePosixPath, TarMember]:
    """List the files of a tar and check their names, without reading their content.

    Hidden files, links, devices and the files that macOS adds are left out.

    Args:
        archive: The tar.

    Returns:
        Members by their path in the tar, with ``/``, in the order of the tar.

    Raises:
        InputError: The tar is compressed, damaged or malicious.
    """
    members: dict[PurePosixPath, TarMember] = {}
    archive_bytes = archive.stat().st_size
    advice = (
        f"download it again or unpack it (mkdir clips && tar -xf {archive.name} -C clips) and give "
        "the folder instead"
    )
    with reading(archive, "a complete tar file without compression", advice=advice):
        # A compressed tar would be unpacked from its start for every clip.
        with tarfile.open(archive, "r:") as opened:
            for entry in opened:
                path = safe_path(archive, entry.name)
                if not entry.isreg() or entry.issparse() or is_ignored(path):
                    continue
                if path in members:
                    raise InputError(
                        f"{archive}: refused: it contains {str(path)!r} twice. Unpack it and give "
                        "the folder instead"
                    )
                if entry.size < 0 or entry.offset_data + entry.size > archive_bytes:
                    raise InputError(
                        f"{archive}: cut off: it ends inside {entry.name!r}. Download it again"
                    )
                members[path] = TarMember(archive, entry.name, entry.size, entry.offset_data)
    return members


def members_of_tars(root: Path, tars: Iterable[Path]) -> Iterator[tuple[PurePosixPath, TarMember]]:
    """List the files of several tars.

    Args:
        root: The only tar, or a folder that holds all of them.
        tars: The tars.

    Yields:
        Members with their paths; those of a tar in a folder are below the tar's own name.

    Raises:
        InputError: A tar is compressed, damaged or malicious.
    """
    for tar in tars:
        below = PurePosixPath()
        if tar != root:
            below = PurePosixPath(tar.relative_to(root).with_suffix("").as_posix())
        for path, member in list_tar(tar).items():
            yield below / path, member
