"""The note beside a result that has entered: who ran it, and who ran it again.

A result file must stay as the run wrote it, so this stands in a file of its own beside it:
``NAME.entry.toml`` beside ``NAME.json``. The person who sends the result in writes who ran it;
maintainers add ``[rerun]`` once they have run it again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.json_records import MAY_BE_ABSENT, Text
from leaderboard.toml_records import read_toml

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
