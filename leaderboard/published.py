"""Published figures for the datasets of the leaderboard, shown in separate tables.

They were not measured here or by this protocol; figures that a paper does not report are empty.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedFigure:
    """One row of a paper's table.

    Attributes:
        dataset: The dataset's name in dvtr-bench.
        model: The model's name in the paper.
        t2v_r1: T2V R@1, percent; None if not reported.
        t2v_r5: T2V R@5, percent; None if not reported.
        source: Source of the figure.
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
    """Return the published rows for a dataset; can be empty."""
    return tuple(row for row in PUBLISHED if row.dataset == dataset)
