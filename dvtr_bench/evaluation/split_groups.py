"""Into which groups the queries of a split fall, along every axis that fits it."""

from typing import TYPE_CHECKING

from dvtr_bench.catalog import BREAKDOWNS
from dvtr_bench.ranking.groups import Groups
from dvtr_bench.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


def split_groups(
    split: "RetrievalSplit", *, processes: Processes = ALONE, show_progress: bool = True
) -> dict[str, Groups]:
    """Sort the captions and videos of a split along every axis of `breakdowns/`.

    Args:
        split: The split.
        processes: Those that share the work; the first one sorts for all.
        show_progress: Whether to show a progress bar while frames are looked at.

    Returns:
        Groups by axis; an axis that says nothing about this split is left out.
    """
    found: dict[str, Groups] = {}
    if processes.is_first:
        for axis in BREAKDOWNS.names():
            groups = BREAKDOWNS.load(axis).groups(split, show_progress)
            if groups is not None:
                found[axis] = groups
    shared: dict[str, Groups] = processes.gathered(found)[0]
    return shared
