import os
import subprocess
import sys

import pytest

from dvtr_bench.cli import reuse_freed_memory

FAULTS = """
import resource, sys
import numpy as np
from dvtr_bench.cli import reuse_freed_memory
if sys.argv[1] == "reused":
    reuse_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):  # as a block of scores: ten tensors of 4 MiB, which go together
    together = [np.full(2**22, 1, np.uint8) for _ in range(10)]
    del together
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(way: str) -> int:
    # What a fresh process gets: no setting of the test's own shell.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, way], env=clean, check=True, stdout=subprocess.PIPE
    )
    return int(done.stdout)


@pytest.mark.skipif(not reuse_freed_memory(), reason="this C library has no mallopt of glibc's")
def test_tensors_that_come_and_go_are_not_filled_by_the_system_each_time() -> None:
    assert page_faults("reused") * 5 < page_faults("as it starts")


def test_nothing_happens_where_the_c_library_has_no_such_setting(monkeypatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert reuse_freed_memory() is False
