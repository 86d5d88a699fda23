"""The video files below a folder."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from dvtr_bench.errors import NotFoundError

VIDEO_SUFFIXES: Final = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()
)
IGNORED_FOLDERS: Final = frozenset({"__MACOSX"})


@dataclass(frozen=True)
class ClipFolder:
    """The video files below a folder, known by their names alone.

    Attributes:
        root: The folder.
        files: Paths relative to `root`, with ``/``, sorted.
    """

    root: Path
    files: tuple[PurePosixPath, ...]

    def path(self, file: PurePosixPath) -> Path:
        """Return where a file is."""
        return self.root / file

    @classmethod
    def scan(cls, root: Path) -> "ClipFolder":
        """List the video files of a folder and its subfolders.

        Hidden files and folders, and what macOS adds to zip files, are no clips.

        Args:
            root: The folder.

        Returns:
            The files; folders that are links to other folders are not entered.

        Raises:
            NotFoundError: No such folder, or no video file in it.
        """
        if not root.is_dir():
            found = "a file" if root.exists() else "nothing"
            raise NotFoundError(f"--clips {root}: expected a folder of clips, found {found}")
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
            raise NotFoundError(
                f"--clips {root}: there are no clips in it: expected video files "
                f"({', '.join(sorted(VIDEO_SUFFIXES))}), found {others} other files. Name the "
                "folder that holds the clips"
            )
        return cls(root, tuple(sorted(clips)))


def is_video_name(name: str) -> bool:
    """Return whether a file of this name is taken for a clip."""
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
