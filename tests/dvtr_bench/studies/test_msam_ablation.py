"""MSAM's ablation: every switch that docs/reference/msam.md lists, each a real one."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from dvtr_bench.errors import WeightsError
from dvtr_bench.studies.plan import Backbone, Build, make_runs
from dvtr_bench.studies.read import read_study
from msam.models.msam import Config, Model
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos

CAPTIONS = [f"{number} boats near a pier" for number in range(40)]
WANTED = {
    "semantics": {False},
    "kl_loss": {False},
    "diversity_loss": {False},
    "num_semantics": {1, 3, 5, 9},
    "pooling": {"mean", "max", "attention"},
    "regions": {"grid", "learned"},
    "text_block": {1, "all", "text_bank"},
}
"""What "Ablations" asks for beside the full model: K 7, fusion, whole frames, block 32."""

STUDY = read_study("msam-ablation")


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def test_every_switch_of_the_specification_is_a_row() -> None:
    full = asdict(Config())
    found: dict[str, set[object]] = {}
    for row in STUDY.rows[1:]:
        changed = {n: v for n, v in asdict(Config(**row.settings)).items() if v != full[n]}
        assert changed == row.settings
        ((name, value),) = changed.items()
        found.setdefault(name, set()).add(value)
    assert found == WANTED
    assert (STUDY.rows[0].name, STUDY.rows[0].settings) == (STUDY.reference, {})
    assert (full["num_semantics"], full["pooling"], full["regions"]) == (7, "fusion", "frame")
    assert full["text_block"] == 32
    assert all(row.about for row in STUDY.rows)


def test_each_distinct_setup_is_trained_once() -> None:
    backbones = {row.backbone: Backbone(row.backbone, "known") for row in STUDY.rows}
    runs = make_runs(STUDY, Build("usrd", Path("dvtr/usrd"), "f" * 64), backbones)
    seeds = len(STUDY.seeds)
    assert len(STUDY.rows) == 16
    assert len(runs) == 13 * seeds
    assert len({run.key for run in runs}) == 13 * seeds
    shared = runs[0]
    assert [scoring.rows for scoring in shared.scorings] == [
        ("msam",),
        ("text_block=1",),
        ("text_block=all",),
        ("text_block=text_bank",),
    ]
    assert shared.scorings[0].settings == {}
    assert shared.scorings[2].settings == {"text_block": "all"}
    assert all(run.config["text_block"] == 32 for run in runs)
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)


@pytest.mark.parametrize(
    ("alone", "block", "published", "said"),
    [
        ("gain", "none", "gain", "also where each query stands alone"),
        ("gain", "loss", "none", "with the published text block no gain is seen"),
        ("none", "gain", "gain", "only through its text block"),
        ("loss", "gain", "gain", "only through its text block"),
        ("none", "none", "gain", "neither fusion without other queries nor the text block"),
        ("none", "none", "none", "not seen to gain on attention pooling, with its text block or"),
        ("none", "none", "loss", "it loses"),
        ("none", "loss", "none", "it loses"),
    ],
)
def test_the_conclusion_says_where_a_gain_comes_from(alone, block, published, said) -> None:
    verdicts = {"alone": alone, "block": block, "published": published}
    assert said in STUDY.conclusion(verdicts)
    assert ("it loses" in STUDY.conclusion(verdicts)) is (said == "it loses")


def test_another_text_block_scores_with_the_same_weights() -> None:
    full = on_small_encoder(Model).eval()
    videos, texts = random_videos(5), CAPTIONS[:5]
    for block, expected in (("all", "all"), (1, 1)):
        other = full.with_scoring({"text_block": block}, CAPTIONS)
        scores = other.score(other.encode_texts(texts), other.encode_videos(videos))
        named = on_small_encoder(Model, text_block=expected).eval()
        wanted = named.score(named.encode_texts(texts), named.encode_videos(videos))
        assert torch.equal(scores, wanted)
    assert full.config.text_block == 32


def test_a_text_bank_is_chosen_from_the_training_captions() -> None:
    other = on_small_encoder(Model).eval().with_scoring({"text_block": "text_bank"}, CAPTIONS)
    trained = on_small_encoder(Model, text_block="text_bank").eval()
    trained.see_training_captions(CAPTIONS)
    assert torch.equal(other.bank_tokens, trained.bank_tokens)
    assert other.scoring == "pairwise"
    with pytest.raises(WeightsError, match="weights that were not trained: branch"):
        on_small_encoder(Model, semantics=False).eval().with_scoring({"semantics": True}, CAPTIONS)
