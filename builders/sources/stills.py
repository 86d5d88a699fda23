"""Still pictures as clips of one frame, in a folder or a zip."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from builders.sources.archive import check_members, list_members
from builders.sources.source import ClipFile, Footage
from builders.sources.zipped_clip import ZippedClip
from dvtr_bench.errors import NotFoundError
from dvtr_bench.video.still import STILL_SUFFIXES

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class StillPicture:
    """Footage that is a picture.

    Attributes:
        file: The footage of its file.
    """

    file: Footage

    @property
    def label(self) -> str:
        """Name of the file."""
        return self.file.label

    def identity(self) -> str:
        """Return the SHA-256 of the file."""
        return self.file.identity()

    @property
    def identity_is_sha256(self) -> bool:
        """Whether the file's is."""
        return self.file.identity_is_sha256

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Yield the picture."""
        with self.file.opened(scratch) as path:
            yield path

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return no columns."""
        return {}


def find_stills(root: Path, names: Sequence[str]) -> dict[str, StillPicture]:
    """Find pictures by their paths.

    Args:
        root: The folder or zip.
        names: Paths as annotations state them, with ``/``; they may be relative to any folder
            within `root`, as long as it is the same for all.

    Returns:
        Pictures by path, of those that are there.

    Raises:
        NotFoundError: There is no such folder or zip, or none of the pictures is in it.
        InputError: The zip is damaged or malicious.
    """
    if root.is_dir():
        places: Mapping[PurePosixPath, Footage] = {
            PurePosixPath(path.relative_to(root).as_posix()): ClipFile(path)
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in STILL_SUFFIXES
        }
    elif root.is_file() and root.suffix.lower() == ".zip":
        members = {
            path: member
            for path, member in list_members(root).items()
            if path.suffix.lower() in STILL_SUFFIXES
        }
        check_members(root, members)
        places = {path: ZippedClip(member) for path, member in members.items()}
    else:
        found = "another file: unpack it first" if root.exists() else "nothing"
        raise NotFoundError(
            f"--clips {root}: expected a folder of pictures or a .zip, found {found}"
        )
    for base in _bases(places, names):
        found_stills = {
            name: StillPicture(places[base / name]) for name in names if base / name in places
        }
        if found_stills:
            return found_stills
    raise NotFoundError(
        f"--clips {root}: none of the {len(names):,} pictures is in it: expected such as "
        f"{', '.join(names[:_SHOWN])}, found {len(places):,} other pictures"
    )


def _bases(places: Mapping[PurePosixPath, object], names: Sequence[str]) -> Iterator[PurePosixPath]:
    """Yield the folders that the names may be relative to, the top one first."""
    yield PurePosixPath()
    first = {PurePosixPath(name).parts[0] for name in names}
    yield from dict.fromkeys(
        PurePosixPath(*path.parts[:depth])
        for path in places
        for depth in range(1, len(path.parts))
        if path.parts[depth] in first
    )
