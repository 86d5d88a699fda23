"""Which runs are seeds of one setup, and that each seed counts once."""

import math
import statistics
from dataclasses import replace

import pytest

from dvtr_bench.results import (
    by_setup,
    read_result,
    seed_summary,
    setup_of,
    to_frame,
    write_result,
)
from tests.fixtures.records import toy_record

RECIPE = {"epochs": 5, "freeze": "backbone"}


def trained(seed: int = 1, **changes):
    return toy_record(**{"seeds": (seed,), "recipe": RECIPE, "rank_seed": seed, **changes})


def changed(record, **model):
    return replace(record, model=replace(record.model, **model))


def test_a_setup_is_all_but_the_seed() -> None:
    one, other = trained(1), changed(trained(2), checkpoint_sha256="9" * 64, num_parameters=None)
    assert one.model.training.recipe != other.model.training.recipe
    assert setup_of(one) == setup_of(other)
    assert setup_of(one).short_hash == setup_of(other).short_hash


@pytest.mark.parametrize(
    "other",
    [
        trained(2, model="xpool"),
        trained(2, config={"layers": 1}),
        trained(2, config={}),
        trained(2, recipe={**RECIPE, "epochs": 6}),
        trained(2, recipe=None),
        trained(2, text_block=32),
        trained(2, dataset="umcrd"),
        trained(2, fingerprint="0" * 64),
        trained(2, post_processing="dual_softmax"),
        trained(2, kind="external"),
        changed(trained(2), backbone_sha256="0" * 64),
        changed(trained(2), training=replace(trained(2).model.training, dataset="umcrd")),
        changed(trained(2), training=replace(trained(2).model.training, fingerprint="0" * 64)),
    ],
    ids=range(13),
)
def test_whatever_else_differs_makes_another_setup(other) -> None:
    assert setup_of(other) != setup_of(trained(1))


def test_where_the_weights_were_read_from_does_not_matter_where_their_hash_is_known() -> None:
    here, there = (
        changed(trained(seed), config={"layers": 4, "backbone": f"tiny/{place}"}, backbone=place)
        for seed, place in ((1, "here"), (2, "there"))
    )
    assert setup_of(here) == setup_of(there)
    unknown = [changed(run, backbone_sha256=None) for run in (here, there)]
    assert setup_of(unknown[0]) != setup_of(unknown[1])


def test_the_same_seed_counts_once_and_the_newest_stands_for_it() -> None:
    old = trained(1, date_utc="2025-01-01T00:00:00Z")
    new = changed(trained(1, rank_seed=7, date_utc="2026-01-01T00:00:00Z"), checkpoint_sha256=None)
    (found,) = by_setup([new, trained(2), old])
    assert found.runs[0] is new
    assert (found.seeds, len(found.runs), found.num_older) == ((1, 2), 2, 1)


def test_runs_without_a_seed_never_pass_for_several() -> None:
    (found,) = by_setup([toy_record(seeds=()), toy_record(seeds=(), rank_seed=1)])
    assert (found.seeds, len(found.runs), found.num_older) == ((), 1, 1)


def test_the_summary_has_mean_and_deviation_of_every_figure() -> None:
    records = [trained(seed) for seed in (3, 1, 2)]
    frame = seed_summary([*records, records[0], toy_record("single")])
    assert len(frame) == 2 * len(to_frame(records[:1]))
    one = frame.query(
        "model == 'msam' and direction == 'v2t' and relevance == 'strict' and metric == 'R@5'"
    ).iloc[0]
    values = [record.metrics["v2t"]["strict"]["R@5"].value for record in records]
    assert one["mean"] == pytest.approx(statistics.mean(values))
    assert one["std"] == pytest.approx(statistics.stdev(values))
    assert (one["count"], one["seeds"]) == (3, (1, 2, 3))
    assert one["low"] < one["mean"] < one["high"]
    single = frame[frame.model == "single"].iloc[0]
    assert single["count"] == 1
    assert math.isnan(single["std"])
    assert to_frame(records).setup.nunique() == 1


def test_how_it_was_trained_comes_back_from_a_file(tmp_path) -> None:
    record = trained(3)
    assert read_result(write_result(record, tmp_path)) == record


def test_a_setting_that_recipes_gained_later_makes_no_other_setup() -> None:
    later = trained(2, recipe={**RECIPE, "autocast": "off"})
    assert setup_of(later) == setup_of(trained(1))
    assert setup_of(trained(2, recipe={**RECIPE, "autocast": "bf16"})) != setup_of(later)


def test_runs_from_before_layers_could_be_frozen_trained_all_of_them() -> None:
    old, now, lowest = (
        trained(1),
        *(trained(2, recipe={**RECIPE, "frozen_layers": number}) for number in (None, 0)),
    )
    assert setup_of(now) == setup_of(old)
    assert setup_of(lowest) != setup_of(old)
