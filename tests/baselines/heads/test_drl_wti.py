import numpy as np
import pytest
import torch

from baselines.heads import token_interaction, word_frame_blocks
from baselines.heads.token_interaction import TokenWeights, unit_tokens, weighted_token_similarity
from baselines.models.drl_wti import Config, Model
from dvtr_bench.errors import ConfigError
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos, small_encoder
from tests.oracles.direct_wti import direct_wti_similarity

CAPTIONS = ["a boat", "two boats near a pier", "three red boats", "many boats on a wide river"]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def random_tokens(count, places, width, seed):
    """Embeddings, logits of weights, and a mask whose True places are in front."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, places + 1, (count, 1), generator=generator)
    return (
        3 * torch.randn(count, places, width, generator=generator),
        torch.randn(count, places, generator=generator),
        torch.arange(places) < lengths,
    )


def repeat_beginnings(texts):
    """Let every second text begin as the one before it, as captions do."""
    embeds, _, mask = texts
    for row in range(1, len(embeds), 2):
        shared = int(min(mask[row].sum(), mask[row - 1].sum()) * 0.7)
        embeds[row, :shared] = embeds[row - 1, :shared]


def prepared(embeds, logits, mask):
    weights = logits.masked_fill(~mask, -torch.inf).softmax(dim=-1)
    return unit_tokens(embeds, mask), weights


def score(texts, videos):
    return weighted_token_similarity(*prepared(*texts), texts[2], *prepared(*videos), videos[2])


@pytest.mark.parametrize(("chunk", "run"), [(1, 1), (700, 3), (2**22, 64)])
def test_array_operations_agree_with_the_direct_form_in_blocks_of_any_size(
    monkeypatch, chunk, run
) -> None:
    monkeypatch.setattr(token_interaction, "_CHUNK_ELEMENTS", chunk)
    monkeypatch.setattr(token_interaction, "_TEXTS_AT_ONCE", run)
    monkeypatch.setattr(token_interaction, "can_use_compiled_loops", lambda *tensors: False)
    texts, videos = random_tokens(20, 9, 24, seed=0), random_tokens(7, 5, 24, seed=1)
    scores = score(texts, videos)
    expected = direct_wti_similarity(*texts, *videos)
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert expected.std() > 1e-2


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
    texts, videos = random_tokens(20, 9, 24, seed=0), random_tokens(7, 5, 24, seed=1)
    repeat_beginnings(texts)
    expected = direct_wti_similarity(*texts, *videos)
    torch.testing.assert_close(score(texts, videos), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(6))
def test_compiled_loops_agree_with_array_operations_on_any_shape(monkeypatch, seed) -> None:
    count, places, videos, frames = np.random.default_rng(seed).integers(1, 40, size=4).tolist()
    texts = random_tokens(count, places, 16, seed=seed)
    videos = random_tokens(videos, frames, 16, seed=seed + 100)
    repeat_beginnings(texts)
    found = score(texts, videos)
    monkeypatch.setattr(token_interaction, "can_use_compiled_loops", lambda *tensors: False)
    torch.testing.assert_close(found, score(texts, videos), atol=1e-6, rtol=0)


def test_frames_that_are_there_count_wherever_they_stand() -> None:
    texts, (embeds, logits, _) = random_tokens(8, 6, 24, seed=0), random_tokens(4, 5, 24, seed=1)
    gaps = torch.tensor([[0, 0, 0, 0, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 0]])
    videos = (embeds, logits, gaps.bool())
    expected = direct_wti_similarity(*texts, *videos)
    torch.testing.assert_close(score(texts, videos), expected, atol=1e-5, rtol=0)


def test_nan_reaches_what_it_takes_part_in_and_nothing_else() -> None:
    texts, videos = random_tokens(20, 9, 24, seed=0), random_tokens(7, 5, 24, seed=1)
    whole = score(texts, videos)
    texts[0][3, 0, 5] = videos[0][2, 0, 7] = torch.nan
    found = score(texts, videos)
    reached = torch.zeros(20, 7, dtype=torch.bool)
    reached[3] = reached[:, 2] = True
    assert torch.equal(found.isnan(), reached)
    torch.testing.assert_close(found[~reached], whole[~reached], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("texts", "videos"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_score_gives_no_scores(texts, videos) -> None:
    found = score(random_tokens(texts, 4, 8, seed=0), random_tokens(videos, 3, 8, seed=1))
    assert found.shape == (texts, videos)


def test_every_similarity_below_zero_stays_so_beside_padding() -> None:
    ones = torch.ones(1, 3, 4)
    mask = torch.tensor([[True, False, False]])
    logits = torch.zeros(1, 3)
    scores = score((ones, logits, mask), (-ones, logits, mask))
    torch.testing.assert_close(scores, torch.tensor([[-1.0]]))


def test_a_word_of_no_weight_is_still_looked_at_by_frames() -> None:
    texts, videos = random_tokens(20, 9, 24, seed=0), random_tokens(7, 5, 24, seed=1)
    light = texts[1].clone()
    light[:, 1:] -= 1e3
    texts = (texts[0], light, texts[2])
    expected = direct_wti_similarity(*texts, *videos)
    torch.testing.assert_close(score(texts, videos), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", ["texts", "videos"])
def test_padding_changes_nothing(side) -> None:
    texts, videos = random_tokens(6, 9, 24, seed=0), random_tokens(7, 5, 24, seed=1)
    scores = score(texts, videos)
    embeds, logits, mask = texts if side == "texts" else videos
    padded = torch.cat([embeds, torch.full((len(embeds), 2, 24), 1e3)], dim=1)
    padded[:, : embeds.shape[1]][~mask] = -1e3
    more = (
        padded,
        torch.cat([logits, torch.full((len(embeds), 2), 9.0)], dim=1),
        torch.cat([mask, torch.zeros(len(embeds), 2, dtype=torch.bool)], dim=1),
    )
    texts, videos = (more, videos) if side == "texts" else (texts, more)
    again = score(texts, videos)
    torch.testing.assert_close(again, scores, atol=1e-6, rtol=0)


@torch.no_grad()
def test_the_model_scores_what_the_paper_writes() -> None:
    model = on_small_encoder(Model)
    with torch.no_grad():
        for head in (model.token_weights, model.frame_weights):
            head.fc2.weight.mul_(200)
    videos = [video[: 2 + row % 3] for row, video in enumerate(random_videos(5))]
    scores = model.score(model.encode_texts(CAPTIONS), model.encode_videos(videos))

    def logits(head, embeds):
        return head.fc2(torch.relu(head.fc1(embeds)))[..., 0]

    texts = model.backbone_texts(CAPTIONS)
    words = texts["token_embeds"]
    frames = model.backbone_videos(videos)
    temporal = model.temporal(frames["frame_embeds"], frames["frame_mask"])
    expected = direct_wti_similarity(
        words,
        logits(model.token_weights, words),
        texts["token_mask"],
        temporal,
        logits(model.frame_weights, temporal),
        frames["frame_mask"],
    )
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_texts_hold_every_word_padded_to_one_length() -> None:
    model = on_small_encoder(Model, max_words=12)
    features = model.backbone_texts(CAPTIONS)
    assert features["token_embeds"].shape == (4, 12, 32)
    # Start and end of text count as words.
    assert features["token_mask"].sum(dim=1).tolist() == [4, 7, 5, 8]
    assert model.feature_key("texts") != on_small_encoder(Model, max_words=11).feature_key("texts")


def test_only_the_texts_are_kept_apart_from_those_of_other_models() -> None:
    from baselines.models.clip4clip_meanp import Config as MeanConfig
    from baselines.models.clip4clip_meanp import Model as MeanP

    other = MeanP(MeanConfig(backbone="tiny", max_frames=4), small_encoder())
    assert on_small_encoder(Model).feature_key("videos") == other.feature_key("videos")
    assert on_small_encoder(Model).feature_key("texts") != other.feature_key("texts")


def test_gradients_agree_with_those_of_the_direct_form() -> None:
    texts, videos = random_tokens(6, 5, 8, seed=0), random_tokens(4, 3, 8, seed=1)
    leaves = [tensor.requires_grad_() for tensor in (*texts[:2], *videos[:2])]
    weights = torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
    scores = score(texts, videos)
    found = torch.autograd.grad((scores * weights).sum(), leaves)
    expected = torch.autograd.grad((direct_wti_similarity(*texts, *videos) * weights).sum(), leaves)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
        assert one.abs().max() > 1e-3


def test_a_single_vector_for_each_text_is_a_text_of_one_word() -> None:
    model = on_small_encoder(Model)
    videos = model.encode_videos(random_videos(3))
    vectors = model.text_vectors(model.encode_texts(CAPTIONS))
    best = torch.einsum("tc,vfc->tvf", vectors, videos["frame_embeds"])
    mean = torch.einsum("tvf,vf->tv", best, videos["frame_weights"])
    expected = (best.amax(dim=2) + mean) / 2
    torch.testing.assert_close(model.similarity(vectors, videos), expected)


def test_weights_start_near_uniform_and_ignore_padding() -> None:
    torch.manual_seed(0)
    embeds, _, mask = random_tokens(6, 5, 16, seed=0)
    weights = TokenWeights(16)(embeds, mask)
    uniform = mask / mask.sum(dim=1, keepdim=True)
    torch.testing.assert_close(weights, uniform, atol=0.05, rtol=0)
    assert not weights[~mask].any()


def test_the_temporal_encoder_starts_as_the_text_tower() -> None:
    model = on_small_encoder(Model)
    assert torch.equal(
        model.temporal.frame_position_embeddings, model.encoder.clip.positional_embedding
    )


def test_a_few_steps_lower_the_loss() -> None:
    model = on_small_encoder(Model, temporal_layers=1)
    tokens = model.tokenize(CAPTIONS)
    frame_embeds, _, frame_mask = random_tokens(4, 4, 32, seed=0)
    frames = {"frame_embeds": frame_embeds, "frame_mask": frame_mask}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = model.training_loss(tokens, frames)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert np.isfinite(losses).all()


def test_no_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="temporal_layers"):
        Config(backbone="tiny", temporal_layers=0)
