"""Inner loops that array operations are too slow for, compiled by Numba."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; what was compiled is kept for other runs where there is room.

    Args:
        function: of arrays and numbers, in the part of Python that Numba knows.

    Returns:
        The same function. While it runs, other threads do too. What is divided by 0 is infinite or
        NaN, as in arrays: to raise an error there would keep a loop from running along many numbers
        at once.
    """
    import numba

    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder can be written to
        return numba.njit(nogil=True, error_model="numpy")(function)


def in_threads(loop: Callable[..., None], threads: int, count: int, *arguments: Any) -> None:
    """Run a compiled loop over items, its parts side by side.

    Args:
        loop: Takes the first of its items, the one behind its last, and the arguments.
        threads: How many at once, at most.
        count: Items in all.
        arguments: What the loop takes beside.
    """
    threads = min(threads, count)
    if threads <= 1:
        loop(0, count, *arguments)
        return
    ends = [count * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        parts = [pool.submit(loop, *ends, *arguments) for ends in pairwise(ends)]
        for part in parts:
            part.result()


def compiled_when_called(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like `compiled`, but Numba, which takes a second to load, is loaded at the first call too.

    Args:
        function: of arrays and numbers; no other compiled function calls it.

    Returns:
        The same function.
    """

    @cache
    def kernel() -> Callable[..., Any]:
        return compiled(function)

    return lambda *arguments: kernel()(*arguments)
