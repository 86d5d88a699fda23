"""What measures speed and memory starts, though no test asserts on either."""

from importlib import import_module
from pathlib import Path

import pytest

from dvtr_bench.results import read_result, write_result
from tests.benchmarks.result_reading import made_up

BENCHMARKS = sorted(path.stem for path in (Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_finds_all_that_it_imports(name: str) -> None:
    assert import_module(f"tests.benchmarks.{name}").__doc__


def test_results_that_are_made_up_are_read_as_true_ones(tmp_path: Path) -> None:
    record = made_up(0, 1, 40, 10)
    assert read_result(write_result(record, tmp_path)) == record
