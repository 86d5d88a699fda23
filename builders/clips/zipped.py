"""The video files in a zip, decoded one at a time without unpacking it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from builders.archive import Member, check_members, list_members
from builders.clips.files import is_video_name, no_clips_message
from dvtr_bench.errors import NotFoundError

IN_MEMORY_BYTES: Final = 64_000_000
"""Clips up to this size never touch the disk, where the system can keep files in memory."""


@dataclass(frozen=True)
class ZippedClip:
    """Footage that is a member of a zip.

    Attributes:
        member: The member.
    """

    member: Member

    @property
    def label(self) -> str:
        """The zip and the name in it."""
        return self.member.label

    def identity(self) -> str:
        """Return the SHA-256 of the unpacked clip: the same as of the clip as a file."""
        return self.member.sha256()

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Give this one clip as a file, for as long as it is decoded."""
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
        """Return nothing: a clip has no more than its frames."""
        return {}


@dataclass(frozen=True)
class ClipArchive:
    """The video files of a zip, known by their names alone.

    Attributes:
        root: The zip.
        files: Paths inside, with ``/``, sorted.
        members: By path.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    members: Mapping[PurePosixPath, Member]

    @property
    def name(self) -> str:
        """The zip's name without ``.zip``."""
        return self.root.stem

    def footage(self, file: PurePosixPath) -> ZippedClip:
        """Return a member's pixels."""
        return ZippedClip(self.members[file])

    def place(self, file: PurePosixPath) -> object:
        """Return the path: a zip has no second names."""
        return file

    @classmethod
    def scan(cls, root: Path) -> "ClipArchive":
        """List the video files of a zip.

        Args:
            root: The zip.

        Returns:
            The files; hidden ones, links and what macOS adds are no clips.

        Raises:
            NotFoundError: No video file in it.
            InputError: No whole zip, an encrypted one, or one made to do harm.
        """
        members = list_members(root)
        clips = {path: member for path, member in members.items() if is_video_name(path.name)}
        if not clips:
            raise NotFoundError(no_clips_message(root, len(members)))
        check_members(root, clips)
        return cls(root, tuple(sorted(clips)), clips)
