"""What makes arithmetic fast on a CPU: loops compiled by Numba, memory kept for later tensors.

Loops are compiled where array operations are too slow.

The system fills new memory with zeros, 4 KiB at a time. Where tensors come and go this takes as
long as small arithmetic, and a tenth of a training step. glibc gives large pieces back at once;
`reuse_freed_memory` and `freed_memory_kept` make it keep some. Large pages
(``THP_MEM_ALLOC_ENABLE`` of PyTorch) are not asked for: scoring was as fast without them, and a
training step faster.

Source: ``mallopt(3)``; measured by `tests/benchmarks/head_speed.py`.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any, Final


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
    from concurrent.futures import ThreadPoolExecutor

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


_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_NEVER: Final = -1
"""As a threshold for giving memory back."""


def reuse_freed_memory() -> bool:
    """Make this process keep up to 256 MiB of freed memory, from tensors of up to 32 MiB.

    It affects the whole process and those forked from it, so only a program should call it.

    Returns:
        Whether the C library keeps freed memory; False if it has no such settings.
    """
    return _set_thresholds(largest=2**25, kept=2**28)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep all freed memory, from tensors of up to 1 GiB, until the context ends.

    For repeated work on the CPU whose tensors together take gigabytes, such as training steps: the
    process keeps the most that it has had. At the end what is free is given back, and the settings
    are those of `reuse_freed_memory`.
    """
    are_set = _set_thresholds(largest=2**30, kept=_NEVER)
    try:
        yield
    finally:
        if are_set:
            reuse_freed_memory()
            ctypes.CDLL(None).malloc_trim(0)


def _set_thresholds(*, largest: int, kept: int) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, largest) and mallopt(_M_TRIM_THRESHOLD, kept))
