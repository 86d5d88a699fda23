"""Result files with their paths: what an export or a comparison needs beyond the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.errors import NotFoundError
from dvtr_bench.results import RunRecord, read_result


@dataclass(frozen=True)
class ResultFile:
    """One result file.

    Attributes:
        record: What it holds, checked.
        path: Where it is; its top lists stand beside it.
    """

    record: RunRecord
    path: Path


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
