import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.heads import multi_grained, word_frame_blocks
from baselines.heads.multi_grained import MultiGrainedSimilarity
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.models.xclip import Config, Model
from dvtr_bench.errors import ConfigError
from tests.fixtures.small_clip import on_small_encoder, random_videos
from tests.oracles.direct_xclip import direct_xclip_similarity, pair_similarity

WIDTH = 24
CAPTIONS = ["a boat", "two boats near a pier", "three red boats", "many boats on a wide river"]


def random_side(count, places, seed):
    """One embedding of each item, its tokens, and their mask, True in front."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, places + 1, (count, 1), generator=generator)
    return (
        torch.randn(count, WIDTH, generator=generator),
        3 * torch.randn(count, places, WIDTH, generator=generator),
        torch.arange(places) < lengths,
    )


def unit(side, whole, tokens, mask_name):
    embeds, token_embeds, mask = side
    zeroed = functional.normalize(token_embeds, dim=-1) * mask[..., None]
    return {whole: functional.normalize(embeds, dim=-1), tokens: zeroed, mask_name: mask}


@torch.no_grad()
def both_forms(texts, videos, max_words=11, max_frames=6):
    torch.manual_seed(2)
    grains = MultiGrainedSimilarity(WIDTH, max_words, max_frames)
    for parameter in grains.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.2)
    parameters = grains.state_dict()
    ours = grains(
        unit(texts, "text_embeds", "token_embeds", "token_mask"),
        unit(videos, "video_embeds", "frame_embeds", "frame_mask"),
    )
    return ours, direct_xclip_similarity(parameters, *texts, *videos), parameters


@pytest.mark.parametrize("chunk", [1, 700, 3000, 2**20])
def test_agrees_with_the_direct_form_in_blocks_of_any_size(monkeypatch, chunk) -> None:
    monkeypatch.setattr(multi_grained, "_CHUNK_ELEMENTS", chunk)
    monkeypatch.setattr(multi_grained, "can_use_compiled_loops", lambda *tensors: False)
    texts, videos = random_side(20, 11, seed=0), random_side(7, 6, seed=1)
    ours, direct, _ = both_forms(texts, videos)
    torch.testing.assert_close(ours, direct, atol=1e-5, rtol=0)
    assert direct.std() > 1e-2


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("pairs", "videos_at_once", "frames"), [(1, 1, 1), (64, 2, 9), (300, 64, 12), (2**20, 5, 2**12)]
)
def test_compiled_loops_agree_with_the_direct_form_in_blocks_of_any_size(
    monkeypatch, pairs, videos_at_once, frames, threads
) -> None:
    monkeypatch.setattr(word_frame_blocks, "_PAIRS_AT_ONCE", pairs)
    monkeypatch.setattr(word_frame_blocks, "_VIDEOS_AT_ONCE", videos_at_once)
    monkeypatch.setattr(word_frame_blocks, "_FRAMES_AT_ONCE", frames)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    texts, videos = random_side(20, 11, seed=0), random_side(7, 6, seed=1)
    for row in range(1, 20, 2):
        shared = int(min(texts[2][row].sum(), texts[2][row - 1].sum()) * 0.7)
        texts[1][row, :shared] = texts[1][row - 1, :shared]
    ours, direct, _ = both_forms(texts, videos)
    torch.testing.assert_close(ours, direct, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(6))
def test_compiled_loops_agree_with_array_operations_on_any_shape(monkeypatch, seed) -> None:
    count, words, videos, frames = np.random.default_rng(seed).integers(1, 40, size=4).tolist()
    texts, videos = random_side(count, words, seed=seed), random_side(videos, frames, seed=seed + 9)
    found, _, _ = both_forms(texts, videos, max_words=words + 2, max_frames=frames + 1)
    monkeypatch.setattr(multi_grained, "can_use_compiled_loops", lambda *tensors: False)
    arrays, _, _ = both_forms(texts, videos, max_words=words + 2, max_frames=frames + 1)
    torch.testing.assert_close(found, arrays, atol=1e-5, rtol=0)


def test_nan_reaches_what_it_takes_part_in_and_nothing_else() -> None:
    texts, videos = random_side(20, 11, seed=0), random_side(7, 6, seed=1)
    whole, _, _ = both_forms(texts, videos)
    texts[1][3, 0, 5] = videos[1][2, 0, 7] = torch.nan
    found, _, _ = both_forms(texts, videos)
    reached = torch.zeros(20, 7, dtype=torch.bool)
    reached[3] = reached[:, 2] = True
    assert torch.equal(found.isnan(), reached)
    torch.testing.assert_close(found[~reached], whole[~reached], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("texts", "videos"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_score_gives_no_scores(texts, videos) -> None:
    grains = MultiGrainedSimilarity(WIDTH, 4, 3)
    sides = random_side(texts, 4, seed=0), random_side(videos, 3, seed=1)
    found = grains(
        unit(sides[0], "text_embeds", "token_embeds", "token_mask"),
        unit(sides[1], "video_embeds", "frame_embeds", "frame_mask"),
    )
    assert found.shape == (texts, videos)


def test_padding_is_as_if_it_were_not_there() -> None:
    texts, videos = random_side(6, 9, seed=0), random_side(5, 4, seed=1)
    ours, _, parameters = both_forms(texts, videos)
    for row, (sentence, words, word_mask) in enumerate(zip(*texts, strict=True)):
        for column, (video, frames, frame_mask) in enumerate(zip(*videos, strict=True)):
            pair = pair_similarity(
                parameters, sentence, words[word_mask], video, frames[frame_mask]
            )
            torch.testing.assert_close(ours[row, column], pair, atol=1e-5, rtol=0)


def test_the_matrices_start_as_the_identity_and_the_encoder_as_the_text_tower() -> None:
    model = on_small_encoder(Model, temporal_layers=2)
    for parameter in model.grains.parameters():
        assert torch.equal(parameter, torch.eye(len(parameter)))
    assert len(model.grains.word_mat_weight) == 32
    assert len(model.grains.frame_mat_weight) == 4
    twin = TemporalEncoder.from_text_tower(model.encoder, 2).state_dict()
    for key, value in model.temporal.state_dict().items():
        assert torch.equal(value, twin[key])


@torch.no_grad()
def test_frames_are_compared_as_clip_gives_them_and_what_is_padded_is_nothing() -> None:
    model = on_small_encoder(Model).eval()
    frames = model.encode_frames_eval(model.preprocess(random_videos(2, num_frames=2)))
    features = model.video_features(frames)
    expected = functional.normalize(frames["frame_embeds"][:, :2], dim=-1)
    torch.testing.assert_close(features["frame_embeds"][:, :2], expected)
    assert not features["frame_embeds"][:, 2:].any()
    frames["frame_embeds"][:, 2:] = 1e3
    for name, value in model.video_features(frames).items():
        torch.testing.assert_close(value, features[name], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_sentence_is_the_end_of_text() -> None:
    model = on_small_encoder(Model).eval()
    expected, _, _ = model.encoder.encode_text(model.tokenize(CAPTIONS))
    texts = model.encode_texts(CAPTIONS)
    torch.testing.assert_close(texts["text_embeds"], functional.normalize(expected, dim=-1))
    assert texts["token_embeds"].shape == (len(CAPTIONS), 32, 32)
    assert not texts["token_embeds"][~texts["token_mask"]].any()


def test_features_of_words_are_kept_apart_from_those_of_one_vector() -> None:
    model = on_small_encoder(Model)
    assert model.feature_key("texts")["words"] is True
    assert "words" not in model.feature_key("videos")


def test_a_few_steps_of_the_head_lower_the_loss_and_reach_all_of_it() -> None:
    model = on_small_encoder(Model, temporal_layers=2).train()
    tokens = model.tokenize(CAPTIONS)
    frames = model.encode_frames_eval(model.preprocess(random_videos(len(CAPTIONS))))
    head = [value for name, value in model.named_parameters() if not name.startswith("encoder.")]
    optimiser = torch.optim.Adam(head, lr=1e-3)
    losses = []
    for _ in range(12):
        loss = model.training_loss(tokens, frames)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        assert all(value.grad.any() for value in head)
    assert losses[-1] < losses[0] - 0.1


def test_no_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="temporal_layers"):
        Config(backbone="tiny", temporal_layers=0)


@pytest.mark.parametrize("temporal", ["transformer", "lstm", "none"])
@torch.no_grad()
def test_what_runs_over_the_frames_makes_the_videos_embedding_alone(temporal) -> None:
    model = on_small_encoder(Model, temporal=temporal).eval()
    for parameter in model.grains.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    videos = [video[: 2 + row % 3] for row, video in enumerate(random_videos(5))]
    texts, frames = model.backbone_texts(CAPTIONS), model.backbone_videos(videos)
    words, embeds, mask = texts["token_embeds"], frames["frame_embeds"], frames["frame_mask"]
    pooled = []
    for row, video in enumerate(videos):
        own = embeds[row : row + 1, : mask[row].sum()]
        if temporal == "transformer":
            own = model.temporal(own, torch.ones(1, own.shape[1], dtype=torch.bool))
        elif temporal == "lstm":
            lstm = torch.nn.LSTM(32, 32, batch_first=True)
            lstm.load_state_dict(model.temporal.state_dict())
            own = own + lstm(own)[0]
        assert own.shape[1] == len(video)
        pooled.append(functional.normalize(own[0], dim=-1).mean(dim=0))
    end = texts["token_mask"].sum(dim=1) - 1
    expected = direct_xclip_similarity(
        model.grains.state_dict(),
        words[torch.arange(len(words)), end],
        words,
        texts["token_mask"],
        torch.stack(pooled),
        embeds,
        mask,
    )
    scores = model.score(model.encode_texts(CAPTIONS), model.encode_videos(videos))
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_another_way_over_the_frames_is_refused() -> None:
    with pytest.raises(ConfigError, match="temporal must be one of transformer, lstm, none"):
        Config(backbone="tiny", temporal="seqLSTM")
