"""How the C library's allocator treats the memory of tensors that come and go."""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_LARGEST_KEPT_BYTES: Final = 2**25
_KEPT_BYTES: Final = 2**28


def reuse_freed_memory() -> bool:
    """Have freed memory of up to 32 MiB a tensor reused, not handed back to the system each time.

    Scoring in blocks makes the same tensors of a few MiB over and over. As glibc starts, each of
    them is fresh memory that the system must first fill with zeros, a page at a time: that took as
    long as the arithmetic (`tests/benchmarks/head_speed.py`). Up to 256 MiB of freed memory stay
    with the process. It holds for the whole process and is harmless to repeat.

    Returns:
        False where the C library has no such settings: nothing is changed there.

    Source: ``mallopt(3)``, ``M_MMAP_THRESHOLD`` and ``M_TRIM_THRESHOLD``.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    largest = mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    return bool(largest and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
