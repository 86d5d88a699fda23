"""Clips that a user's table names: from a cell to an id and a file inside the folder."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from builders.sources.caption_rows import CaptionRow
from builders.sources.clip_files import ClipFiles, is_video_name
from builders.sources.matching import files_by_stem
from builders.sources.problems import SHOWN, bullets
from builders.sources.source import Footage
from dvtr_bench.errors import AnnotationError

SUBFOLDER_MARK: Final = "__"
"""What stands in an id for the ``/`` of a file in a subfolder."""


class NamedClip(NamedTuple):
    """The clip that a row names.

    Attributes:
        video_id: Its id.
        file: Its file below the folder, with ``/``, whether it is there or not; None when the row
            gives an id alone and no file of that name is there.
    """

    video_id: str
    file: str | None


class ClipNames:
    """Turns rows into clips, for one folder."""

    def __init__(self, folder: ClipFiles | None) -> None:
        """Know the folder's files; None when there are captions alone."""
        self._folder = folder
        self._stems = files_by_stem(folder) if folder else {}
        self._present = frozenset(map(str, folder.files)) if folder else frozenset()
        # Rows of one clip mostly follow one another.
        self._place = lru_cache(maxsize=1024)(self._find_place)
        self._base = lru_cache(maxsize=1024)(self._find_base)
        self._advice_left = SHOWN

    def name(self, row: CaptionRow, table: Path) -> NamedClip:
        """Say which clip a row names.

        Args:
            row: With a file name, an id, or both.
            table: The file that the row stands in; where it lies in the folder of clips, names
                count from its own folder, as Hugging Face's ``metadata.csv`` has it.

        Returns:
            The clip. Without a column of ids the id is the file's name without its extension,
            subfolders joined with ``__``.

        Raises:
            AnnotationError: The name is absolute, leaves the folder, or fits several files.
        """
        if row.file_name is None:
            return self._by_id(row)
        place = self._place(row.file_name, table)
        if place is None:
            raise AnnotationError(
                f"{row.where}: the file name {row.file_name!r} is not one below the folder of "
                "clips: expected a relative path with '/' and without '..'"
            )
        return place if row.video_id is None else NamedClip(row.video_id, place.file)

    def footage(self, clip: NamedClip) -> Footage | None:
        """Return a clip's pixels; None when its file is not there."""
        if self._folder is None or clip.file is None or clip.file not in self._present:
            return None
        return self._folder.footage(PurePosixPath(clip.file))

    def advice(self, file: str | None) -> str:
        """Return what a missing file may have been meant to be, or nothing.

        Only for as many as a message shows: each search goes through the names of all files.
        """
        if file is None or self._folder is None or not self._advice_left:
            return ""
        self._advice_left -= 1
        near = get_close_matches(file, self._present, n=1, cutoff=0.8)
        return f" (there is {near[0]})" if near else ""

    def _by_id(self, row: CaptionRow) -> NamedClip:
        video_id = row.video_id or ""
        files = self._stems.get(video_id, [])
        if len(files) > 1:
            raise AnnotationError(
                f"{row.where}: the id {video_id!r} fits several files: "
                f"{', '.join(map(str, files))}: add a column file_name"
            )
        return NamedClip(video_id, str(files[0]) if files else None)

    def _find_place(self, name: str, table: Path) -> NamedClip | None:
        """Return the clip of a file name, by the id that the name gives; None for a bad name."""
        parts = PurePosixPath(name).parts
        if "\\" in name or name.startswith("/") or ".." in parts or name.strip("./ ") == "":
            return None
        file = self._base(table) / name
        if not is_video_name(file.name) and len(self._stems.get(file.name, [])) == 1:
            file = self._stems[file.name][0]
        stem = file.with_suffix("") if is_video_name(file.name) else file
        return NamedClip(SUBFOLDER_MARK.join(stem.parts), str(file))

    def _find_base(self, table: Path) -> PurePosixPath:
        if self._folder is None:
            return PurePosixPath()
        root, folder = self._folder.root.resolve(), table.resolve().parent
        inside = folder.is_relative_to(root)
        return PurePosixPath(folder.relative_to(root).as_posix()) if inside else PurePosixPath()


def check_one_id_per_file(folder: ClipFiles | None, clips: Iterable[NamedClip]) -> None:
    """Refuse tables in which two ids name one file, or one id two files.

    Args:
        folder: The clips; links to one file count as that file.
        clips: What the rows name.

    Raises:
        AnnotationError: Lists the ids and files.
    """
    clip_of: dict[object, NamedClip] = {}
    file_of: dict[str, str] = {}
    problems: dict[str, None] = {}
    before = None
    for clip in clips:
        video_id, file = clip
        if file is None or clip == before:
            continue
        before = clip
        place = folder.place(PurePosixPath(file)) if folder else file
        first_id, first = clip_of.setdefault(place, clip)
        if first_id != video_id:
            also = "" if first == file else f" (the same file as {file})"
            problems[
                f"the file {first}{also} is named by two ids, {first_id!r} and {video_id!r}: give "
                "its captions to one of them"
            ] = None
        other = file_of.setdefault(video_id, file)
        if other != file:
            problems[
                f"the id {video_id!r} names two files, {other} and {file}: add a column video_id "
                "with an id of its own for each"
            ] = None
    if problems:
        raise AnnotationError(f"the table of captions contradicts itself:{bullets(list(problems))}")
