"""Result files with their paths and top lists, for exports and comparisons."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT, find_build, open_dataset
from dvtr_bench.errors import NotFoundError
from dvtr_bench.reading.border import path_inside
from dvtr_bench.reports.kept_clips import KeptSplit, read_kept
from dvtr_bench.results import RunRecord, read_result
from dvtr_bench.results.files import file_stem, result_paths
from dvtr_bench.results.top_lists import TopLists, read_top_lists
from leaderboard.hand_written import EntryFile, read_entry

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


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
