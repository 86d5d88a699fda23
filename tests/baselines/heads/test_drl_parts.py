"""DRL's other interactions and its channel decorrelation, each against its formulas."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.heads.token_interaction import decorrelation_loss, token_correlation
from baselines.models import clip4clip_tighttransf
from baselines.models.drl_wti import Config, Model
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.entry import stated_config
from dvtr_bench.results import setup_of
from leaderboard.board import tell_apart
from leaderboard.site.commands import repeat_commands
from tests.fixtures.records import toy_record
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos
from tests.oracles.direct_cdcr import correlation, decorrelation, direct_cdcr
from tests.oracles.direct_wti import direct_wti_similarity

CAPTIONS = ["a boat", "two boats near a pier", "three red boats", "many boats on a wide river"]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def videos_of_several_lengths():
    return [video[: 2 + row % 3] for row, video in enumerate(random_videos(4))]


def parts(model):
    """Words and frames as the interaction gets them, with their masks."""
    texts = model.backbone_texts(CAPTIONS)
    frames = model.backbone_videos(videos_of_several_lengths())
    with torch.no_grad():
        temporal = model.temporal(frames["frame_embeds"], frames["frame_mask"])
    return texts["token_embeds"], texts["token_mask"], temporal, frames["frame_mask"]


def scores_of(model):
    return model.score(
        model.encode_texts(CAPTIONS), model.encode_videos(videos_of_several_lengths())
    )


def test_ti_weighs_all_tokens_alike() -> None:
    model = on_small_encoder(Model, interaction="ti").eval()
    words, word_mask, frames, frame_mask = parts(model)
    alike = torch.zeros_like(words[..., 0]), torch.zeros_like(frames[..., 0])
    expected = direct_wti_similarity(words, alike[0], word_mask, frames, alike[1], frame_mask)
    torch.testing.assert_close(scores_of(model), expected, atol=1e-5, rtol=0)
    assert not any("weights" in name for name, _ in model.named_parameters())


def test_dp_is_the_cosine_of_sentence_and_mean_frame() -> None:
    model = on_small_encoder(Model, interaction="dp").eval()
    words, word_mask, frames, frame_mask = parts(model)
    expected = np.zeros((4, 4))
    for row in range(4):
        sentence = words[row, int(word_mask[row].sum()) - 1]
        for column in range(4):
            own = functional.normalize(frames[column, frame_mask[column]], dim=-1).mean(dim=0)
            expected[row, column] = functional.cosine_similarity(sentence, own, dim=0)
    scores = scores_of(model)
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-6)
    assert model.scores_by_vectors
    texts = model.encode_texts(CAPTIONS)
    videos = model.encode_videos(videos_of_several_lengths())
    by_vectors = model.text_vectors(texts) @ model.video_vectors(videos).T
    torch.testing.assert_close(by_vectors, scores, atol=1e-6, rtol=0)


def test_xti_scores_as_the_transformer_over_text_and_frames_of_clip4clip() -> None:
    model = on_small_encoder(Model, interaction="xti", temporal="none", temporal_layers=2).eval()
    tight = on_small_encoder(clip4clip_tighttransf.Model, cross_layers=2).eval()
    tight.cross.load_state_dict(model.cross.state_dict())
    tight.encoder.load_state_dict(model.encoder.state_dict())
    expected = scores_of(tight)
    torch.testing.assert_close(scores_of(model), expected, atol=1e-6, rtol=0)
    assert expected.std() > 1e-5


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_networks_of_one_to_three_layers_weigh_tokens(layers) -> None:
    model = on_small_encoder(Model, weight_layers=layers).eval()
    words, word_mask, frames, frame_mask = parts(model)

    def logits(network, embeds):
        for number in range(1, layers):
            embeds = torch.relu(getattr(network, f"fc{number}")(embeds))
        return getattr(network, f"fc{layers}")(embeds)[..., 0]

    with torch.no_grad():
        for network in (model.token_weights, model.frame_weights):
            getattr(network, f"fc{layers}").weight.mul_(200)
        expected = direct_wti_similarity(
            words, logits(model.token_weights, words), word_mask,
            frames, logits(model.frame_weights, frames), frame_mask,
        )  # fmt: skip
    torch.testing.assert_close(scores_of(model), expected, atol=1e-5, rtol=0)


def side(count, places, seed, width=6):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, places + 1, (count, 1), generator=generator)
    mask = torch.arange(places) < lengths
    embeds = functional.normalize(torch.randn(count, places, width, generator=generator), dim=-1)
    logits = torch.randn(count, places, generator=generator).masked_fill(~mask, -torch.inf)
    return embeds, logits.softmax(dim=1), mask


def as_features(texts, videos):
    return (
        dict(zip(("token_embeds", "token_weights", "token_mask"), texts, strict=True)),
        dict(zip(("frame_embeds", "frame_weights", "frame_mask"), videos, strict=True)),
    )


def without_padding(values, mask):
    return [value[present].double().numpy() for value, present in zip(values, mask, strict=True)]


@pytest.mark.parametrize("kind", ["weighted", "matched"])
def test_the_decorrelation_loss_is_that_of_its_formulas(kind) -> None:
    texts, videos = side(7, 5, 0), side(7, 4, 1)
    found = token_correlation(*as_features(texts, videos), kind)
    expected = direct_cdcr(
        without_padding(texts[0], texts[2]), without_padding(videos[0], videos[2]),
        without_padding(texts[1], texts[2]), without_padding(videos[1], videos[2]),
        weighted=kind == "weighted", on=0.7, off=0.3,
    )  # fmt: skip
    assert decorrelation_loss(found, 0.7, 0.3).item() == pytest.approx(expected, rel=1e-4)


def test_of_single_vectors_it_is_the_correlation_of_their_channels() -> None:
    texts, videos = side(9, 1, 0), side(9, 1, 1)
    pairs = list(zip(texts[0][:, 0].numpy(), videos[0][:, 0].numpy(), strict=True))
    expected = decorrelation(correlation(pairs, [1 / 9] * 9), 1.0, 0.06)
    for kind in ("weighted", "matched", "random"):
        # The other side's matches are the same pairs, turned round: half of each.
        found = token_correlation(*as_features(texts, videos), kind)
        if kind != "random":
            turned = correlation([(b, a) for a, b in pairs], [1 / 9] * 9)
            both = (correlation(pairs, [1 / 9] * 9) + turned) / 2
            expected_both = decorrelation(both, 1.0, 0.06)
            assert decorrelation_loss(found, 1.0, 0.06).item() == pytest.approx(
                expected_both, rel=1e-4
            )
        else:
            assert decorrelation_loss(found, 1.0, 0.06).item() == pytest.approx(expected, rel=1e-4)


def test_random_tokens_are_those_of_the_pair_and_never_padding() -> None:
    texts, videos = side(6, 5, 0), side(6, 4, 1)
    poisoned = (texts[0].masked_fill(~texts[2][..., None], torch.nan), *texts[1:])
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found = token_correlation(*as_features(poisoned, videos), "random")
        assert found.isfinite().all()
        seen.add(round(found[0, 0].item(), 6))
    assert len(seen) > 4


def test_the_loss_is_the_contrastive_one_and_a_share_of_the_decorrelation() -> None:
    model, without = on_small_encoder(Model).eval(), on_small_encoder(Model, cdcr="off").eval()
    tokens = model.tokenize(CAPTIONS)
    frames = model.encode_frames(model.preprocess(videos_of_several_lengths()))
    losses, plain = model.training_loss(tokens, frames), without.training_loss(tokens, frames)
    assert list(plain) == ["loss"]
    assert torch.equal(losses["contrastive"], plain["loss"])
    torch.testing.assert_close(
        losses["loss"], losses["contrastive"] + 0.001 * losses["cdcr"], atol=1e-6, rtol=0
    )
    assert losses["cdcr"] > 0
    doubled = on_small_encoder(Model, cdcr_on_diagonal=2.0, cdcr_off_diagonal=0.12).eval()
    torch.testing.assert_close(
        doubled.training_loss(tokens, frames)["cdcr"], 2 * losses["cdcr"], rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("interaction", ["wti", "ti", "dp"])
@torch.no_grad()
def test_each_interaction_has_the_decorrelation_of_the_authors(interaction) -> None:
    settings = {"cdcr_on_diagonal": 0.3, "cdcr_off_diagonal": 0.2}
    model = on_small_encoder(Model, interaction=interaction, **settings).eval()
    frames = model.encode_frames(model.preprocess(videos_of_several_lengths()))
    texts = model.encode_tokens(model.tokenize(CAPTIONS))
    found = model.head_loss(texts, frames)["cdcr"].item()
    words = model.text_features(texts["token_embeds"], texts["token_mask"])
    videos = model.video_features(frames)
    sides = [
        without_padding(words[f"token_{name}"], words["token_mask"])
        for name in ("embeds", "weights")
    ] + [
        without_padding(videos[f"frame_{name}"], videos["frame_mask"])
        for name in ("embeds", "weights")
    ]
    if interaction == "dp":
        pairs = [(a[0], b[0]) for a, b in zip(sides[0], sides[2], strict=True)]
        expected = decorrelation(correlation(pairs, [1 / 4] * 4), 0.3, 0.2)
    else:
        expected = direct_cdcr(
            sides[0], sides[2], sides[1], sides[3], weighted=interaction == "wti", on=0.3, off=0.2
        )
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("interaction", ["wti", "ti", "dp", "xti"])
@pytest.mark.parametrize("temporal", ["transformer", "lstm", "none"])
def test_every_interaction_trains_and_is_rebuilt(interaction, temporal) -> None:
    model = on_small_encoder(Model, interaction=interaction, temporal=temporal, temporal_layers=1)
    frames = model.encode_frames(model.preprocess(videos_of_several_lengths()))
    losses = model.training_loss(model.tokenize(CAPTIONS), frames)
    assert ("cdcr" in losses) == (interaction != "xti")
    losses["loss"].backward()
    unused = {"cross.similarity.bias"}
    for name, parameter in model.named_parameters():
        assert name in unused or (parameter.grad is not None and parameter.grad.any()), name
    again = Model.rebuild(json.loads(json.dumps(model.describe()))).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(scores_of(again), scores_of(model.eval()))


def test_what_was_trained_before_cdcr_was_trained_without() -> None:
    old = {"max_frames": 4, "temporal_layers": 4}
    assert Config.from_mapping(old).cdcr == "off"
    assert Config().cdcr == "weighted"
    today = on_small_encoder(Model, cdcr="off").describe()["config"]
    names = ("backbone", "max_frames", "max_words", "temporal_layers")
    before = {name: today[name] for name in names}
    records = [
        toy_record(model="drl_wti", config=config)
        for config in (before, today, {**today, "cdcr": "weighted"})
    ]
    setups = [setup_of(record) for record in records]
    assert setups[0] == setups[1] != setups[2]
    assert tell_apart(setups[1:]) == ["cdcr=off", "cdcr=weighted"]
    assert stated_config("drl_wti", old)["cdcr"] == "off"
    assert stated_config("xclip", old) == old
    assert "--set cdcr=off" in repeat_commands(records[0])[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("interaction", "mlp"), ("weight_layers", 4), ("cdcr", "3"), ("temporal", "seqTransf"),
     ("cdcr_weight", -1.0)],
)  # fmt: skip
def test_other_values_are_refused(name, value) -> None:
    with pytest.raises(ConfigError, match=name):
        Config(backbone="tiny", **{name: value})
