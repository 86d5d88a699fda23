"""What measures speed and memory starts, though no test asserts on either."""

from importlib import import_module
from pathlib import Path

import pytest

from dvtr_bench.results import read_result, write_result
from tests.benchmarks import device_speed
from tests.benchmarks.result_reading import made_up

BENCHMARKS = sorted(path.stem for path in (Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_finds_all_that_it_imports(name: str) -> None:
    assert import_module(f"tests.benchmarks.{name}").__doc__


def test_results_that_are_made_up_are_read_as_true_ones(tmp_path: Path) -> None:
    record = made_up(0, 1, 40, 10)
    assert read_result(write_result(record, tmp_path)) == record


def test_a_small_measurement_of_a_device_gives_a_row_for_each_thing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    device_speed.main(["--device", "cpu", *device_speed.SMALLEST])
    head, scored, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("cpu ")
    assert "TFLOP/s in bfloat16" in head
    assert scored == "scoring of 40 captions x 20 videos of 12 frames"
    heads, steps = rows[:-2], rows[-2:]
    assert [row.split()[:2] for row in heads] == [
        [name, kind] for name in device_speed.MEASURED for kind in ("float32", "bfloat16")
    ]
    assert all("0.0% of arithmetic" not in row for row in heads[:4])
    assert ["autocast off" in steps[0], "autocast bf16" in steps[1]] == [True, True]
    assert all("clips/s from images on the device" in row for row in steps)
