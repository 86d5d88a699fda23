"""The clips named in a user's table: their ids and files."""

import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from builders.sources.beside_clips import possible_clips
from builders.sources.caption_rows import CaptionRow
from builders.sources.clips import ClipFiles, is_video_name
from builders.sources.matching import SHOWN, bullets, files_by_stem, shown_path
from builders.sources.segments import ClipSegment, Segment
from builders.sources.source import Footage
from dvtr_bench.errors import AnnotationError
from dvtr_bench.runtime.terminal import by_number, count_of

_ENCODINGS: Final = tuple(
    "utf-8 gb18030 big5 cp932 euc_jp euc_kr cp1251 cp866 cp1252 cp850".split()
)
"""Encodings of file names, tried where it is unknown."""

COMPOSITION: Final = "composition"
"""The kind of a spelling that differs in composed and decomposed letters alone."""


class Spelled(NamedTuple):
    """A file that is found under another spelling.

    Attributes:
        file: The file, by its own name.
        kind: `COMPOSITION`, or the encoding of its name.
    """

    file: PurePosixPath
    kind: str


class Spellings:
    """The files of a folder or archive by all spellings of names that are not in ASCII."""

    def __init__(self, folder: ClipFiles) -> None:
        """Index the files."""
        self._files: dict[str, dict[PurePosixPath, str]] = {}
        self._stems: dict[str, dict[PurePosixPath, str]] = {}
        for file in folder.files:
            for spelling, kind in _spellings(folder, file):
                path = PurePosixPath(spelling)
                for index, key in ((self._files, spelling), (self._stems, path.stem)):
                    index.setdefault(key, {}).setdefault(file, kind)

    def by_path(self, path: str) -> Spelled | None:
        """Return the one file that has this path in another spelling; None if not exactly one."""
        return _only(self._files, path)

    def by_stem(self, stem: str) -> Spelled | None:
        """Return the one file whose name without ending is this; None if not exactly one."""
        return _only(self._stems, stem)


def _only(index: dict[str, dict[PurePosixPath, str]], key: str) -> Spelled | None:
    found = index.get(unicodedata.normalize("NFC", key), {})
    return Spelled(*next(iter(found.items()))) if len(found) == 1 else None


def _spellings(folder: ClipFiles, file: PurePosixPath) -> Iterator[tuple[str, str]]:
    name = str(file)
    if name.isascii():
        return
    data = folder.name_bytes(file)
    if data is None:
        yield unicodedata.normalize("NFC", name), COMPOSITION
        return
    for encoding in _ENCODINGS:
        try:
            decoded = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield unicodedata.normalize("NFC", decoded.replace("\\", "/")), encoding


SUBFOLDER_MARK: Final = "__"
"""Replaces ``/`` in the id of a file in a subfolder."""

_PLAIN: Final = re.compile(r"(?:(?!\.{1,2}(?:/|\Z)|/)[^/\\]*/)*(?!\.{1,2}\Z)[^/\\]*[^/\\. ][^/\\]*")
"""Relative paths without empty parts, ``.``, ``..`` and backslashes."""

_ACTIVITYNET: Final = "v_"
"""ActivityNet's ids begin with it; the files of many mirrors do not."""


class NamedClip(NamedTuple):
    """The clip named by a row.

    Attributes:
        video_id: Its id.
        file: Its path relative to the folder of clips, with ``/``; the file may be missing. None
            if the row has only an id and no file has that name.
        segment: The part of the file that it is; None for the whole file.
    """

    video_id: str
    file: str | None
    segment: Segment | None = None


