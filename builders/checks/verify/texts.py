"""Do the files with one row or line a caption say the same as the rows of ``default``?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from builders.checks.verify.finding import Finding, shown
from builders.checks.verify.row_stream import Row, UnreadableRowsError, read_rows
from builders.documents.texts import TREC_FOLDER
from dvtr_bench.dataset.manifest import SplitRecord
from dvtr_bench.dataset.schema import CAPTION_FIELDS, QREL_FIELDS
from dvtr_bench.dataset.trec_ids import encode_id


class CaptionOf(NamedTuple):
    """One caption as a row of ``default`` has it.

    Attributes:
        caption_id: Its id.
        video_id: Its video's id.
        caption: Verbatim.
        source: The row.
    """

    caption_id: str
    video_id: str
    caption: str
    source: Row

    @property
    def place(self) -> str:
        """Where the row stands."""
        return f"{self.source.path} row {self.source.number}"


class Follower(Protocol):
    """Reads a file beside the rows of ``default``, which say what must come next."""

    def compare(self, caption: CaptionOf) -> Iterator[Finding]:
        """Compare what comes next."""
        ...

    def finish(self) -> Iterator[Finding]:
        """Look for more than belongs here."""
        ...


def open_followers(
    folder: Path, split: str, record: SplitRecord, readable: set[str]
) -> list[Follower]:
    """Open what there is beside ``default`` and can be read; what cannot was told before.

    Args:
        folder: The dataset's folder.
        split: Name of the split.
        record: Its record.
        readable: The Parquet files whose rows can be read.

    Returns:
        Readers at their beginning.
    """
    followers: list[Follower] = [
        ConfigFollower(folder, config, record.paths(config))
        for config in ("captions", "qrels")
        if record.paths(config) and readable.issuperset(record.paths(config))
    ]
    # Builds before there was such a file are whole without it.
    if (folder / TREC_FOLDER / f"{split}.qrels").is_file():
        followers.append(TrecFollower(folder, split))
    return followers


class ConfigFollower:
    """A `Follower` of the config ``captions`` or ``qrels``.

    It stops at the first row of another id: behind a row too many or too few nothing stands where
    it should. Rows of the right id with another value are told one by one.
    """

    def __init__(self, folder: Path, config: str, paths: Sequence[str]) -> None:
        """Open the files of a config.

        Args:
            folder: The dataset's folder.
            config: ``captions`` or ``qrels``.
            paths: Its files of one split, in order.
        """
        self._is_qrels = config == "qrels"
        columns = [field.name for field in (QREL_FIELDS if self._is_qrels else CAPTION_FIELDS)]
        self._columns = columns
        self._rows: Iterator[Row] | None = read_rows(folder.joinpath, paths, columns)
        self._last_path = paths[-1] if paths else ""

    def compare(self, caption: CaptionOf) -> Iterator[Finding]:
        """Compare the next row.

        Args:
            caption: What it must be of.

        Yields:
            What differs.
        """
        if self._rows is None:
            return
        last = 1 if self._is_qrels else caption.caption
        expected = (caption.caption_id, caption.video_id, last)
        try:
            row = next(self._rows, None)
        except UnreadableRowsError as failure:
            yield self._stop(failure.path, str(failure))
            return
        where = caption.place
        if row is None:
            yield self._stop(
                self._last_path, f"it ends before {shown(expected[0])}, which {where} has"
            )
            return
        name = self._columns[0]
        if row.values[name] != expected[0]:
            yield self._stop(
                row.path,
                f"row {row.number}: expected {name} {shown(expected[0])} by {where}, found "
                f"{shown(row.values[name])}; no row after it was compared",
            )
            return
        for column, value in zip(self._columns[1:], expected[1:], strict=True):
            if row.values[column] != value:
                yield Finding(
                    row.path,
                    f"row {row.number} ({shown(expected[0])}): {column} is "
                    f"{shown(row.values[column])} here, {shown(value)} in {where}",
                )

    def finish(self) -> Iterator[Finding]:
        """Look for rows behind the last one that belongs here."""
        if self._rows is None:
            return
        try:
            row = next(self._rows, None)
        except UnreadableRowsError as failure:
            yield self._stop(failure.path, str(failure))
            return
        if row is not None:
            found = row.values[self._columns[0]]
            yield self._stop(
                row.path, f"row {row.number}: {shown(found)} belongs to no video, nor what follows"
            )

    def _stop(self, path: str, message: str) -> Finding:
        self._rows = None
        return Finding(path, message)


class TrecFollower:
    """A `Follower` of ``trec/SPLIT.qrels``; it stops at the first line that is another."""

    def __init__(self, folder: Path, split: str) -> None:
        """Open the file.

        Args:
            folder: The dataset's folder.
            split: The split.
        """
        self._path = f"{TREC_FOLDER}/{split}.qrels"
        self._lines: Iterator[str] | None = _lines(folder / self._path)
        self._number = 0

    def compare(self, caption: CaptionOf) -> Iterator[Finding]:
        """Compare the next line.

        Args:
            caption: What it must be of.

        Yields:
            What differs.
        """
        if self._lines is None:
            return
        self._number += 1
        expected = f"{encode_id(caption.caption_id)} 0 {encode_id(caption.video_id)} 1\n"
        found = next(self._lines, None)
        if found != expected:
            self._lines = None
            said = "the end of the file" if found is None else shown(found.removesuffix("\n"))
            yield Finding(
                self._path,
                f"line {self._number}: expected {shown(expected[:-1])} by {caption.place}, found "
                f"{said}; no line after it was compared",
            )

    def finish(self) -> Iterator[Finding]:
        """Look for lines behind the last one that belongs here."""
        found = next(self._lines, None) if self._lines is not None else None
        if found is not None:
            yield Finding(
                self._path, f"line {self._number + 1}: {shown(found)} belongs to no video"
            )


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from file
