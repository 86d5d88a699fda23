"""Export results in a format chosen by name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.catalog import EXPORTS
from leaderboard.result_files import ResultFile, read_result_files


@dataclass(frozen=True)
class Exported:
    """The outcome of an export.

    Attributes:
        files: The files written.
        notes: Sentences for readers of the files.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def export_results(places: Iterable[Path], to: str, folder: Path) -> Exported:
    """Write results in the format of another tool.

    Args:
        places: Result files, or folders of them.
        to: Name of a file in ``leaderboard/exports``, such as ``trec`` or ``csv``.
        folder: Folder for the files; created if missing.

    Returns:
        The files written, and notes for readers.

    Raises:
        NotFoundError: No such format, or no results.
        ResultError: A file is not a result, or its figures differ from its ranks.
    """
    format = EXPORTS.load(to)
    read = read_result_files(places)
    folder.mkdir(parents=True, exist_ok=True)
    exported: Exported = format.export(read, folder)
    return exported


def named(results: Sequence[ResultFile]) -> Iterator[tuple[str, ResultFile]]:
    """Give every result file a unique name for exports.

    Args:
        results: Result files; two in different folders can have the same name.

    Yields:
        The file's own name without its ending, numbered from the second of that name on.
    """
    used_names: set[str] = set()
    for result in results:
        name, number = result.stem, 1
        while name in used_names:
            number += 1
            name = f"{result.stem}-{number}"
        used_names.add(name)
        yield name, result
