"""What every worker process needs, loaded once, by the process that they are all forked from."""

import gc

import numpy as np

from builders.engine import clip_work
from dvtr_bench.video.bicubic import resize_bicubic

__all__ = ["clip_work"]

# Compiled code is loaded when it is first called.
resize_bicubic(np.zeros((4, 4, 3), dtype=np.uint8), 2, 2)
# The collector writes to what it looks through; pages that nobody writes to stay shared.
gc.freeze()
