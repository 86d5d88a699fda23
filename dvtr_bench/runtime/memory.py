"""Memory that short-lived tensors have left, kept for those that follow.

The system fills new memory with zeros, 4 KiB at a time. Where tensors come and go this takes as
long as small arithmetic, and a tenth of a training step. glibc gives large pieces back at once;
these settings make it keep some. Large pages (``THP_MEM_ALLOC_ENABLE`` of PyTorch) are not asked
for: scoring was as fast without them, and a training step faster.

Source: ``mallopt(3)``; measured by `tests/benchmarks/head_speed.py`.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
