"""The sizes of the frames that a split stores."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvtr_bench.dataset.parquet_split import DatasetSplit


def stored_sizes(split: "DatasetSplit") -> list[tuple[int, int]]:
    """Return the sizes of the stored frames of a split.

    One clip is looked at of all that were coded in the same size and turned in the same way.

    Args:
        split: A split with frames.

    Returns:
        Height and width, in pixels; each once.
    """
    first = {form: row for row, form in reversed(list(enumerate(split.source_forms)))}
    shapes = (split.frames(row)[0].shape for row in sorted(first.values()))
    return list(dict.fromkeys((height, width) for height, width, *_ in shapes))