class ClipNames:
    """Determines the clips that rows name, for one folder of clips."""

    def __init__(self, folder: ClipFiles | None) -> None:
        """Index the files of the folder; None for captions without clips."""
        self._folder = folder
        self._stems = files_by_stem(folder) if folder else {}
        self._previews = frozenset(map(str, folder.previews)) if folder else frozenset()
        self._present = self._previews.union(map(str, folder.files)) if folder else frozenset()
        self._twins = frozenset(map(str, _twins(folder))) if folder else frozenset()
        self._named_in_full: set[str] = set()
        self._says_ambiguous = True
        self._spellings = Spellings(folder) if folder else None
        # Names that are no file's by the letter, by the kind of spelling under which one was found.
        self._respelled: dict[str, set[str]] = {}
        # Rows of the same clip mostly follow one another.
        self._clip = lru_cache(maxsize=1024)(self._find_clip)
        self._base = lru_cache(maxsize=1024)(self._find_base)
        self._folder_of = lru_cache(maxsize=1024)(_find_folder)
        # As it is, and as a path may name it that was written without following links.
        roots = [folder.root.resolve(), folder.root.absolute()] if folder else []
        self._roots: list[Path] = roots
        self._advice_left = SHOWN
        self._possible: Mapping[str, PurePosixPath] | None = None

    def name(self, row: CaptionRow, table: Path) -> NamedClip:
        """Return the clip that a row names.

        Args:
            row: A row with a file name, an id, or both.
            table: The file of the row. If it is inside the folder of clips, file names are relative
                to its own folder, as in Hugging Face's ``metadata.csv``.

        Returns:
            The clip. Without a column of ids, the id is the file's name after its subfolders,
            joined with ``__``; without extension, unless another file differs only in that. Of a
            part of a file the times follow (``a_5_10``).

        Raises:
            AnnotationError: The name is absolute, is outside the folder, or matches several files.
        """
        if row.file_name is None:
            return self._by_id(row)
        clip = self._clip(row.file_name, table)
        if clip is None:
            raise AnnotationError(
                f"{row.where}: the file name {row.file_name!r} is not inside the folder of clips: "
                "expected a relative path with '/' and without '..'"
            )
        video_id, segment = row.video_id, row.segment
        if video_id is None:
            if clip.file is not None and clip.file in self._twins:
                self._named_in_full.add(clip.file)
            video_id = clip.video_id + (segment.suffix if segment else "")
        return NamedClip(video_id, clip.file, segment)

    def footage(self, clip: NamedClip) -> Footage | None:
        """Return a clip's footage; None if its file is missing."""
        if self._folder is None or clip.file is None or clip.file not in self._present:
            return None
        whole = self._folder.footage(PurePosixPath(clip.file))
        return ClipSegment(whole, clip.segment) if clip.segment else whole

    def advice(self, clip: NamedClip) -> str:
        """Suggest a similar name for a clip whose file is missing; an empty text without one.

        It searches the names of all files, so only as often as messages are shown.
        """
        if self._folder is None or not self._advice_left:
            return ""
        self._advice_left -= 1
        possible = self._possible_clip(self._folder, clip)
        if possible is not None:
            name = "the file" if str(possible) == clip.file else shown_path(possible)
            return (
                f" ({name} is there, but {possible.suffix or 'a name without suffix'} is none that "
                "we know as a video's: rename or convert it)"
            )
        if clip.file is None:
            stems = get_close_matches(clip.video_id, self._stems, n=1, cutoff=0.8)
            near = [str(self._stems[stem][0]) for stem in stems]
        else:
            near = get_close_matches(clip.file, self._present, n=1, cutoff=0.8)
        return f" (there is {near[0]})" if near else ""

    def notes(self) -> tuple[str, ...]:
        """Return remarks for the card: ids in full, and names found under another spelling."""
        said = {
            COMPOSITION: "composed and decomposed letters, which look alike",
            _ACTIVITYNET: "the 'v_' of ActivityNet's ids",
        }
        in_full = (
            "Ids are the full names of clip files that share theirs with another one but for the "
            f"suffix: {count_of(len(self._named_in_full), 'file')}, such as "
            f"{min(self._named_in_full)}."
            if self._named_in_full
            else ""
        )
        respelled = tuple(
            f"{count_of(len(names), 'clip')} of the table {by_number(len(names), 'was', 'were')} "
            "found although names of files differ in "
            f"{said.get(kind, f'their encoding, which is {kind}')}."
            for kind, names in self._respelled.items()
        )
        return (in_full, *respelled) if in_full else respelled

    def _possible_clip(self, folder: ClipFiles, clip: NamedClip) -> PurePosixPath | None:
        """Return a file that a row may mean, but whose suffix is none of a video."""
        name = clip.video_id if clip.file is None else clip.file
        if is_video_name(name):
            return None
        if clip.file is not None and folder.holds(PurePosixPath(clip.file)):
            return PurePosixPath(clip.file)
        if self._possible is None:
            self._possible = possible_clips(folder)
        return self._possible.get(name)

    def _by_id(self, row: CaptionRow) -> NamedClip:
        video_id = row.video_id or ""
        files = self._stems.get(video_id, [])
        if not files and video_id.startswith(_ACTIVITYNET):
            files = self._stems.get(video_id.removeprefix(_ACTIVITYNET), [])
            if len(files) == 1:
                self._respelled.setdefault(_ACTIVITYNET, set()).add(video_id)
        if not files and self._spellings:
            files = self._found(video_id, self._spellings.by_stem(video_id))
        if len(files) > 1:
            if not self._says_ambiguous:
                return NamedClip(video_id, None)  # one message is enough, and stops the build
            self._says_ambiguous = False
            raise AnnotationError(
                f"{row.where}: the id {video_id!r} matches several files: "
                f"{', '.join(map(str, files))}; {count_of(self._num_ambiguous(), 'name')} in the "
                "folder do. "
                f"Write the full name as the id ({files[0].name}), or add a column file_name"
            )
        if not files and video_id in self._present:
            return NamedClip(video_id, video_id, row.segment)
        return NamedClip(video_id, str(files[0]) if files else None, row.segment)

    def _found(self, name: str, spelled: Spelled | None) -> list[PurePosixPath]:
        if spelled is None:
            return []
        self._respelled.setdefault(spelled.kind, set()).add(name)
        return [spelled.file]

    def _num_ambiguous(self) -> int:
        return sum(len(files) > 1 for files in self._stems.values())

    def _find_clip(self, name: str, table: Path) -> NamedClip | None:
        """Return the clip of a file name, with an id made of the name; None for a bad name."""
        if _PLAIN.fullmatch(name):
            file = self._base(table) + name
            if self._folder is None or file in self._present:
                return NamedClip(self._id_of(file), file)
        elif ".." in PurePosixPath(name).parts:
            return None
        if (beside := self._beside_table(name, table)) is not None:
            return NamedClip(self._id_of(beside), beside)
        if "\\" in name or name.startswith("/") or name.strip("./ ") == "":
            return None
        file = str(PurePosixPath(self._base(table) + name))
        video_id = self._id_of(file)
        stem = posixpath.basename(file)
        is_stem = not is_video_name(file)
        if is_stem and len(self._stems.get(stem, [])) == 1:
            file = str(self._stems[stem][0])
            video_id = self._id_of(file)
        elif file not in self._present and self._spellings:
            spelled = self._spellings.by_path(file)
            if spelled is None and is_stem:
                spelled = self._spellings.by_stem(stem)
            for found in self._found(name, spelled):
                file = str(found)
        return NamedClip(video_id, file)

    def _id_of(self, file: str) -> str:
        keeps_suffix = file in self._twins or file in self._previews or not is_video_name(file)
        return (file if keeps_suffix else posixpath.splitext(file)[0]).replace("/", SUBFOLDER_MARK)

    def _beside_table(self, name: str, table: Path) -> str | None:
        """Return a file that is named from the table's folder, or by its whole path."""
        if self._folder is None:
            return None
        if str(PurePosixPath(self._base(table) + name)) in self._present:
            return None
        path = self._folder_of(table) / name
        for root in self._roots:
            if path.is_relative_to(root):
                inside = path.relative_to(root).as_posix()
                return inside if inside in self._present else None
        return None

    def _find_base(self, table: Path) -> str:
        """Return what stands before the names of a table, with ``/`` at its end."""
        folder = self._folder_of(table)
        if self._folder is None or not folder.is_relative_to(self._roots[0]):
            return ""
        inside = folder.relative_to(self._roots[0]).as_posix()
        return "" if inside == "." else f"{inside}/"


