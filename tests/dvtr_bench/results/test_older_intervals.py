"""Files from before Wilson's intervals load, and show them."""

import json
from pathlib import Path

import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.ranking.bootstrap import bound_interval
from dvtr_bench.results import RunRecord, read_result, write_result
from tests.dvtr_bench.results.test_new_metrics import metric_added
from tests.fixtures.records import VIDEOS, toy_record


def without_hits() -> RunRecord:
    """Find a record with a group without hits, and one of all hits everywhere in R@5."""
    return toy_record(best_rank=1)


def as_written_before(record: RunRecord, folder: Path) -> Path:
    path = write_result(record, folder)
    content = json.loads(path.read_text("utf-8"))

    def to_point(figures: dict[str, dict[str, float | None]]) -> None:
        for figure in figures.values():
            if figure["low"] is not None and figure["value"] in (figure["low"], figure["high"]):
                figure["low"] = figure["high"] = figure["value"]

    for kinds in content["metrics"].values():
        for figures in kinds.values():
            to_point(figures)
    for breakdown in content["breakdowns"].values():
        for groups in breakdown["results"].values():
            for group in groups.values():
                to_point(group["metrics"])
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_an_older_file_gets_todays_intervals_at_every_read(tmp_path: Path) -> None:
    record = without_hits()
    assert record.metrics["t2v"]["strict"]["R@1"].low == bound_interval(100, 100, VIDEOS, 0.95)[0]
    path = as_written_before(record, tmp_path)
    assert '"low": 100.0' in path.read_text("utf-8")
    # The first read checks it, the second finds it remembered.
    assert read_result(path) == record
    assert read_result(path) == record


def test_another_point_is_still_refused(tmp_path: Path) -> None:
    path = as_written_before(without_hits(), tmp_path)
    content = json.loads(path.read_text("utf-8"))
    content["metrics"]["t2v"]["strict"]["R@1"] = {"value": 0.0, "low": 0.0, "high": 0.0}
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ResultError, match="R@1.value says 0.0, but the ranks give 100.0"):
        read_result(path)


def test_groups_have_the_figures_of_a_new_metric(tmp_path: Path) -> None:
    before = toy_record()
    path = write_result(before, tmp_path)
    with metric_added():
        after = read_result(path)
        assert read_result(write_result(after, tmp_path / "again")) == after
    for axis, breakdown in after.breakdowns.items():
        for group, figures in breakdown.results["t2v"].items():
            known = before.breakdowns[axis].results["t2v"][group].metrics
            assert set(figures.metrics) - set(known) == ({"MRR", "MRR@13"} if known else set())
            assert {name: figures.metrics[name] for name in known} == dict(known)
    assert read_result(path) == before
