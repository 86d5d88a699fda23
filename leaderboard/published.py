"""Figures that papers report for the datasets of the leaderboard: shown apart, never mixed in.

They were not measured here and not under this protocol's record; a figure that a paper does not
give stays empty.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedFigure:
    """One row of a paper's table.

    Attributes:
        dataset: The dataset's name as dvtr-bench has it.
        model: What the paper calls its model.
        t2v_r1: T2V R@1, percent; None where the paper gives none.
        t2v_r5: T2V R@5, percent; None where the paper gives none.
        source: Where the figure stands.
    """

    dataset: str
    model: str
    t2v_r1: float | None
    t2v_r5: float | None
    source: str


PUBLISHED: Final = (
    PublishedFigure("usrd", "MSAM", 29.9, 71.2, "arXiv 2510.15470"),
    PublishedFigure("umcrd", "MSAM", 49.5, 84.0, "arXiv 2510.15470"),
)


def published_for(dataset: str) -> tuple[PublishedFigure, ...]:
    """Return the published rows for one dataset, which may be none."""
    return tuple(row for row in PUBLISHED if row.dataset == dataset)
