"""Published figures for the datasets of the leaderboard, shown in separate tables.

They stand in ``leaderboard/published.toml``. They were not measured here or by this protocol;
figures that a paper does not report are empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from dvtr_bench.errors import InputError
from dvtr_bench.reading.json_records import MAY_BE_ABSENT, Text
from leaderboard.toml_records import read_toml

PUBLISHED: Final = Path(__file__).with_name("published.toml")
"""The file of published figures."""

DIRECTIONS: Final = ("t2v", "v2t")

FIGURES: Final = ("R@1", "R@5", "R@10", "MdR", "MnR")
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
        for direction in DIRECTIONS:
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
        for direction in DIRECTIONS
        for name in FIGURES
        if any(name in row.figures(direction) for row in rows)
    ]
