"""Which file belongs to which id, where several files may be the same clip."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builders.sources.clip_files import ClipFiles
from builders.sources.clips import open_clips
from builders.sources.source import Footage
from dvtr_bench.errors import AnnotationError


@dataclass(frozen=True)
class Matches:
    """Clip files by id.

    Attributes:
        footage: The clip of each id that has one.
        unused: Files that belong to no id.
        notes: What a reader must know, such as second copies.
    """

    footage: Mapping[str, Footage]
    unused: tuple[str, ...]
    notes: tuple[str, ...]


Find = Callable[[ClipFiles], Mapping[str, Sequence[PurePosixPath]]]
"""Gives for each id the files of a folder that are its clip; several when archives hold the same
clip under two spellings."""


def match_clips(root: Path | None, find: Find) -> Matches:
    """Choose one file for each id.

    Args:
        root: The folder or zip of clips; None when there is none.
        find: Which files are an id's clip.

    Returns:
        The choice: the first file in order, where all files of an id have the same bytes.

    Raises:
        AnnotationError: An id has several files with different bytes.
        NotFoundError: No such folder or zip, or no clip in it.
    """
    if root is None:
        return Matches({}, (), ())
    folder = open_clips(root)
    footage: dict[str, Footage] = {}
    taken: set[PurePosixPath] = set()
    copies = 0
    for video_id, files in find(folder).items():
        if not files:
            continue
        found = [folder.footage(file) for file in files]
        if len(found) > 1 and len({one.identity() for one in found}) > 1:
            raise AnnotationError(
                f"{folder.root}: several different clips for the id {video_id!r}: "
                f"{', '.join(repr(str(file)) for file in files)}. Keep the right one alone"
            )
        footage[video_id] = found[0]
        taken.update(files)
        copies += len(files) - 1
    unused = tuple(str(file) for file in folder.files if file not in taken)
    notes = (
        (f"{copies} clip files are second copies of clips under another spelling of the name.",)
        if copies
        else ()
    )
    return Matches(footage, unused, notes)


def find_by_stem(
    folder: ClipFiles, video_ids: Sequence[str]
) -> Mapping[str, Sequence[PurePosixPath]]:
    """Find clips that are named after their ids, wherever they are below the folder."""
    stems = files_by_stem(folder)
    return {video_id: stems.get(video_id, []) for video_id in video_ids}


def files_by_stem(folder: ClipFiles) -> dict[str, list[PurePosixPath]]:
    """Group files by their name without its extension, wherever they are below the folder."""
    stems: dict[str, list[PurePosixPath]] = {}
    for file in folder.files:
        stems.setdefault(file.stem, []).append(file)
    return stems
