"""A metric that came after a result file, or went since: the file loads, and is checked."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dvtr_bench.errors import ResultError
from dvtr_bench.ranking import figures
from dvtr_bench.results import RunRecord, load_results, read_result, write_result


def mean_reciprocal_rank(
    ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
) -> dict[str, NDArray[np.float64]]:
    """Defined for galleries of more than twelve: not for t2v and v2t of these records."""
    values = {"MRR": (counts / ranks).sum(axis=1) / counts.sum(axis=1)}
    return values | ({"MRR@13": values["MRR"]} if gallery_size > 12 else {})


@contextmanager
def metric_added() -> Iterator[None]:
    """Add the metric to those that there are."""
    known = figures._metrics()
    new = (("MRR", "MRR@13"), True, mean_reciprocal_rank)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "_metrics", lambda: (*known[:1], new, *known[1:]))
        yield


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")


def test_a_new_metric_is_computed_for_the_files_that_are_there(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    before = make_record()
    path = write_result(before, tmp_path)
    with metric_added():
        after = read_result(path)
        # What is written now states the new figures, and reads back the same.
        assert read_result(write_result(after, tmp_path / "again")) == after == make_record()
    for direction in ("t2v", "v2t", "v2t_caption"):
        ranks = np.array(before.ranks[direction].strict.pessimistic)
        found = after.metrics[direction]["strict"]["MRR"]
        assert found.value == pytest.approx((1 / ranks).mean())
        assert found.low < found.value < found.high
        if direction in before.ties:
            assert after.ties[direction].optimistic["MRR"] > found.value
        for name, figure in before.metrics[direction]["strict"].items():
            assert after.metrics[direction]["strict"][name] == figure
    assert [line for line in after.left_out if line not in before.left_out] == [
        f"MRR@13 of {direction} is not defined: the gallery has 12 candidates"
        for direction in ("t2v", "v2t")
    ]
    assert set(before.left_out) < set(after.left_out)


def test_a_stated_figure_of_a_new_metric_is_compared(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    def change(value: dict[str, Any]) -> None:
        value["metrics"]["v2t"]["strict"]["MRR"]["value"] += 1e-7

    with metric_added():
        path = write_result(make_record(), tmp_path)
        edit(path, change)
        with pytest.raises(ResultError, match=re.escape("metrics.v2t.strict.MRR.value says")):
            read_result(path)


def test_a_figure_dropped_at_one_place_is_no_new_metric(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    with metric_added():
        path = write_result(make_record(), tmp_path)
        edit(path, lambda value: value["metrics"]["v2t"]["text_identical"].pop("MRR"))
        with pytest.raises(ResultError, match=r"metrics.v2t.text_identical.MRR says None"):
            read_result(path)


def test_what_no_metric_here_gives_is_left_out(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    with metric_added():
        path = write_result(make_record(), tmp_path)
    text = path.read_text("utf-8")
    assert '"MRR": {' in text
    assert '"MRR@13 of t2v is not defined' in text
    assert load_results(path) == [make_record()]
