"""Inner loops compiled by Numba, where array operations are too slow."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call, and cache it on disk if possible.

    Args:
        function: Takes arrays and numbers, and uses only the part of Python that Numba supports.

    Returns:
        The compiled function. It releases the GIL. Division by 0 gives infinity or NaN, as in
        arrays; raising an error would prevent vectorised loops.
    """
    import numba

    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no cache folder can be written
        return numba.njit(nogil=True, error_model="numpy")(function)


def in_threads(loop: Callable[..., None], threads: int, count: int, *arguments: Any) -> None:
    """Run a compiled loop over items in several threads.

    Args:
        loop: Takes the start and stop index of its items, and the arguments.
        threads: Largest number of threads.
        count: Number of items.
        arguments: Further arguments of the loop.
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
    """Like `compiled`, but load Numba only at the first call, because loading takes a second.

    Args:
        function: Takes arrays and numbers; no other compiled function may call it.

    Returns:
        The same function.
    """

    @cache
    def kernel() -> Callable[..., Any]:
        return compiled(function)

    return lambda *arguments: kernel()(*arguments)
