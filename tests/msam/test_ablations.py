"""The ablation table of MSAM: every switch of section 5 of the specification, each a real one."""

from dataclasses import asdict

import pytest
import torch

from dvtr_bench.ablation.plan import make_plan
from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from msam.ablations import MSAM, VARIANTS, conclude, with_scoring
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
"""What section 5 asks for beside the full model: K 7, fusion, whole frames, block 32."""


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr("baselines.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def test_every_switch_of_the_specification_is_a_row() -> None:
    full = asdict(Config())
    found: dict[str, set[object]] = {}
    for variant in VARIANTS[1:]:
        changed = {n: v for n, v in asdict(Config(**variant.settings)).items() if v != full[n]}
        assert changed == variant.settings
        ((name, value),) = changed.items()
        found.setdefault(name, set()).add(value)
    assert found == WANTED
    assert VARIANTS[0].settings == {}
    assert (full["num_semantics"], full["pooling"], full["regions"]) == (7, "fusion", "frame")
    assert full["text_block"] == 32
    names = [variant.name for variant in VARIANTS]
    assert len(set(names)) == len(names)


def test_each_distinct_setup_is_trained_once() -> None:
    plan = make_plan(MSAM, {"backbone": "tiny"}, [42, 43])
    assert len(plan.names) == len(VARIANTS) == 16
    assert len(plan.trainings) == 13
    assert len(plan.jobs) == 15
    shared = [job for job in plan.jobs if job.training.name == "full"]
    assert [job.name for job in shared] == [
        "full, text_block=1",
        "text_block=all",
        "text_block=text_bank",
    ]
    assert all("text_block" not in training.settings for training in plan.trainings)
    assert all(training.settings["backbone"] == "tiny" for training in plan.trainings)


def test_the_full_model_is_always_run_and_wrong_wishes_are_refused() -> None:
    plan = make_plan(MSAM, {}, [42], ["K=3"])
    assert plan.names == {"full", "K=3"}
    with pytest.raises(NotFoundError, match=r"no variant 'K=4': there are full, .*K=3"):
        make_plan(MSAM, {}, [42], ["K=4"])
    with pytest.raises(ConfigError, match="leave out --set pooling="):
        make_plan(MSAM, {"pooling": "mean"}, [42])
    with pytest.raises(ConfigError, match="each once"):
        make_plan(MSAM, {}, [42, 42])


def test_another_text_block_scores_with_the_same_weights() -> None:
    full = on_small_encoder(Model).eval()
    videos, texts = random_videos(5), CAPTIONS[:5]
    for block, expected in (("all", "all"), (1, 1)):
        other = with_scoring(full, {"text_block": block}, CAPTIONS)
        scores = other.score(other.encode_texts(texts), other.encode_videos(videos))
        named = on_small_encoder(Model, text_block=expected).eval()
        wanted = named.score(named.encode_texts(texts), named.encode_videos(videos))
        assert torch.equal(scores, wanted)
    assert full.config.text_block == 32


def test_a_text_bank_is_chosen_from_the_training_captions() -> None:
    other = with_scoring(on_small_encoder(Model).eval(), {"text_block": "text_bank"}, CAPTIONS)
    trained = on_small_encoder(Model, text_block="text_bank").eval()
    trained.see_training_captions(CAPTIONS)
    assert torch.equal(other.bank_tokens, trained.bank_tokens)
    assert other.scoring == "pairwise"
    with pytest.raises(WeightsError, match="other weights than were trained: branch"):
        with_scoring(on_small_encoder(Model, semantics=False).eval(), {"semantics": True}, CAPTIONS)


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
    ],
)
def test_the_conclusion_says_where_a_gain_comes_from(alone, block, published, said) -> None:
    assert said in conclude([alone, block, published])
