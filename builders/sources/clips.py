"""From what the user named with --clips to the clips in it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from builders.sources.archive import IGNORED_FOLDERS, Member, check_members, list_members
from builders.sources.clip_files import ClipFiles, is_video_name, no_clips_message
from builders.sources.source import ClipFile
from dvtr_bench.errors import NotFoundError


def open_clips(root: Path) -> ClipFiles:
    """List the clips of a folder or of a zip.

    Args:
        root: What the user named.

    Returns:
        The clips, by their names.

    Raises:
        NotFoundError: Neither a folder nor a zip, or no clip in it.
        InputError: The zip is refused.
    """
    if root.is_dir():
        return ClipFolder.scan(root)
    if root.is_file() and root.suffix.lower() == ".zip":
        return ClipArchive.scan(root)
    found = "a file that is no zip: unpack it first" if root.exists() else "nothing"
    raise NotFoundError(f"--clips {root}: expected a folder of clips or a .zip, found {found}")


@dataclass(frozen=True)
class ClipFolder:
    """The video files below a folder, known by their names alone.

    Attributes:
        root: The folder.
        files: Paths relative to `root`, with ``/``, sorted.
    """

    root: Path
    files: tuple[PurePosixPath, ...]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.resolve().name

    def footage(self, file: PurePosixPath) -> ClipFile:
        """Return a file's pixels."""
        return ClipFile(self.root / file)

    def place(self, file: PurePosixPath) -> object:
        """Return the file that a name stands for: links to one file are that file."""
        try:
            status = (self.root / file).stat()
        except OSError:
            return file
        return status.st_dev, status.st_ino

    @classmethod
    def scan(cls, root: Path) -> "ClipFolder":
        """List the video files of a folder and its subfolders.

        Hidden files and folders, and what macOS adds to zip files, are no clips.

        Args:
            root: The folder.

        Returns:
            The files; folders that are links to other folders are not entered.

        Raises:
            NotFoundError: No video file in it.
        """
        clips: list[PurePosixPath] = []
        others = 0
        for folder, subfolders, names in os.walk(root):
            subfolders[:] = [
                name
                for name in subfolders
                if not name.startswith(".") and name not in IGNORED_FOLDERS
            ]
            for name in names:
                if not name.startswith(".") and is_video_name(name):
                    relative = (Path(folder) / name).relative_to(root)
                    clips.append(PurePosixPath(relative.as_posix()))
                else:
                    others += 1
        if not clips:
            raise NotFoundError(no_clips_message(root, others))
        return cls(root, tuple(sorted(clips)))


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

    @property
    def identity_is_sha256(self) -> bool:
        """True."""
        return True

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
