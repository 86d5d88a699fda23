"""Result files with their paths: what an export or a comparison needs beyond the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT, open_dataset
from dvtr_bench.errors import NotFoundError
from dvtr_bench.results import RunRecord, read_result
from dvtr_bench.results.files import file_stem
from dvtr_bench.results.top_lists import TopLists, read_top_lists

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


@dataclass(frozen=True)
class ResultFile:
    """One result file, or a result that is at hand and was not written.

    Attributes:
        record: What it holds, checked.
        path: Where it is; its top lists stand beside it. None for one that was not written.
        top: Its top lists, where they are at hand; None to read those beside the file.
    """

    record: RunRecord
    path: Path | None
    top: TopLists | None = None

    @property
    def stem(self) -> str:
        """Name of the file without its ending, or the name that it would get."""
        return file_stem(self.record) if self.path is None else self.path.stem

    def top_lists(self) -> TopLists:
        """Return the top lists.

        Raises:
            NotFoundError: There are none.
            ResultError: Those beside the file are of another run.
        """
        if self.top is not None:
            return self.top
        if self.path is None:
            raise NotFoundError(
                f"the top lists of {self.record.label} are not at hand: pass its result file, or "
                "what evaluate returned"
            )
        return read_top_lists(self.record, self.path)


def read_result_file(path: Path) -> ResultFile:
    """Read one result file, checked.

    Args:
        path: A result file.

    Returns:
        The file.

    Raises:
        NotFoundError: There is no such file.
        ResultError: It is not a result that agrees with itself.
    """
    return ResultFile(read_result(path), path)


def read_result_files(places: Iterable[Path]) -> list[ResultFile]:
    """Read result files, all of them checked.

    Args:
        places: Result files, or folders of them (their ``*.json``).

    Returns:
        The files, folders in order of file name; at least one.

    Raises:
        NotFoundError: A place is not there, or none of them holds a result file.
        ResultError: A file is not a result that agrees with itself.
    """
    places = list(places)
    found: list[ResultFile] = []
    for place in places:
        paths = sorted(place.glob("*.json")) if place.is_dir() else [place]
        found += map(read_result_file, paths)
    if not found:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, places)) or 'no folder'}: "
            "`dvtr-bench evaluate --model NAME` writes them into ./results"
        )
    return found


def searched_split(record: RunRecord, root: Path = ROOT) -> "RetrievalSplit":
    """Open the split that a run searched.

    Args:
        record: The run.
        root: Where datasets are looked for by name.

    Returns:
        The split.

    Raises:
        NotFoundError: There is no such dataset, or it is another build.
        InputError: The dataset's manifest is not readable, too new or too old.
    """
    wanted, place = record.dataset, root / record.dataset.name
    try:
        built = open_dataset(wanted.name, root)
    except NotFoundError:
        raise NotFoundError(f"no dataset is built at {place}") from None
    if built.manifest.fingerprint != wanted.fingerprint:
        raise NotFoundError(
            f"{place} is another build of the dataset (fingerprint "
            f"{built.manifest.fingerprint[:12]}, the results have {wanted.fingerprint[:12]})"
        )
    return built.split(wanted.split)
