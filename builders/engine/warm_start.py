"""Modules for all worker processes, loaded once by the process from which they are forked."""

import gc

import numpy as np

from builders.engine import clip_work
from dvtr_bench.video.frame_store import resize

__all__ = ["clip_work"]

# The first call loads the compiled code.
resize(np.zeros((4, 4, 3), dtype=np.uint8), 2, 2)
# The garbage collector writes to the objects that it scans; pages without writes stay shared.
gc.freeze()
