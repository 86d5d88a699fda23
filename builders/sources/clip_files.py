"""The interface of a user's video files, in a folder or in a zip."""

from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from builders.sources.source import Footage

VIDEO_SUFFIXES: Final = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()
)


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
        """Paths relative to the root, with ``/``, sorted."""
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
