"""Export results in a format chosen by name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.catalog import EXPORTS
from dvtr_bench.errors import InputError
from dvtr_bench.runtime.files import written_together
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


def export_results(
    places: Iterable[Path], to: str, folder: Path, *, repo: str | None = None
) -> Exported:
    """Write results in the format of another tool.

    Args:
        places: Result files, or folders of them.
        to: Name of a file in ``leaderboard/exports``, such as ``trec`` or ``csv``.
        folder: Folder for the files; created if missing.
        repo: ``ORG/NAME`` of the dataset's repository on the Hub, for formats that name it.

    Returns:
        The files written, and notes for readers.

    Raises:
        NotFoundError: No such format, or no results.
        InputError: The format needs ``repo``, or takes none.
        ResultError: A file is not a result, or its figures differ from its ranks.
    """
    format = EXPORTS.load(to)
    needs_repo = getattr(format, "NEEDS_REPO", False)
    if needs_repo and repo is None:
        raise InputError(
            f"--to {to} names the dataset's repository on the Hub: say which with --repo ORG/NAME "
            "(`dvtr-bench push` makes one)"
        )
    if repo is not None and not needs_repo:
        raise InputError(f"--repo {repo}: --to {to} names no repository: leave it out")
    read = read_result_files(places)
    more = {"repo": repo} if needs_repo else {}
    with written_together():
        exported: Exported = format.export(read, folder, **more)
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
