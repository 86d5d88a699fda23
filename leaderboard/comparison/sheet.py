"""The contact sheet of a comparison: what both runs found for the captions that changed most."""

from pathlib import Path
from typing import Final

from dvtr_bench.reports.contact_sheet import Row, save_contact_sheet
from dvtr_bench.reports.query_sheet import query_rows
from leaderboard.comparison.differences import Comparison
from leaderboard.comparison.evidence import Evidence

QUERIES_EACH_WAY: Final = 3
"""Largest number of captions that B ranks better, and of those it ranks worse."""


def draw_comparison(comparison: Comparison, evidence: Evidence, path: Path) -> Path | None:
    """Draw two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Evidence with frames and top lists.
        path: The PNG to write.

    Returns:
        The path written; None if no caption changed.
    """
    rows = sheet_rows(comparison, evidence)
    return save_contact_sheet(sheet_title(comparison), rows, path) if rows else None


def sheet_title(comparison: Comparison) -> str:
    """Return the heading of the contact sheet."""
    dataset = comparison.first.dataset
    return (
        f"{dataset.name}, {dataset.split}: captions that changed most.   "
        f"A: {comparison.first.label}   B: {comparison.second.label}"
    )


def sheet_rows(comparison: Comparison, evidence: Evidence) -> list[Row]:
    """Return two rows for each of a few captions: the best clips of A, then those of B.

    Args:
        comparison: Of two runs.
        evidence: Caption texts, top lists and frames.

    Returns:
        The rows; none if no caption changed, or frames or top lists are not available.
    """
    split, top = evidence.split, evidence.top
    if split is None or top is None or not evidence.can_be_drawn:
        return []
    changes = [*comparison.gained[:QUERIES_EACH_WAY], *comparison.lost[:QUERIES_EACH_WAY]]
    return query_rows(
        (comparison.first, comparison.second),
        [lists["t2v"] for lists in top],
        split,
        [change.query for change in changes],
    )
