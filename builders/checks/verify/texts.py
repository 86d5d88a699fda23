"""Check that the files with one row or line per caption agree with the rows of ``default``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from builders.checks.verify.row_stream import Finding, Row, UnreadableRowsError, read_rows, shown
from builders.documents.texts import TREC_FOLDER
from dvtr_bench.dataset.manifest import CAPTION_FIELDS, QREL_FIELDS, SplitRecord
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
    """Reads a file in parallel with the rows of ``default``, which determine its next row."""

    def compare(self, caption: CaptionOf) -> Iterator[Finding]:
        """Compare the next row or line."""
        ...

    def finish(self) -> Iterator[Finding]:
        """Check that there is nothing more."""
        ...


def open_followers(
    folder: Path, split: str, record: SplitRecord, readable: set[str]
) -> list[Follower]:
    """Open the readable files beside ``default``; unreadable ones were reported before.

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
    # Older builds do not have such a file and are intact without it.
    if (folder / TREC_FOLDER / f"{split}.qrels").is_file():
        followers.append(TrecFollower(folder, split))
    return followers


class ConfigFollower:
    """A `Follower` of the config ``captions`` or ``qrels``.

    It stops at the first row of another id, because all rows after a missing or extra row are
    shifted. Rows of the right id with another value are reported one by one.
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
            caption: The expected caption.

        Yields:
            Findings: what differs.
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
        """Check that there are no rows after the last expected one."""
        if self._rows is None:
            return
        try:
            row = next(self._rows, None)
        except UnreadableRowsError as failure:
            yield self._stop(failure.path, str(failure))
            return
        if row is not None:
            extra_id = row.values[self._columns[0]]
            yield self._stop(
                row.path,
                f"row {row.number}: {shown(extra_id)} belongs to no video, nor what follows",
            )

    def _stop(self, path: str, message: str) -> Finding:
        self._rows = None
        return Finding(path, message)


class TrecFollower:
    """A `Follower` of ``trec/SPLIT.qrels``; it stops at the first different line."""

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
            caption: The expected caption.

        Yields:
            Findings: what differs.
        """
        if self._lines is None:
            return
        self._number += 1
        expected = f"{encode_id(caption.caption_id)} 0 {encode_id(caption.video_id)} 1\n"
        next_line = next(self._lines, None)
        if next_line != expected:
            self._lines = None
            next_text = (
                "the end of the file" if next_line is None else shown(next_line.removesuffix("\n"))
            )
            yield Finding(
                self._path,
                f"line {self._number}: expected {shown(expected[:-1])} by {caption.place}, found "
                f"{next_text}; no line after it was compared",
            )

    def finish(self) -> Iterator[Finding]:
        """Check that there are no lines after the last expected one."""
        extra_line = next(self._lines, None) if self._lines is not None else None
        if extra_line is not None:
            yield Finding(
                self._path, f"line {self._number + 1}: {shown(extra_line)} belongs to no video"
            )


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from file
