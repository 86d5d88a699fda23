"""Splits of an older dataset, or of a table, that a new build keeps (``--splits-from``)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from builders.sources.caption_rows import ID_COLUMNS, SPLIT_COLUMN, SPLIT_NAMES
from builders.sources.caption_table import TABLE_SUFFIXES, TableRow, read_table
from builders.sources.matching import apply_to_all
from builders.sources.source import SourceRecord
from dvtr_bench.dataset.reader import ROOT, open_dataset
from dvtr_bench.errors import AnnotationError
from dvtr_bench.runtime.files import file_sha256

FLAG: Final = "--splits-from"


@dataclass(frozen=True)
class OldSplits:
    """Splits to keep.

    Attributes:
        label: Their origin, for notes and messages.
        split_of: Split by video id.
        split_of_file: Split by SHA-256 of the clip's file; empty if the files are not known.
        split_of_copies: Split by video id of new clips whose file is that of an old clip.
        sources: The table; empty for a built dataset.
        folder: Folder of the built dataset; None for a table.
    """

    label: str
    split_of: Mapping[str, str]
    split_of_file: Mapping[str, str] = field(default_factory=dict)
    split_of_copies: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[SourceRecord, ...] = ()
    folder: Path | None = None

    def new_ids(self, video_ids: Iterable[str]) -> list[str]:
        """Return the ids that have no old split but may be copies of old clips."""
        if not self.split_of_file:
            return []
        return [video_id for video_id in video_ids if video_id not in self.split_of]

    def with_copies(self, sha256_of: Mapping[str, str]) -> "OldSplits":
        """Return these splits with those of new ids whose file is that of an old clip.

        Args:
            sha256_of: SHA-256 of the file by new id.
        """
        copies = {
            video_id: self.split_of_file[sha256]
            for video_id, sha256 in sha256_of.items()
            if sha256 in self.split_of_file
        }
        return replace(self, split_of_copies=copies)


def find_old_splits(name: Path | str, root: Path = ROOT) -> Path:
    """Find what ``--splits-from`` names.

    Args:
        name: A table, or a built dataset: its name, ``NAME@VERSION`` or folder.
        root: Folder of all datasets.

    Returns:
        The table, or the dataset's folder.

    Raises:
        NotFoundError: There is no such dataset.
    """
    path = Path(name)
    if path.suffix.lower() in TABLE_SUFFIXES and path.is_file():
        return path
    return open_dataset(str(name), root).folder


def read_old_splits(path: Path, encoding: str = "utf-8") -> OldSplits:
    """Read splits to keep.

    Args:
        path: A built dataset's folder, or a table with a column of ids and a column ``split``.
        encoding: Of a table.

    Returns:
        The splits.

    Raises:
        AnnotationError: The table has other columns, an unknown split, or an id in two splits.
        InputError: The dataset cannot be read.
    """
    return _of_table(path, encoding) if path.is_file() else _of_dataset(path)


def _of_dataset(folder: Path) -> OldSplits:
    dataset = open_dataset(folder)
    split_of: dict[str, str] = {}
    split_of_file: dict[str, str] = {}
    for name in dataset.split_names:
        split = dataset.split(name)
        split_of.update(dict.fromkeys(split.video_ids, name))
        for sha256 in split.clip_sha256 if split.has_frames else ():
            if sha256 is not None:
                split_of_file.setdefault(sha256, name)
    manifest = dataset.manifest
    label = f"{manifest.name} {manifest.version} (fingerprint {manifest.fingerprint[:12]})"
    return OldSplits(label, split_of, split_of_file, folder=folder)


def _of_table(path: Path, encoding: str) -> OldSplits:
    table = read_table(path, encoding)
    by_lower = {name.lower(): name for name in table.columns}
    ids = next((by_lower[name] for name in ID_COLUMNS if name in by_lower), None)
    split = by_lower.get(SPLIT_COLUMN)
    if ids is None or split is None:
        raise AnnotationError(
            f"{FLAG} {path}: expected the columns {ID_COLUMNS[0]} (or "
            f"{', '.join(ID_COLUMNS[1:])}) and {SPLIT_COLUMN}; found {', '.join(table.columns)}"
        )
    split_of: dict[str, str] = {}
    columns = (ids, split)

    def add(row: TableRow) -> None:
        video_id, name = _cells(row, columns)
        if split_of.setdefault(video_id, name) != name:
            raise AnnotationError(
                f"{row.where}: {video_id!r} is in two splits: {split_of[video_id]} and {name}"
            )

    for _ in apply_to_all(add, table):
        pass
    record = SourceRecord(path.name, None, file_sha256(path), None)
    return OldSplits(path.name, split_of, sources=(record,))


def _cells(row: TableRow, columns: Sequence[str]) -> tuple[str, str]:
    video_id, split = (row.cells.get(column) for column in columns)
    name = SPLIT_NAMES.get(str(split or "").strip().lower())
    if name is None:
        raise AnnotationError(
            f"{row.where}: column {columns[1]!r}: expected train, validation (or val) or test, "
            f"found {split!r}"
        )
    if video_id is None or video_id == "":
        raise AnnotationError(f"{row.where}: the column {columns[0]!r} is empty")
    return str(video_id), name
