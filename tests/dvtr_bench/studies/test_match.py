"""A study's rows are told apart by what their result files say, and by nothing else."""

from dataclasses import replace

import pytest

from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.studies.match import results_by_row
from dvtr_bench.studies.study import Row, Study
from tests.fixtures.records import toy_record


def row(name, settings, model="msam", recipe=(), backbone="tiny"):
    return Row(name, model, "", backbone, settings, dict(recipe))


TOY = Study(
    name="toy",
    title="Toy",
    about="",
    datasets=(),
    rows=(
        row("msam", {}),
        row("K=3", {"num_semantics": 3}),
        row("pooling=mean", {"pooling": "mean"}),
        row("text_block=1", {"text_block": 1}),
    ),
    backbones={},
    seeds=(42, 43),
    reference="msam",
)
FULL = {"num_semantics": 7, "pooling": "fusion", "text_block": 32, "max_words": 32}


def record(seed=42, *, model="msam", epochs=5, weights="c", fingerprint="f" * 64, **config):
    made = toy_record(
        model,
        seeds=(seed,),
        rank_seed=seed,
        fingerprint=fingerprint,
        config={**FULL, **config} if model == "msam" else config,
        recipe={"epochs": epochs, "seed": seed},
    )
    return replace(made, model=replace(made.model, checkpoint_sha256=weights * 64))


def seeds_by_row(records, study=TOY):
    (found,) = results_by_row(study, records).values()
    return {
        name: [run.model.seeds[0] if run.model.seeds else None for run in runs]
        for name, runs in found.items()
    }


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
        "msam": [42, 43],
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
    assert seeds_by_row(ours + others) == {"msam": [42], "K=3": [42]}


def test_no_results_of_the_study_is_said() -> None:
    with pytest.raises(NotFoundError, match="no results of the study toy in these 2 result files"):
        results_by_row(TOY, [record(42), record(43)])


def test_a_study_twice_is_not_mixed() -> None:
    one = [record(), record(num_semantics=3)]
    other = [record(epochs=1), record(num_semantics=3, epochs=1)]
    with pytest.raises(IncomparableError, match="hold the study toy 2 times on usrd"):
        results_by_row(TOY, one + other)


def test_a_seed_twice_is_refused() -> None:
    records = [record(), record(num_semantics=3), record(num_semantics=3, weights="9")]
    with pytest.raises(IncomparableError, match="K=3: 2 result files of seed 42"):
        results_by_row(TOY, records)


def test_a_row_of_other_scoring_must_have_the_weights_of_the_row_it_shares() -> None:
    records = [record(), record(text_block=1, weights="9")]
    with pytest.raises(IncomparableError, match="text_block=1, seed 42: this row should be scored"):
        results_by_row(TOY, records)


def test_models_of_several_kinds_share_a_recipe() -> None:
    study = replace(
        TOY, rows=(row("msam", {}), row("xpool", {}, "xpool"), row("clip", {}, "clip_zeroshot"))
    )
    untrained = toy_record("clip_zeroshot", seeds=(), config={})
    records = [record(), record(model="xpool"), untrained, record(44, model="xpool", epochs=9)]
    assert seeds_by_row(records, study) == {"msam": [42], "xpool": [42], "clip": [None]}


def test_rows_may_differ_in_recipe_or_backbone_alone() -> None:
    published = "ViT-B-32/openai"
    rows = [row("short", {}, backbone=published)]
    rows.append(row("long", {}, recipe={"epochs": 9}, backbone=published))
    study = replace(TOY, rows=tuple(rows), reference=None)
    found = seeds_by_row([record(epochs=5), record(43, epochs=9), record(44, epochs=7)], study)
    assert found == {"short": [42], "long": [43]}
    other = replace(
        TOY,
        reference="tiny",
        rows=(row("tiny", {}), row("B", {}, backbone="ViT-B-32/openai")),
    )
    made = record(num_semantics=7)
    big = replace(made, model=replace(made.model, backbone="ViT-B-32/openai", backbone_sha256="0"))
    assert seeds_by_row([made, big], other) == {"tiny": [42], "B": [42]}


def test_each_dataset_has_its_rows() -> None:
    records = [record(), record(num_semantics=3)]
    elsewhere = [replace(one, dataset=replace(one.dataset, name="umcrd")) for one in records]
    found = results_by_row(TOY, records + elsewhere)
    assert {name: sorted(rows) for name, rows in found.items()} == {
        "usrd": ["K=3", "msam"],
        "umcrd": ["K=3", "msam"],
    }
