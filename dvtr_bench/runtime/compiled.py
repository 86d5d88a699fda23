"""Inner loops that array operations are too slow for, compiled by Numba."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; what was compiled is kept for other runs where there is room.

    Args:
        function: of arrays and numbers, in the part of Python that Numba knows.

    Returns:
        The same function. While it runs, other threads do too.
    """
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder can be written to
        return numba.njit(nogil=True)(function)
