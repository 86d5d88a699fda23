"""One contract for every model in the catalogue."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from dvtr_bench.catalog import MODELS
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.listing import list_models
from dvtr_bench.models.retriever import BlockRetriever, Described, Retriever
from dvtr_bench.models.trainable import Trainable
from tests.fixtures.small_clip import SMALL_CONFIG, random_videos, small_encoder

NAMES = MODELS.names()
ON_CLIP = [name for name in NAMES if model_entry(name).takes("backbone")]
TRAINED = [listed.name for listed in list_models() if listed.trainable]

CAPTIONS = [
    f"{count} {colour} cars on a road" for count in (1, 2, 3, 4) for colour in ("red", "blue")
]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def build(name, **settings):
    module = MODELS.load(name)
    if name not in ON_CLIP:
        return model_entry(name).build(settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = module.Config(backbone="tiny", max_frames=4, **settings)
        return module.Model(config, small_encoder())


def features(model, num_videos=5):
    videos = [video[: 2 + row % 3] for row, video in enumerate(random_videos(num_videos))]
    return model.encode_texts(CAPTIONS), model.encode_videos(videos)


def rows(features, chosen):
    return {name: value[chosen] for name, value in features.items()}


@pytest.mark.parametrize("name", NAMES)
def test_satisfies_the_protocols(name) -> None:
    model = build(name)
    assert model.name == name
    assert isinstance(model, Retriever)
    if name in ON_CLIP:
        assert isinstance(model, Described)
    if name in ON_CLIP or name in TRAINED:
        assert isinstance(model, Trainable)
    assert model.scoring in ("pairwise", "query_block")
    assert model.scoring == MODELS.load(name).SCORING
    if model.scoring == "query_block":
        assert isinstance(model, BlockRetriever)


@pytest.mark.parametrize("name", NAMES)
def test_features_and_scores_have_their_shapes(name) -> None:
    model = build(name)
    texts, videos = features(model)
    assert {len(value) for value in texts.values()} == {len(CAPTIONS)}
    assert {len(value) for value in videos.values()} == {5}
    scores = model.score(texts, videos)
    assert scores.shape == (len(CAPTIONS), 5)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()
    assert not scores.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_videos_and_captions_do_not_depend_on_their_batch(name) -> None:
    model = build(name)
    texts, videos = features(model)
    frames = random_videos(5)
    alone = model.encode_videos([frames[3][:2]])
    for key, value in alone.items():
        torch.testing.assert_close(value[0], videos[key][3], atol=1e-5, rtol=1e-5)
    caption = model.encode_texts(CAPTIONS[2:3])
    for key, value in caption.items():
        torch.testing.assert_close(value[0], texts[key][2], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_claim_about_scoring_holds(name) -> None:
    model = build(name)
    if model.scoring == "query_block":
        model = model.at_block(1)
    texts, videos = features(model)
    scores = model.score(texts, videos)
    generator = np.random.default_rng(0)
    text_order, video_order = generator.permutation(len(CAPTIONS)), generator.permutation(5)
    for size in (1, 3):
        for start in range(0, len(CAPTIONS), size):
            chosen = torch.from_numpy(text_order[start : start + size])
            columns = torch.from_numpy(video_order)
            again = model.score(rows(texts, chosen), rows(videos, columns))
            torch.testing.assert_close(again, scores[chosen][:, columns], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [name for name in NAMES if name == "msam"])
def test_a_block_is_a_run_of_texts_and_nothing_beyond_it(name) -> None:
    model = build(name, text_block=4)
    texts, videos = features(model)
    scores = model.score(texts, videos)
    second = model.score(rows(texts, slice(4, 8)), videos)
    torch.testing.assert_close(second, scores[4:], atol=1e-6, rtol=0)
    assert (model.at_block(8).score(texts, videos) - scores).abs().max() > 1e-6
    assert model.text_block == 4
    assert model.at_block(1).text_block == 1
    assert model.at_block(1).encoder is model.encoder


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_said_to_change_scoring_alone_changes_no_weight(name) -> None:
    module = MODELS.load(name)
    fields = getattr(module, "SCORING_ONLY", frozenset())
    assert fields <= {field.name for field in dataclasses.fields(module.Config)}
    if fields:
        model = build(name).eval()
        other = model.with_scoring({}, CAPTIONS)
        texts, videos = features(model)
        assert torch.equal(other.score(texts, videos), model.score(texts, videos))


def training_batch(model):
    tokens = model.tokenize(CAPTIONS[:4])
    return tokens, model.encode_frames(model.preprocess(random_videos(4)))


# Added to every score, it cancels out of a softmax over them: its gradient is 0 but for rounding.
ADDED_TO_ALL_SCORES = {"cross.similarity.bias"}


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_reach_every_parameter(name) -> None:
    model = build(name).train()
    losses = model.training_loss(*training_batch(model))
    assert all(loss.ndim == 0 and loss.isfinite() for loss in losses.values())
    losses["loss"].backward()
    without = [
        parameter
        for parameter, value in model.named_parameters()
        if value.grad is None or not (value.grad.any() or parameter in ADDED_TO_ALL_SCORES)
    ]
    assert without == []


@pytest.mark.parametrize("name", [name for name in ON_CLIP if name not in TRAINED])
def test_what_is_not_trained_says_so(name) -> None:
    model = build(name)
    with pytest.raises(ConfigError, match="without training"):
        model.training_loss(*training_batch(model))


@pytest.mark.parametrize("name", ON_CLIP)
def test_a_description_and_a_state_dict_give_the_same_model_back(name) -> None:
    model = build(name)
    description = json.loads(json.dumps(model.describe()))
    again = type(model).rebuild(description)
    again.load_state_dict(model.state_dict())
    assert json.loads(json.dumps(again.describe())) == description
    texts, videos = features(model)
    texts_again, videos_again = features(again)
    assert torch.equal(again.score(texts_again, videos_again), model.score(texts, videos))
    assert description["parameters"] == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", ON_CLIP)
def test_encoding_and_scoring_leave_training_mode_as_it_was(name) -> None:
    model = build(name).train()
    texts, videos = features(model)
    model.score(texts, videos)
    assert model.training
    assert all(module.training for module in model.modules())


def test_the_listing_reads_what_the_modules_say() -> None:
    listed = {model.name: model for model in list_models()}
    assert list(listed) == NAMES
    for name in NAMES:
        module = MODELS.load(name)
        assert listed[name].scoring == module.SCORING
        assert listed[name].trainable is model_entry(name).trainable
        assert listed[name].summary == module.__doc__.splitlines()[0]
        assert listed[name].summary.endswith(".")
