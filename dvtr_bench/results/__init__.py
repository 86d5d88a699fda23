"""Result files: read, check, compare and write them. Never imports torch.

>>> from dvtr_bench.results import load_results, to_frame
>>> to_frame(load_results("results"))  # doctest: +SKIP
"""

from dvtr_bench.results.comparable import require_comparable
from dvtr_bench.results.files import load_results, read_result, write_result
from dvtr_bench.results.frame import breakdowns_frame, to_frame
from dvtr_bench.results.record import ComparableKey, RunRecord, comparable_key

__all__ = [
    "ComparableKey",
    "RunRecord",
    "breakdowns_frame",
    "comparable_key",
    "load_results",
    "read_result",
    "require_comparable",
    "to_frame",
    "write_result",
]