def _find_folder(table: Path) -> Path:
    return table.resolve().parent


def _twins(folder: ClipFiles) -> frozenset[PurePosixPath]:
    """Return the files whose name and folder are those of another file but for the suffix."""
    counts = Counter(file.with_suffix("") for file in folder.files)
    return frozenset(file for file in folder.files if counts[file.with_suffix("")] > 1)


def parts_of_files(clip_of: Mapping[str, NamedClip]) -> dict[str, list[str]]:
    """Find the clips that are parts of files; those of one file look alike.

    Args:
        clip_of: Clips by video id.

    Returns:
        For each file with parts their ids, and that of the whole file if it is a clip too.
    """
    ids_of: dict[str, list[str]] = {
        clip.file: [] for clip in clip_of.values() if clip.segment and clip.file
    }
    for video_id, clip in clip_of.items() if ids_of else ():
        if clip.file is not None and clip.file in ids_of:
            ids_of[clip.file].append(video_id)
    return ids_of


def check_one_id_per_file(folder: ClipFiles | None, clips: Iterable[NamedClip]) -> None:
    """Refuse a table in which two ids name one file, or one id names two files.

    Parts of a file count as files of their own.

    Args:
        folder: The clips; links to a file count as that file.
        clips: The clips that the rows name.

    Raises:
        AnnotationError: Lists such ids and files.
    """
    clip_of: dict[object, NamedClip] = {}
    first_of: dict[str, NamedClip] = {}
    problems: dict[str, None] = {}
    previous = None
    for clip in clips:
        video_id, file, segment = clip
        other = first_of.setdefault(video_id, clip)
        if other.segment != segment:
            parts = " and ".join(str(part or "the whole file") for part in (other.segment, segment))
            problems[
                f"the id {video_id!r} names two parts of a file, {parts}: give each an id of its "
                "own, or call the column file_name, and ids are made of the file and the times"
            ] = None
        if file is None or clip == previous:
            continue
        previous = clip
        file_key = folder.file_key(PurePosixPath(file)) if folder else file
        first_id, first, _ = clip_of.setdefault((file_key, segment), clip)
        if first_id != video_id:
            also = "" if first == file else f" (the same file as {file})"
            part = f" ({segment})" if segment else ""
            problems[
                f"the file {first}{part}{also} is named by two ids, {first_id!r} and {video_id!r}: "
                "give its captions to one of them"
            ] = None
        if other.file not in {None, file}:
            problems[
                f"the id {video_id!r} names two files, {other.file} and {file}: add a column "
                "video_id with a different id for each"
            ] = None
    if problems:
        raise AnnotationError(f"the table of captions contradicts itself:{bullets(list(problems))}")
