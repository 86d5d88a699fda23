"""How memory is had for tensors that come and go."""

import ctypes
import os
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_LARGEST_KEPT_BYTES: Final = 2**25
_KEPT_BYTES: Final = 2**28


def reuse_freed_memory() -> bool:
    """Have tensors that come and go take memory that is there, in large pages, not new pages.

    Scoring in blocks, and a training step, make the same tensors of a few MiB over and over. Fresh
    memory is filled with zeros by the system, 4 KiB at a time: that took as long as the arithmetic
    (`tests/benchmarks/head_speed.py`). With this torch asks for large pages, and glibc keeps up to
    256 MiB of freed memory, of up to 32 MiB a tensor. It holds for the whole process and those that
    it starts, so it is for a program to call, before it makes its first tensor.

    Returns:
        Whether the C library keeps freed memory; False where it has no such settings.

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
