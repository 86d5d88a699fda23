"""The video files below a folder."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builders.archive import IGNORED_FOLDERS
from builders.clips.files import is_video_name, no_clips_message
from builders.source import ClipFile
from dvtr_bench.errors import NotFoundError


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
