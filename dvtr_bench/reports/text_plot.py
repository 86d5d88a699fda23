"""Small plots of characters, for the terminal."""

import math
from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = "▁▂▃▄▅▆▇█"


def bar(value: float, largest: float, width: int = 40) -> str:
    """Return a bar as long as a value's share of the largest one.

    Args:
        value: From 0 to ``largest``.
        largest: The value of a bar over the whole width.
        width: Letters of that bar.

    Returns:
        Blocks, to an eighth of a letter.

    Example:
        >>> bar(50, 100, width=5)
        '██▌'
    """
    if not largest > 0:
        return ""
    eighths = round(8 * width * min(max(value / largest, 0), 1))
    return _BLOCKS[-1] * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Return values as one line of blocks of different height.

    Args:
        values: In order; NaN and infinity are left out.
        width: Most letters; of more values each letter shows the mean of a few.

    Returns:
        The line; empty for no values.

    Example:
        >>> sparkline([3, 2, 1, 1])
        '█▄▁▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    count = min(width, len(finite))
    edges = [round(part * len(finite) / count) for part in range(count + 1)]
    means = [
        sum(finite[start:stop]) / (stop - start)
        for start, stop in zip(edges, edges[1:], strict=False)
    ]
    low, high = min(means), max(means)
    if high == low:
        return _HEIGHTS[0] * count
    steps = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[math.floor(steps * (mean - low) / (high - low))] for mean in means)
