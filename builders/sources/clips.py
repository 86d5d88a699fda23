"""The clips of a folder, a zip or tars, given with --clips."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from builders.sources.archive import IGNORED_FOLDERS, Member, check_members, list_members
from builders.sources.source import ClipFile, Footage
from builders.sources.tar_archive import TarMember, list_tar, members_of_tars
from builders.sources.zipped_clip import ZippedClip
from dvtr_bench.errors import NotFoundError

VIDEO_SUFFIXES: Final = frozenset(
    (
        ".3g2 .3gp .asf .avi .divx .f4v .flv .gif .lrf .lrv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg "
        ".mts .mxf .nut .ogv .qt .ts .vob .webm .wmv"
    ).split()
)
"""``.lrf`` and ``.lrv`` are the small MP4 files that DJI and GoPro cameras write beside others."""

_PREVIEW_SUFFIXES: Final = frozenset({".gif", ".lrf", ".lrv"})


_TAR: Final = ".tar"
_COMPRESSED_TARS: Final = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")


class ClipFiles(Protocol):
    """The names of video files in a folder or in an archive."""

    @property
    def root(self) -> Path:
        """The folder or the archive."""
        ...

    @property
    def name(self) -> str:
        """The name of the folder, or of the archive without its ending."""
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

    def name_bytes(self, file: PurePosixPath) -> bytes | None:
        """Return the bytes of a name whose encoding is unknown; None if it is known."""
        ...


def is_video_name(name: str) -> bool:
    """Return whether a file name has the suffix of a video."""
    return posixpath.splitext(name)[1].lower() in VIDEO_SUFFIXES


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
        root: The folder, a zip, an uncompressed tar, a folder of such tars, or one clip.

    Returns:
        The names of the clips.

    Raises:
        NotFoundError: It is nothing of these, or contains no clips.
        InputError: The archive is damaged or malicious.
    """
    if root.is_dir():
        return ClipFolder.scan(root)
    suffix = root.suffix.lower()
    if root.is_file() and suffix == ".zip":
        return ClipArchive.scan(root)
    if root.is_file() and suffix == _TAR:
        return ClipArchive.scan_tars(root, [root])
    if root.is_file() and is_video_name(root.name):
        return ClipFolder(root.parent, (PurePosixPath(root.name),))
    found = "nothing"
    if root.exists():
        found = "another file: unpack it first"
        if root.name.lower().endswith(_COMPRESSED_TARS):
            found += f", as in mkdir clips && tar -xf {root.name} -C clips"
    raise NotFoundError(
        f"--clips {root}: expected a folder of clips, a .zip, a .tar or one clip, found {found}"
    )


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

    def name_bytes(self, file: PurePosixPath) -> bytes | None:
        """Return the bytes of a name that is not in UTF-8; None for all others."""
        return None if is_utf8(str(file)) else os.fsencode(str(file))

    @classmethod
    def scan(cls, root: Path) -> "ClipFiles":
        """List the video files of a folder and its subfolders.

        Hidden files and folders, and the files that macOS adds to zips, are ignored. Links to
        folders are followed; a folder that several links lead to is listed once.

        Args:
            root: The folder.

        Returns:
            The files; those inside of tars if there are only such.

        Raises:
            NotFoundError: The folder contains no video files.
        """
        clips: list[PurePosixPath] = []
        tars: list[Path] = []
        others = 0
        for path in files_below(root):
            if path.name.startswith("."):
                others += 1
            elif is_video_name(path.name):
                clips.append(PurePosixPath(path.relative_to(root).as_posix()))
            else:
                others += 1
                tars += [path] if _is_tar(path) else []
        if clips:
            previews = find_previews(clips)
            return cls(root, tuple(sorted(set(clips) - previews)), previews)
        if tars:
            return ClipArchive.scan_tars(root, sorted(tars))
        raise NotFoundError(no_clips_message(root, others))


def is_utf8(name: str) -> bool:
    """Return whether a name of a file is in UTF-8; Python marks bytes that are not."""
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def files_below(root: Path) -> Iterator[Path]:
    """Yield all files below a folder, each folder once, those that only links lead to last.

    Hidden folders, and those that macOS adds to zips, are passed over.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        links: list[Path] = []
        for start in waiting:
            for folder, subfolders, names in os.walk(start):
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    subfolders.clear()
                    continue
                seen.add((status.st_dev, status.st_ino))
                inside = [Path(folder, name) for name in subfolders if not _is_passed_over(name)]
                links += [path for path in inside if path.is_symlink()]
                subfolders[:] = [path.name for path in inside if not path.is_symlink()]
                yield from (Path(folder, name) for name in names)
        waiting = sorted(links)


def _is_passed_over(folder: str) -> bool:
    return folder.startswith(".") or folder in IGNORED_FOLDERS


@dataclass(frozen=True)
class ClipArchive:
    """The names of the video files in a zip or in tars.

    Attributes:
        root: The zip, the tar, or the folder of the tars.
        files: Paths in the archive, with ``/``, sorted, without previews; of several tars, below
            the tar's own name.
        members: Members by path.
        previews: Small copies of other files.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    members: Mapping[PurePosixPath, Member | TarMember]
    previews: frozenset[PurePosixPath] = frozenset()

    @property
    def name(self) -> str:
        """The archive's name without its ending."""
        return self.root.resolve().name if self.root.is_dir() else self.root.stem

    def holds(self, file: PurePosixPath) -> bool:
        """Return whether there is a file of that name, video or not."""
        return file in self.all_members()

    def all_members(self) -> Mapping[PurePosixPath, Member | TarMember]:
        """Return all files in the archive, videos or not, by path as in `files`."""
        if self.root.is_dir():
            tars = sorted(path for path in files_below(self.root) if _is_tar(path))
            return dict(members_of_tars(self.root, tars))
        is_tar = self.root.suffix.lower() == _TAR
        return list_tar(self.root) if is_tar else list_members(self.root)

    def footage(self, file: PurePosixPath) -> ZippedClip:
        """Return one of the files as footage."""
        return ZippedClip(self.members[file])

    def file_key(self, file: PurePosixPath) -> object:
        """Return the path: in an archive each file has one name."""
        return file

    def name_bytes(self, file: PurePosixPath) -> bytes | None:
        """Return the bytes of a name whose encoding is unknown; None if it is known."""
        member = self.members[file]
        if isinstance(member, TarMember):
            return None if is_utf8(str(file)) else os.fsencode(str(file))
        if member.is_utf8 or member.name.isascii():
            return None
        return member.name.encode("cp437")

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

    @classmethod
    def scan_tars(cls, root: Path, tars: Sequence[Path]) -> "ClipArchive":
        """List the video files of tars.

        Args:
            root: The only tar, or the folder of all.
            tars: The tars.

        Returns:
            The files, without hidden files, links and the files that macOS adds.

        Raises:
            NotFoundError: The tars contain no video files.
            InputError: A tar is compressed, damaged or malicious.
        """
        clips: dict[PurePosixPath, TarMember] = {}
        num_others = 0
        for path, member in members_of_tars(root, tars):
            if is_video_name(path.name):
                clips[path] = member
            else:
                num_others += 1
        if not clips:
            raise NotFoundError(no_clips_message(root, num_others))
        previews = find_previews(clips)
        return cls(root, tuple(sorted(clips.keys() - previews)), clips, previews)


def _is_tar(path: Path) -> bool:
    return path.suffix.lower() == _TAR and not path.name.startswith(".")
