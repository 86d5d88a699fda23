"""What every export format returns, and how exported files are named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.result_files import ResultFile


@dataclass(frozen=True)
class Exported:
    """What an export left on disk.

    Attributes:
        files: What was written.
        notes: What a reader of the files must know, one sentence each.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def named(results: Sequence[ResultFile]) -> Iterator[tuple[str, ResultFile]]:
    """Give every result file a name of its own to export under.

    Args:
        results: Result files; two of them may have one name, in different folders.

    Yields:
        The file's own name without its ending, numbered from the second of that name on.
    """
    taken: set[str] = set()
    for result in results:
        name, number = result.path.stem, 1
        while name in taken:
            number += 1
            name = f"{result.path.stem}-{number}"
        taken.add(name)
        yield name, result
