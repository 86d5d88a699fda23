"""Why ids match no file: what was sought beside what is there, and how to mend the table."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final


@dataclass(frozen=True)
class _Change:
    """A change that programs make to names.

    Attributes:
        said: What differs, after "but for".
        fix: What to do.
        simplify: Takes a name; returns it without what the change makes.
    """

    said: str
    fix: str
    simplify: Callable[[str], str]


def _without_zeros(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)


def _without_decimals(name: str) -> str:
    return re.sub(r"^(\d+)\.0+$", r"\1", name)


_AS_TEXT: Final = (
    "read the column as text (in Excel, import it as Text; in pandas, read_csv(..., "
    "dtype={'video_id': str}))"
)
_CHANGES: Final = (
    _Change(
        "'.0', which pandas writes for whole numbers in a column with a gap",
        f"{_AS_TEXT}, or write the names of files into a column file_name",
        _without_decimals,
    ),
    _Change(
        "leading zeros, which spreadsheets take away",
        f"{_AS_TEXT}, or write the names of files into a column file_name",
        _without_zeros,
    ),
    _Change(
        "both leading zeros and '.0', which spreadsheets and pandas change",
        f"{_AS_TEXT}, or write the names of files into a column file_name",
        lambda name: _without_zeros(_without_decimals(name)),
    ),
    _Change("capital letters", "write names in the table as the files have them", str.casefold),
    _Change(
        "blanks at an end",
        "write names in the table as the files have them",
        str.strip,
    ),
    _Change(
        "blanks, hyphens and underscores",
        "write names in the table as the files have them",
        lambda name: re.sub(r"[\s_-]+", "", name),
    ),
)


def explain_names(sought: Iterable[str], there: Iterable[str]) -> str:
    """Explain by one change of names why many ids have no file.

    Args:
        sought: Ids without a clip.
        there: Paths of clips without an id.

    Returns:
        A sentence with an example of both and what to do; an empty text if no change explains any.

    Example:
        >>> explain_names(["1", "2"], ["0001.mp4", "0002.mp4"])[:66]
        '2 ids are names of files but for leading zeros, which spreadsheets'
    """
    ids, files = list(sought), list(there)
    best, most = "", 0
    for change in _CHANGES:
        names: dict[str, set[str]] = {}
        for file in files:
            path = PurePosixPath(file)
            for name in {path.stem, "__".join(path.with_suffix("").parts)}:
                names.setdefault(change.simplify(name), set()).add(file)
        matches = [
            (one, next(iter(found)))
            for one in ids
            if len(found := names.get(change.simplify(one), set())) == 1
        ]
        if len(matches) > most:
            most = len(matches)
            one, file = matches[0]
            verb = "id is the name of a file" if most == 1 else "ids are names of files"
            best = (
                f"{most:,} {verb} but for {change.said}: {one!r} was sought, {file!r} is there. To "
                f"mend it, {change.fix}"
            )
    return best
