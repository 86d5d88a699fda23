"""An ablation's rows are told apart by what their result files say, and by nothing else."""

from dataclasses import replace

import pytest

from dvtr_bench.ablation.variant import Ablations, Variant
from dvtr_bench.errors import IncomparableError, NotFoundError
from leaderboard.ablation.runs import runs_by_variant
from tests.fixtures.records import toy_record

TOY = Ablations(
    "msam",
    (
        Variant("full", "as it is"),
        Variant("K=3", "fewer semantics", {"num_semantics": 3}),
        Variant("pooling=mean", "sees no text", {"pooling": "mean"}),
        Variant("text_block=1", "each query alone", {"text_block": 1}, with_full=True),
    ),
    frozenset({"text_block"}),
    (),
    lambda model, settings, captions: model,
    lambda verdicts: "",
)
FULL = {"num_semantics": 7, "pooling": "fusion", "text_block": 32, "max_words": 32}


def record(seed=42, *, model="msam", epochs=5, weights="c", fingerprint="f" * 64, **config):
    made = toy_record(
        model,
        seeds=(seed,),
        rank_seed=seed,
        fingerprint=fingerprint,
        config={**FULL, **config},
        recipe={"epochs": epochs, "seed": seed},
    )
    return replace(made, model=replace(made.model, checkpoint_sha256=weights * 64))


def seeds_by_row(records):
    found = runs_by_variant(TOY, records)
    return {name: [run.model.seeds[0] for run in runs] for name, runs in found.items()}


def test_each_file_finds_its_row_and_rows_their_order_of_seeds() -> None:
    records = [
        record(43),
        record(num_semantics=3, weights="3"),
        record(42),
        record(text_block=1),
        record(43, text_block=1),
        record(pooling="mean", weights="m"),
    ]
    assert seeds_by_row(records) == {
        "full": [42, 43],
        "K=3": [42],
        "text_block=1": [42, 43],
        "pooling=mean": [42],
    }


def test_what_is_of_no_row_is_left_out() -> None:
    ours = [record(), record(num_semantics=3)]
    others = [
        record(num_semantics=3, text_block=1),
        record(model="xpool"),
        record(44, max_words=20),
        record(44, epochs=1),
        record(44, num_semantics=3, fingerprint="e" * 64),
        toy_record(config={**FULL}, post_processing="dual_softmax"),
    ]
    assert seeds_by_row(ours + others) == {"full": [42], "K=3": [42]}


def test_no_ablation_is_said() -> None:
    with pytest.raises(NotFoundError, match="no ablation of msam in these 2 result files"):
        runs_by_variant(TOY, [record(42), record(43)])


def test_two_ablations_are_not_mixed() -> None:
    one = [record(), record(num_semantics=3)]
    other = [record(epochs=1), record(num_semantics=3, epochs=1)]
    with pytest.raises(IncomparableError, match="hold 2 ablations of msam"):
        runs_by_variant(TOY, one + other)


def test_a_seed_twice_is_refused() -> None:
    records = [record(), record(num_semantics=3), record(num_semantics=3, weights="9")]
    with pytest.raises(IncomparableError, match="K=3: 2 result files of seed 42"):
        runs_by_variant(TOY, records)


def test_a_row_of_other_scoring_must_have_the_full_models_weights() -> None:
    records = [record(), record(text_block=1, weights="9")]
    with pytest.raises(IncomparableError, match="text_block=1, seed 42: this row is to be scored"):
        runs_by_variant(TOY, records)
