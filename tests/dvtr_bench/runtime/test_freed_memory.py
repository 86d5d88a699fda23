import os
import subprocess
import sys

import pytest

from dvtr_bench.runtime.cpu import freed_memory_kept, reuse_freed_memory

FAULTS = """
import resource, sys
from contextlib import nullcontext
import numpy as np
from dvtr_bench.runtime.cpu import freed_memory_kept, reuse_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        together = [np.full(size, 1, np.uint8) for _ in range(10)]
        del together
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

way, size = sys.argv[1], int(sys.argv[2])
if way != "as it starts":
    reuse_freed_memory()
with freed_memory_kept() if way == "all kept" else nullcontext():
    counted = faults()
rss = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
print(counted, rss, faults())
"""

needs_mallopt = pytest.mark.skipif(
    not reuse_freed_memory(), reason="this C library has no mallopt of glibc's"
)

A_BLOCKS = 2**22
"""Ten such tensors come and go together in a block of scores."""

A_STEPS = 2**26
"""A tensor of a training step: more than 32 MiB, ten of them more than 256."""


def faults(way: str, size: int) -> tuple[int, int, int]:
    # What a fresh process gets: no setting of the test's own shell.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, way, str(size)],
        env=clean,
        check=True,
        stdout=subprocess.PIPE,
    )
    first, resident, then = map(int, done.stdout.split())
    return first, resident, then


@needs_mallopt
def test_tensors_that_come_and_go_are_not_filled_by_the_system_each_time() -> None:
    reused, _, _ = faults("reused", A_BLOCKS)
    as_it_starts, _, _ = faults("as it starts", A_BLOCKS)
    assert reused * 5 < as_it_starts


@needs_mallopt
def test_while_a_model_trains_large_tensors_are_not_filled_again_and_then_given_back() -> None:
    kept, resident, afterwards = faults("all kept", A_STEPS)
    reused, _, _ = faults("reused", A_STEPS)
    assert kept * 5 < reused
    assert resident < 5 * A_STEPS
    assert afterwards * 5 > 4 * reused


def test_nothing_happens_where_the_c_library_has_no_such_setting(monkeypatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert reuse_freed_memory() is False
    with freed_memory_kept():
        pass
