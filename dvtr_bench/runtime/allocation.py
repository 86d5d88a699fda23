"""Memory allocation for short-lived tensors."""

import ctypes
import os
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_LARGEST_KEPT_BYTES: Final = 2**25
_KEPT_BYTES: Final = 2**28


def reuse_freed_memory() -> bool:
    """Make short-lived tensors reuse freed memory, in large pages.

    Scoring in blocks and training steps create tensors of a few MiB again and again. The system
    fills new memory with zeros, 4 KiB at a time, which took as long as the arithmetic
    (`tests/benchmarks/head_speed.py`). This setting makes torch request large pages and glibc keep
    up to 256 MiB of freed memory, up to 32 MiB per tensor. It affects the whole process and its
    child processes, so only a program should call it, before it creates its first tensor.

    Returns:
        Whether the C library keeps freed memory; False if it has no such settings.

    Source: ``THP_MEM_ALLOC_ENABLE`` of PyTorch; ``mallopt(3)``, ``M_MMAP_THRESHOLD`` and
        ``M_TRIM_THRESHOLD``.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    largest = mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    return bool(largest and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
