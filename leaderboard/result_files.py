"""Result files with what stands beside them, and other files that people write.

A result file must stay as the run wrote it, so who ran it stands in a file of its own beside it:
``NAME.entry.toml`` beside ``NAME.json``. The person who sends the result in writes who ran it;
maintainers add ``[rerun]`` once they have run it again. Published figures stand in
``leaderboard/published.toml`` and are shown in tables of their own.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import Field

from dvtr_bench.dataset.reader import ROOT, find_build, open_dataset
from dvtr_bench.errors import DvtrError, InputError, NotFoundError
from dvtr_bench.reading.border import path_inside, reading
from dvtr_bench.reading.json_records import MAY_BE_ABSENT, Text, from_json
from dvtr_bench.reading.json_toml_text import parse_toml, read_toml_text
from dvtr_bench.reports.kept_clips import KeptSplit, read_kept
from dvtr_bench.results import RunRecord, read_result
from dvtr_bench.results.files import file_stem, result_paths
from dvtr_bench.results.top_lists import TopLists, read_top_lists

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


Record = TypeVar("Record")


def read_toml(kind: type[Record], path: Path, error: type[DvtrError] = InputError) -> Record:
    """Read a dataclass from a TOML file.

    Args:
        kind: A dataclass, as `dvtr_bench.reading.json_records.from_json` takes it.
        path: The file. A date in it becomes a string, such as ``2026-01-31``.
        error: Type of the error to raise.

    Returns:
        An instance of ``kind``.

    Raises:
        NotFoundError: There is no such file.
        DvtrError: It is not TOML, too large, or a field is missing, unknown or invalid; the message
            names it. Of the type ``error``.
    """
    try:
        text = read_toml_text(path, error)
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file") from None
    content = parse_toml(text, path, error)
    with reading(path, "a TOML file", error, "mend it"):
        # NaN and infinity are numbers in TOML; from_json refuses them.
        as_json = json.dumps(content, default=str)
    return from_json(kind, as_json, str(path), error)


SUFFIX: Final = ".entry.toml"
"""Takes the place of ``.json`` in the name of the result file."""

Link = Annotated[str, Field(pattern=r"^https?://[^\s<>\"'`\\]+$", max_length=500)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


@dataclass(frozen=True)
class Rerun:
    """A run repeated by a maintainer.

    Attributes:
        by: The maintainer.
        date: Of the rerun, such as ``2026-01-31``.
        t2v_r1: T2V R@1 of the rerun, percent.
        note: What differed, in a sentence.
    """

    by: Text
    date: Date
    t2v_r1: Annotated[float, Field(ge=0, le=100)]
    note: Text | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True)
class EntryFile:
    """The content of the file.

    Attributes:
        ran_by: Name of the person or group that ran it.
        link: Where the model, the paper or the person is described.
        rerun: The rerun by a maintainer; None if there was none.
    """

    ran_by: Annotated[str, Field(min_length=1, max_length=200)]
    link: Link | None = field(default=None, metadata=MAY_BE_ABSENT)
    rerun: Rerun | None = field(default=None, metadata=MAY_BE_ABSENT)


def entry_path(result: Path) -> Path:
    """Return the path of the note beside a result file."""
    return result.with_name(f"{result.stem}{SUFFIX}")


def read_entry(result: Path) -> EntryFile | None:
    """Read the note beside a result file.

    Args:
        result: A result file.

    Returns:
        The note; None if there is none.

    Raises:
        InputError: It is not TOML, or a field is missing, unknown or invalid.
    """
    path = entry_path(result)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: expected a plain file")
    try:
        return read_toml(EntryFile, path)
    except NotFoundError:
        return None


PUBLISHED: Final = Path(__file__).with_name("published.toml")
"""The file of published figures."""

TABLE_DIRECTIONS: Final = ("t2v", "v2t")
"""Directions that have tables of their own, and that papers report."""

PUBLISHED_FIGURES: Final = ("R@1", "R@5", "R@10", "MdR", "MnR")
"""Figures that papers report, in the order of tables."""

FigureName: TypeAlias = Literal["R@1", "R@5", "R@10", "MdR", "MnR"]
Reported: TypeAlias = Mapping[FigureName, Annotated[float, Field(ge=0)]]


@dataclass(frozen=True)
class PublishedFigures:
    """One row of a paper's table.

    Attributes:
        dataset: The dataset's name in dvtr-bench.
        model: The model's name in the paper.
        source: Where the figures stand.
        about: What a reader should know of them.
        t2v: Reported T2V figures by name; R@k in percent.
        v2t: Reported V2T figures by name; R@k in percent.
    """

    dataset: Text
    model: Text
    source: Text
    about: Text | None = field(default=None, metadata=MAY_BE_ABSENT)
    t2v: Reported | None = field(default=None, metadata=MAY_BE_ABSENT)
    v2t: Reported | None = field(default=None, metadata=MAY_BE_ABSENT)

    def figures(self, direction: str) -> Mapping[FigureName, float]:
        """Return the reported figures of a direction; can be empty."""
        return {"t2v": self.t2v, "v2t": self.v2t}.get(direction) or {}


@dataclass(frozen=True)
class _PublishedFile:
    """The whole file.

    Attributes:
        published: Its rows.
    """

    published: tuple[PublishedFigures, ...]


def read_published(path: Path = PUBLISHED) -> tuple[PublishedFigures, ...]:
    """Read a file of published figures.

    Args:
        path: A file in the form of ``leaderboard/published.toml``.

    Returns:
        Its rows.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is not TOML, a field is missing, unknown or invalid, a recall is above 100, a
            row has no figure, or two rows are of one model, dataset and source.

    Example:
        >>> [row.model for row in read_published() if row.dataset == "usrd"]
        ['MSAM']
    """
    rows = read_toml(_PublishedFile, path).published
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(rows):
        where = f"{path}: published[{number}] ({row.model} on {row.dataset})"
        key = (row.dataset, row.model, row.source)
        if key in seen:
            raise InputError(f"{where}: stands there twice from {row.source}: keep one")
        seen.add(key)
        if not row.t2v and not row.v2t:
            raise InputError(f"{where}: no figure: give t2v, v2t or both, or leave the row out")
        for direction in TABLE_DIRECTIONS:
            for name, value in row.figures(direction).items():
                if name.startswith("R@") and value > 100:
                    raise InputError(f"{where}: {direction} {name} is {value}: expected percent")
                if not name.startswith("R@") and value < 1:
                    raise InputError(f"{where}: {direction} {name} is {value}: ranks begin at 1")
    return rows


@cache
def _published() -> tuple[PublishedFigures, ...]:
    return read_published()


def published_for(dataset: str) -> tuple[PublishedFigures, ...]:
    """Return the published rows for a dataset; can be empty."""
    return tuple(row for row in _published() if row.dataset == dataset)


def reported_columns(rows: Sequence[PublishedFigures]) -> list[tuple[str, FigureName]]:
    """Return the directions and figures that at least one of the rows reports."""
    return [
        (direction, name)
        for direction in TABLE_DIRECTIONS
        for name in PUBLISHED_FIGURES
        if any(name in row.figures(direction) for row in rows)
    ]


@dataclass(frozen=True)
class ResultFile:
    """A result file, or a result that was not written.

    Attributes:
        record: Its checked record.
        path: Its path, with the top lists beside it; None if it was not written.
        top: Its top lists, if already in memory; None to read those beside the file.
    """

    record: RunRecord
    path: Path | None
    top: TopLists | None = None

    @property
    def stem(self) -> str:
        """Name of the file without its suffix, or the name that it would get."""
        return file_stem(self.record) if self.path is None else self.path.stem

    def entry(self) -> EntryFile | None:
        """Return the note beside the file, which says who ran it; None if there is none.

        Raises:
            InputError: It is not valid.
        """
        return None if self.path is None else read_entry(self.path)

    def top_lists(self) -> TopLists:
        """Return the top lists.

        Raises:
            NotFoundError: There are none.
            ResultError: Those beside the file belong to another run.
        """
        if self.top is not None:
            return self.top
        if self.path is None:
            raise NotFoundError(
                f"the top lists of {self.record.label} are not at hand: pass its result file, or "
                "what evaluate returned"
            )
        return read_top_lists(self.record, self.path)

    def kept_split(self) -> KeptSplit | None:
        """Return the captions and pictures that stand beside the file; None if there are none.

        Raises:
            ResultError: Those beside the file belong to another split.
        """
        try:
            return None if self.path is None else read_kept(self.record, self.path)
        except NotFoundError:
            return None


def read_result_file(path: Path) -> ResultFile:
    """Read and check one result file.

    Args:
        path: A result file.

    Returns:
        The file.

    Raises:
        NotFoundError: There is no such file.
        ResultError: It is not a result, or its figures differ from its ranks.
    """
    return ResultFile(read_result(path), path)


def read_result_files(files_or_folders: Iterable[Path]) -> list[ResultFile]:
    """Read and check result files.

    Args:
        files_or_folders: Result files, or folders of them (their ``*.json``).

    Returns:
        The files; those of a folder in order of file name; at least one.

    Raises:
        NotFoundError: A path does not exist, or there are no result files.
        ResultError: A file is not a result, or its figures differ from its ranks.
    """
    files_or_folders = list(files_or_folders)
    files: list[ResultFile] = []
    for path in files_or_folders:
        files += map(read_result_file, result_paths(path))
    if not files:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, files_or_folders)) or 'no folder'}: "
            "`dvtr-bench evaluate --model NAME` writes them into ./results"
        )
    return files


def notes_beside(files: Iterable[ResultFile]) -> dict[int, EntryFile]:
    """Return the notes beside result files, which say who ran them.

    Args:
        files: Result files, with or without notes.

    Returns:
        The notes that there are, by ``id`` of their records.

    Raises:
        InputError: A note is not valid.
    """
    return {id(file.record): note for file in files if (note := file.entry()) is not None}


def searched_split(record: RunRecord, root: Path = ROOT) -> "RetrievalSplit":
    """Open the split that a run searched.

    Args:
        record: The run.
        root: Folder of the datasets.

    Returns:
        The split.

    Raises:
        NotFoundError: There is no such dataset, its name in the result is a path, or it is another
            build.
        InputError: The dataset's manifest is not readable, too new or too old.
    """
    dataset = record.dataset
    folder = root / path_inside(record.label, dataset.name, "dataset", NotFoundError, one_part=True)
    try:
        built = open_dataset(dataset.name, root)
    except NotFoundError:
        raise NotFoundError(f"no dataset is built at {folder}") from None
    if same := find_build(dataset.name, dataset.fingerprint, root):
        return same.split(dataset.split)
    if built.manifest.fingerprint != dataset.fingerprint:
        raise NotFoundError(
            f"{folder} is another build of the dataset (fingerprint "
            f"{built.manifest.fingerprint[:12]}, the results have {dataset.fingerprint[:12]})"
        )
    return built.split(dataset.split)
