"""The video files that a user named, wherever they lie: the one view that matching has of them."""

from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from builders.sources.source import Footage

VIDEO_SUFFIXES: Final = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()
)


class ClipFiles(Protocol):
    """Video files known by their names alone, in a folder or in a zip."""

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
        """Paths inside, with ``/``, sorted."""
        ...

    def footage(self, file: PurePosixPath) -> Footage:
        """Return the pixels of one of the files."""
        ...

    def place(self, file: PurePosixPath) -> object:
        """Return what two names of one and the same file have in common."""
        ...


def is_video_name(name: str) -> bool:
    """Return whether a file of this name is taken for a clip."""
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES


def no_clips_message(root: Path, others: int) -> str:
    """Say that a place holds no clips.

    Args:
        root: The folder or zip.
        others: How many other files are there.
    """
    return (
        f"--clips {root}: there are no clips in it: expected video files "
        f"({', '.join(sorted(VIDEO_SUFFIXES))}), found {others} other files. Name the folder or "
        "zip that holds the clips"
    )
