"""Exports by the name of a format, what each returns, and how exported files are named."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.catalog import EXPORTS
from leaderboard.result_files import ResultFile, read_result_files


@dataclass(frozen=True)
class Exported:
    """What an export left on disk.

    Attributes:
        files: What was written.
        notes: What a reader of the files must know, one sentence each.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def export_results(places: Iterable[Path], to: str, folder: Path) -> Exported:
    """Write results in the form of another tool.

    Args:
        places: Result files, or folders of them.
        to: A file of ``leaderboard/exports``, such as ``trec`` or ``csv``.
        folder: For the files; it is made.

    Returns:
        The files written, and what a reader of them must know.

    Raises:
        NotFoundError: No such format, or no results.
        ResultError: A file is not a result that agrees with itself.
    """
    format = EXPORTS.load(to)
    read = read_result_files(places)
    folder.mkdir(parents=True, exist_ok=True)
    exported: Exported = format.export(read, folder)
    return exported


def named(results: Sequence[ResultFile]) -> Iterator[tuple[str, ResultFile]]:
    """Give every result file a name of its own to export under.

    Args:
        results: Result files; two of them may have one name, in different folders.

    Yields:
        The file's own name without its ending, numbered from the second of that name on.
    """
    taken: set[str] = set()
    for result in results:
        name, number = result.stem, 1
        while name in taken:
            number += 1
            name = f"{result.stem}-{number}"
        taken.add(name)
        yield name, result
