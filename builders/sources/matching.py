"""Matching of clip files to ids, and messages that list every problem at once.

Several files may be the same clip.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from builders.sources.clips import ClipFiles, open_clips
from builders.sources.source import Footage
from dvtr_bench.errors import AnnotationError
from dvtr_bench.runtime.terminal import count_of


@dataclass(frozen=True)
class Matches:
    """Clip files by id.

    Attributes:
        footage: Footage by id, of the ids that have a clip.
        unused: Files that match no id.
        notes: Remarks for the card, such as on second copies.
    """

    footage: Mapping[str, Footage]
    unused: tuple[str, ...]
    notes: tuple[str, ...]


Find = Callable[[ClipFiles], Mapping[str, Sequence[PurePosixPath]]]
"""Takes the files; returns for each id the files of its clip, of which there may be several if a
clip is stored under two spellings of its name."""


def match_clips(root: Path | None, find: Find) -> Matches:
    """Choose one file for each id.

    Args:
        root: The folder or zip of clips; None without clips.
        find: Finds the files of each id.

    Returns:
        The first file of each id; all files of an id must have the same bytes.

    Raises:
        AnnotationError: An id has several files with different bytes.
        NotFoundError: There is no such folder or zip, or it contains no clips.
    """
    if root is None:
        return Matches({}, (), ())
    folder = open_clips(root)
    footage: dict[str, Footage] = {}
    used: set[PurePosixPath] = set()
    copies = 0
    for video_id, files in find(folder).items():
        if not files:
            continue
        copies_of_clip = [folder.footage(file) for file in files]
        if len(files) > 1 and len({copy.identity() for copy in copies_of_clip}) > 1:
            raise AnnotationError(
                f"{folder.root}: several different clips for the id {video_id!r}: "
                f"{', '.join(repr(str(file)) for file in files)}. Keep only the right one"
            )
        footage[video_id] = copies_of_clip[0]
        used.update(files)
        copies += len(files) - 1
    unused = tuple(shown_path(file) for file in folder.files if file not in used)
    notes = (
        (f"Second copies of clips under another spelling of the name: {count_of(copies, 'file')}.",)
        if copies
        else ()
    )
    return Matches(footage, unused, notes)


def find_by_stem(
    folder: ClipFiles, video_ids: Sequence[str]
) -> Mapping[str, Sequence[PurePosixPath]]:
    """Find clips that are named after their ids, in any subfolder."""
    stems = files_by_stem(folder)
    return {video_id: stems.get(video_id, []) for video_id in video_ids}


def find_by_any_name(
    folder: ClipFiles, names_of: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[PurePosixPath]]:
    """Find clips that are named in one of several ways, in any subfolder.

    Args:
        folder: The files.
        names_of: Names of each id's file, with or without extension, the likeliest first.

    Returns:
        The files of the first name of each id that a file has.
    """
    files = files_by_stem(folder)
    for file in folder.files:
        files.setdefault(file.name, []).append(file)
    return {
        video_id: next((files[name] for name in names if name in files), [])
        for video_id, names in names_of.items()
    }


def files_by_stem(folder: ClipFiles) -> dict[str, list[PurePosixPath]]:
    """Group files by their name without extension, in any subfolder."""
    stems: dict[str, list[PurePosixPath]] = {}
    for file in folder.files:
        stems.setdefault(file.stem, []).append(file)
    return stems


def shown_path(file: PurePosixPath) -> str:
    r"""Return a path for messages and reports; bytes that are not in UTF-8 are escaped.

    Example:
        >>> shown_path(PurePosixPath("caf\udce9.mp4"))
        'caf\\udce9.mp4'
    """
    return str(file).encode("utf-8", "backslashreplace").decode("utf-8")


SHOWN: Final = 10
"""Number of items that a message lists."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def apply_to_all(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function to all items and report all failures together.

    Args:
        function: A function that may raise `AnnotationError`.
        items: Its arguments.

    Yields:
        The results, in order.

    Raises:
        AnnotationError: At the end, if at least one item failed. The message has the number of
            failures and the first ten messages.
    """
    failures = []
    for item in items:
        try:
            result = function(item)
        except AnnotationError as failure:
            failures.append(str(failure))
        else:
            yield result
    if len(failures) == 1:
        raise AnnotationError(failures[0])
    if failures:
        raise AnnotationError(f"problems found: {len(failures)}{bullets(failures)}")


def bullets(lines: Sequence[str]) -> str:
    r"""Format lines as an indented list of the first ten and the number of the others.

    Example:
        >>> bullets(["a", "b"])
        '\n  - a\n  - b'
    """
    shown = [f"\n  - {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"\n  - and {len(lines) - SHOWN:,} more")
    return "".join(shown)
