import json

import pytest
import torch

from dvtr_bench.errors import ConfigError
from msam.models.msam import ALL_TEXTS, Config, Model
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos, small_encoder

CAPTIONS = [f"{number} boats near a pier" for number in ("one", "two", "three", "four", "five")]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def loss_of(model):
    frames = model.encode_frames(model.preprocess(random_videos(5)))
    return model.training_loss(model.tokenize(CAPTIONS), frames)


def scores_of(model):
    return model.score(model.encode_texts(CAPTIONS), model.encode_videos(random_videos(5)))


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, {"contrastive", "kl", "diversity"}),
        ({"semantics": False}, {"contrastive"}),
        ({"kl_loss": False}, {"contrastive", "diversity"}),
        ({"diversity_loss": False}, {"contrastive", "kl"}),
        ({"num_semantics": 1}, {"contrastive", "kl", "diversity"}),
        ({"num_semantics": 9}, {"contrastive", "kl", "diversity"}),
    ],
)
def test_every_switch_of_the_semantics_changes_the_loss_as_it_says(settings, parts) -> None:
    model = on_small_encoder(Model, **settings).eval()
    losses = loss_of(model)
    assert set(losses) == parts | {"loss"}
    expected = losses["contrastive"] + losses.get("kl", 0.0) + 0.01 * losses.get("diversity", 0.0)
    torch.testing.assert_close(losses["loss"], expected)
    assert (model.branch is None) == (settings.get("semantics") is False)
    if model.branch is not None:
        assert model.branch.video_slots.w2.out_features == settings.get("num_semantics", 7)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "fusion"])
def test_every_pooling_scores_and_only_fusion_needs_a_block(pooling) -> None:
    model = on_small_encoder(Model, pooling=pooling)
    scores = scores_of(model)
    assert scores.shape == (5, 5)
    assert scores.abs().max() <= 0.4 + 1e-6
    assert model.scoring == ("query_block" if pooling == "fusion" else "pairwise")
    assert (model.gate is not None) == (pooling == "fusion")
    if pooling != "fusion":
        assert model.text_block == 1
        with pytest.raises(ConfigError, match="no block to set"):
            model.at_block(4)


def test_poolings_differ() -> None:
    scores = [
        scores_of(on_small_encoder(Model, pooling=pooling))
        for pooling in ("mean", "max", "attention")
    ]
    assert (scores[0] - scores[1]).abs().max() > 1e-4
    assert (scores[0] - scores[2]).abs().max() > 1e-4


def test_all_stands_for_the_whole_query_set() -> None:
    model = on_small_encoder(Model, text_block="all")
    assert model.text_block == ALL_TEXTS
    torch.testing.assert_close(scores_of(model), scores_of(on_small_encoder(Model, text_block=5)))


def test_a_text_bank_makes_the_score_pairwise_and_travels_with_the_weights() -> None:
    model = on_small_encoder(Model, text_block="text_bank", bank_size=3)
    with pytest.raises(ConfigError, match="text bank is empty"):
        scores_of(model)
    model.see_training_captions([f"training caption {number}" for number in range(10)])
    assert model.scoring == "pairwise"
    texts, videos = model.encode_texts(CAPTIONS), model.encode_videos(random_videos(5))
    scores = model.score(texts, videos)
    alone = model.score({"text_embeds": texts["text_embeds"][2:3]}, videos)
    torch.testing.assert_close(alone, scores[2:3], atol=1e-6, rtol=0)
    again = Model.rebuild(json.loads(json.dumps(model.describe())))
    again.load_state_dict(model.state_dict())
    assert torch.equal(scores_of(again), scores)
    assert loss_of(model)["loss"].isfinite()


def test_a_bank_larger_than_the_training_captions_is_refused() -> None:
    with pytest.raises(ConfigError, match="only 3"):
        on_small_encoder(Model, text_block="text_bank", bank_size=4).see_training_captions(
            ["a", "b", "c"]
        )


def test_training_takes_its_batch_as_the_block_whatever_scoring_does() -> None:
    losses = [
        loss_of(on_small_encoder(Model, semantics=False, text_block=block).eval())["loss"]
        for block in (1, 2, "all")
    ]
    assert torch.equal(losses[0], losses[1])
    assert torch.equal(losses[0], losses[2])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "min"}, "pooling must be one of"),
        ({"text_block": 0}, "text_block must be at least 1"),
        ({"text_block": "some"}, "text_block must be a number"),
        ({"num_semantics": 0}, "num_semantics must be at least 1"),
        ({"bank_size": 0}, "bank_size must be at least 1"),
        ({"kl_loss": False, "diversity_loss": False}, "semantics=false"),
        ({"max_words": 2}, "max_words must be at least 3"),
    ],
)
def test_configurations_that_contradict_themselves_are_refused(settings, message) -> None:
    with pytest.raises(ConfigError, match=message):
        Config(backbone="tiny", **settings)


def test_padding_frames_change_no_score() -> None:
    videos = random_videos(5, num_frames=2)
    short = on_small_encoder(Model)
    texts = short.encode_texts(CAPTIONS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tight = Model(Config(backbone="tiny", max_frames=2), small_encoder())
    torch.testing.assert_close(
        short.score(texts, short.encode_videos(videos)),
        tight.score(texts, tight.encode_videos(videos)),
        atol=1e-5,
        rtol=0,
    )
