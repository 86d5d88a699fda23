"""Result files: read, check, compare and write them. Never imports torch.

>>> from dvtr_bench.results import load_results, seed_summary, to_frame
>>> to_frame(load_results("results"))  # doctest: +SKIP
>>> seed_summary(load_results("results"))  # doctest: +SKIP
"""

from dvtr_bench.results.files import load_results, read_result, write_result
from dvtr_bench.results.frame import breakdowns_frame, seed_summary, to_frame
from dvtr_bench.results.record import RunRecord
from dvtr_bench.results.setups import (
    ComparableKey,
    SeedRuns,
    Setup,
    by_setup,
    comparable_key,
    require_comparable,
    setup_of,
)

__all__ = [
    "ComparableKey",
    "RunRecord",
    "SeedRuns",
    "Setup",
    "breakdowns_frame",
    "by_setup",
    "comparable_key",
    "load_results",
    "read_result",
    "require_comparable",
    "seed_summary",
    "setup_of",
    "to_frame",
    "write_result",
]
