"""Groups of a split's queries, along every axis that applies to it."""

from typing import TYPE_CHECKING

from dvtr_bench.catalog import BREAKDOWNS
from dvtr_bench.dataset.measures import FrameMeasures
from dvtr_bench.errors import ExtensionError
from dvtr_bench.ranking.rank_table import Groups
from dvtr_bench.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames


def frame_measures(split: "RetrievalSplit") -> FrameMeasures:
    """Return the frame measures of all breakdowns, to be computed while frames are decoded.

    Args:
        split: The split.

    Returns:
        The measures that are not cached yet.
    """
    functions: dict[str, Callable[[Frames], float]] = {}
    for module in BREAKDOWNS.load_all().values():
        functions.update(getattr(module, "FRAME_MEASURES", {}))
    return FrameMeasures(split, functions)


def split_groups(
    split: "RetrievalSplit", *, processes: Processes = ALONE, show_progress: bool = True
) -> dict[str, Groups]:
    """Group the captions or videos of a split along every axis of `breakdowns/`.

    Args:
        split: The split.
        processes: The processes that share the work; the first one computes the groups.
        show_progress: Whether to show a progress bar while frames are decoded.

    Returns:
        Groups by axis, without axes that do not apply to this split.
    """
    found: dict[str, Groups] = {}
    if processes.is_first:
        for axis, module in BREAKDOWNS.load_all().items():
            groups = module.groups(split, show_progress)
            if groups is None:
                continue
            if not isinstance(groups, Groups):
                raise ExtensionError(
                    f"{BREAKDOWNS.entry(axis).place}: groups gives {type(groups).__name__}: "
                    "expected dvtr_bench.ranking.rank_table.Groups, or None where the axis says "
                    "nothing"
                )
            found[axis] = groups
    shared: dict[str, Groups] = processes.gathered(found)[0]
    return shared
