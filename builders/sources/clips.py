"""The clips of a folder or a zip, given with --clips."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from builders.sources.archive import IGNORED_FOLDERS, Member, check_members, list_members
from builders.sources.source import ClipFile, Footage
from dvtr_bench.errors import NotFoundError

VIDEO_SUFFIXES: Final = frozenset(
    (
        ".3g2 .3gp .asf .avi .divx .f4v .flv .gif .lrf .lrv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg "
        ".mts .mxf .nut .ogv .qt .ts .vob .webm .wmv"
    ).split()
)
"""``.lrf`` and ``.lrv`` are the small MP4 files that DJI and GoPro cameras write beside others."""

_PREVIEW_SUFFIXES: Final = frozenset({".gif", ".lrf", ".lrv"})


class ClipFiles(Protocol):
    """The names of video files in a folder or in a zip."""

    @property
    def root(self) -> Path:
        """The folder or the zip."""
        ...

    @property
    def name(self) -> str:
        """The name of the folder, or of the zip without ``.zip``."""
        ...

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """Paths relative to the root, with ``/``, sorted, without previews."""
        ...

    @property
    def previews(self) -> frozenset[PurePosixPath]:
        """Small copies of other files, which are clips only for a table that names them."""
        ...

    def holds(self, file: PurePosixPath) -> bool:
        """Return whether there is a file of that name, video or not."""
        ...

    def footage(self, file: PurePosixPath) -> Footage:
        """Return the pixels of one of the files."""
        ...

    def file_key(self, file: PurePosixPath) -> object:
        """Return a key that is equal for two names of the same file."""
        ...


def is_video_name(name: str) -> bool:
    """Return whether a file name has the suffix of a video."""
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES


def find_previews(files: Iterable[PurePosixPath]) -> frozenset[PurePosixPath]:
    """Return the files that lie beside a video of the same name and have a preview's suffix.

    Example:
        >>> files = map(PurePosixPath, ("a.mp4", "a.LRF", "b.gif"))
        >>> [str(file) for file in find_previews(files)]
        ['a.LRF']
    """
    files = list(files)
    suspects = {file for file in files if file.suffix.lower() in _PREVIEW_SUFFIXES}
    videos = {file.with_suffix("") for file in files if file not in suspects}
    return frozenset(file for file in suspects if file.with_suffix("") in videos)


def no_clips_message(root: Path, others: int) -> str:
    """Return the message for a folder or zip without clips.

    Args:
        root: The folder or zip.
        others: Number of other files in it.
    """
    return (
        f"--clips {root}: there are no clips in it: expected video files "
        f"({', '.join(sorted(VIDEO_SUFFIXES))}), found {others} other files. Give the folder or "
        "zip with the clips"
    )


def open_clips(root: Path) -> ClipFiles:
    """List the clips of a folder or of a zip.

    Args:
        root: The folder or zip.

    Returns:
        The names of the clips.

    Raises:
        NotFoundError: It is neither a folder nor a zip, or contains no clips.
        InputError: The zip is damaged or malicious.
    """
    if root.is_dir():
        return ClipFolder.scan(root)
    if root.is_file() and root.suffix.lower() == ".zip":
        return ClipArchive.scan(root)
    found = "another file: unpack it first" if root.exists() else "nothing"
    raise NotFoundError(f"--clips {root}: expected a folder of clips or a .zip, found {found}")


@dataclass(frozen=True)
class ClipFolder:
    """The names of the video files in a folder and its subfolders.

    Attributes:
        root: The folder.
        files: Paths relative to `root`, with ``/``, sorted, without previews.
        previews: Small copies of other files.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    previews: frozenset[PurePosixPath] = frozenset()

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.resolve().name

    def holds(self, file: PurePosixPath) -> bool:
        """Return whether there is a file of that name, video or not."""
        try:
            return (self.root / file).is_file()
        except (OSError, ValueError):  # no file can have this name
            return False

    def footage(self, file: PurePosixPath) -> ClipFile:
        """Return one of the files as footage."""
        return ClipFile(self.root / file)

    def file_key(self, file: PurePosixPath) -> object:
        """Return a key of the file; links to it have the same key."""
        try:
            status = (self.root / file).stat()
        except OSError:
            return file
        return status.st_dev, status.st_ino

    @classmethod
    def scan(cls, root: Path) -> "ClipFolder":
        """List the video files of a folder and its subfolders.

        Hidden files and folders, and the files that macOS adds to zips, are ignored. Links to
        folders are not followed.

        Args:
            root: The folder.

        Returns:
            The files.

        Raises:
            NotFoundError: The folder contains no video files.
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
        previews = find_previews(clips)
        return cls(root, tuple(sorted(set(clips) - previews)), previews)


IN_MEMORY_BYTES: Final = 64_000_000
"""Clips up to this size are unpacked in memory, if the system supports files in memory."""


@dataclass(frozen=True)
class ZippedClip:
    """Footage in a zip.

    Attributes:
        member: The member.
    """

    member: Member

    @property
    def label(self) -> str:
        """Path of the zip and name of the member."""
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


@dataclass(frozen=True)
class ClipArchive:
    """The names of the video files in a zip.

    Attributes:
        root: The zip.
        files: Paths in the zip, with ``/``, sorted, without previews.
        members: Members by path.
        previews: Small copies of other files.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    members: Mapping[PurePosixPath, Member]
    previews: frozenset[PurePosixPath] = frozenset()

    @property
    def name(self) -> str:
        """The zip's name without ``.zip``."""
        return self.root.stem

    def holds(self, file: PurePosixPath) -> bool:
        """Return whether there is a file of that name, video or not."""
        return file in list_members(self.root)

    def footage(self, file: PurePosixPath) -> ZippedClip:
        """Return one of the files as footage."""
        return ZippedClip(self.members[file])

    def file_key(self, file: PurePosixPath) -> object:
        """Return the path: in a zip each file has one name."""
        return file

    @classmethod
    def scan(cls, root: Path) -> "ClipArchive":
        """List the video files of a zip.

        Args:
            root: The zip.

        Returns:
            The files, without hidden files, links and the files that macOS adds.

        Raises:
            NotFoundError: The zip contains no video files.
            InputError: The zip is damaged, encrypted or malicious.
        """
        members = list_members(root)
        clips = {path: member for path, member in members.items() if is_video_name(path.name)}
        if not clips:
            raise NotFoundError(no_clips_message(root, len(members)))
        check_members(root, clips)
        previews = find_previews(clips)
        return cls(root, tuple(sorted(clips.keys() - previews)), clips, previews)
