"""Footage in a zip or tar, unpacked clip by clip."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from builders.sources.archive import Member
from builders.sources.tar_archive import TarMember

IN_MEMORY_BYTES: Final = 64_000_000
"""Clips up to this size are unpacked in memory, if the system supports files in memory."""


@dataclass(frozen=True)
class ZippedClip:
    """Footage in a zip or tar.

    Attributes:
        member: The member.
    """

    member: Member | TarMember

    @property
    def label(self) -> str:
        """Path of the archive and name of the member."""
        return self.member.label

    def disk_file(self) -> Path:
        """Return the zip."""
        return self.member.archive

    def size_bytes(self) -> int:
        """Return the size of the unpacked clip."""
        return self.member.size_bytes

    def identity(self) -> str:
        """Return the SHA-256 of the unpacked clip."""
        return self.member.sha256()

    @property
    def identity_is_sha256(self) -> bool:
        """True."""
        return True

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Unpack the clip to a temporary file in memory or in ``scratch``."""
        if hasattr(os, "memfd_create") and self.member.size_bytes <= IN_MEMORY_BYTES:
            with os.fdopen(os.memfd_create("clip"), "wb") as file:
                self.member.copy_to(file)
                file.flush()
                yield Path(f"/proc/self/fd/{file.fileno()}")
            return
        path = scratch / f"{os.getpid()}.part{PurePosixPath(self.member.name).suffix}"
        try:
            with path.open("wb") as file:
                self.member.copy_to(file)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return no columns."""
        return {}
