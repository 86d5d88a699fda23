"""Records that share a table, records as a table, and no torch for either."""

import subprocess
import sys

import pytest

import dvtr_bench.results
from dvtr_bench.errors import IncomparableError
from dvtr_bench.results import breakdowns_frame, comparable_key, require_comparable, to_frame


def test_runs_of_one_split_share_a_table(make_record) -> None:
    records = [make_record(), make_record(seed=1, model={"name": "xpool"})]
    require_comparable(records)
    require_comparable([])
    assert comparable_key(records[0]) == comparable_key(records[1])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataset": {"name": "umcrd"}}, "dataset"),
        ({"dataset": {"version": "2.0.0"}}, "dataset_version"),
        ({"dataset": {"fingerprint": "0" * 64}}, "fingerprint"),
        ({"dataset": {"split": "validation"}}, "split"),
        ({"dataset": {"gallery_sha256": "0" * 64}}, "gallery_sha256"),
        ({"dataset": {"queries_sha256": "0" * 64}}, "queries_sha256"),
        ({"scoring": {"post_processing": "dual_softmax"}}, "post_processing"),
    ],
)
def test_runs_that_differ_in_what_counts_do_not(make_record, change, field) -> None:
    with pytest.raises(IncomparableError, match=f"their {field} differs"):
        require_comparable([make_record(), make_record(), make_record(**change)])


def test_every_figure_has_a_row(make_record) -> None:
    record = make_record()
    frame = to_frame([record, make_record(seed=1)])
    assert len(frame) == 2 * 2 * (3 * 6 + 2)
    row = frame[
        (frame.direction == "t2v") & (frame.relevance == "strict") & (frame.metric == "R@5")
    ].iloc[0]
    figure = record.metrics["t2v"]["strict"]["R@5"]
    assert (row.value, row.low, row.high) == (figure.value, figure.low, figure.high)
    assert (row.dataset, row.model, row.queries, row.gallery_size) == ("usrd", "msam", 24, 12)
    assert to_frame([]).empty


def test_every_figure_of_every_group_has_a_row(make_record) -> None:
    record = make_record()
    frame = breakdowns_frame([record, make_record(seed=1)])
    # Both directions of two groups and an empty one, and t2v of two groups.
    assert len(frame) == 2 * (2 * (2 * 4 + 1) + 2 * 4)
    assert set(frame.axis) == {"category", "shared_text"}
    row = frame[
        (frame.axis == "category")
        & (frame.group == "{road}")
        & (frame.direction == "v2t")
        & (frame.metric == "R@5")
    ].iloc[0]
    one = record.breakdowns["category"].results["v2t"]["{road}"]
    figure = one.metrics["R@5"]
    assert (row.value, row.low, row.high) == (figure.value, figure.low, figure.high)
    assert (row.queries, row.videos, row.model) == (11, 11, "msam")
    empty = frame[frame.group == "sea"]
    assert empty.queries.tolist() == [0] * 4
    assert empty.metric.isna().all()
    assert breakdowns_frame([]).empty


def test_labels_tell_blocks_apart(make_record) -> None:
    assert make_record().label == "msam (block 32)"
    pairwise = {"scoring": "pairwise", "text_block": None}
    assert make_record(scoring=pairwise).label == "msam"


def test_the_public_surface_is_complete() -> None:
    assert sorted(dvtr_bench.results.__all__) == dvtr_bench.results.__all__
    assert all(hasattr(dvtr_bench.results, name) for name in dvtr_bench.results.__all__)


def test_results_are_read_without_torch() -> None:
    code = "import sys, dvtr_bench.results; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
