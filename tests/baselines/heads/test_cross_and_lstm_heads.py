"""The LSTM and the cross transformer of CLIP4Clip against the authors' modules."""

import pytest
import torch

from baselines.heads import cross_encoder
from baselines.heads.cross_encoder import CrossEncoder
from baselines.models import clip4clip_seqlstm as seqlstm
from baselines.models import clip4clip_tighttransf as tight
from dvtr_bench.errors import ConfigError
from tests.baselines.heads.test_heads import LOGIT_SCALE, VECTORS, authors_inputs, tensor
from tests.fixtures.small_clip import on_small_encoder, random_videos, small_encoder

CAPTIONS = [f"{count} {colour} cars" for count in (1, 2) for colour in ("red", "blue", "grey")]


def tensors(prefix):
    return {
        key.removeprefix(prefix): tensor(key) for key in VECTORS.files if key.startswith(prefix)
    }


def authors_cross_encoder():
    cross = CrossEncoder(16, 2, int(VECTORS["num_heads"]), 77, quick_gelu=True).eval()
    ours = {
        "cross.embeddings.position_embeddings.weight": "frame_position_embeddings",
        "cross.pooler.ln_pool": "pool_norm",
        "cross.pooler.dense": "pool",
        "cross.transformer": "transformer",
    }
    state = tensors("tighttransf.")
    for theirs, name in ours.items():
        state = {key.replace(theirs, name): value for key, value in state.items()}
    cross.load_state_dict(state)
    return cross


def batch(model):
    videos = [video[: 2 + row % 3] for row, video in enumerate(random_videos(len(CAPTIONS)))]
    frames = model.encode_frames_eval(model.preprocess(videos))
    return model.tokenize(CAPTIONS), frames


@pytest.mark.parametrize("padding", [0.0, 1e2])
def test_seqlstm_agrees_with_the_authors_modules(padding) -> None:
    texts, frames = authors_inputs()
    frames["frame_embeds"][~frames["frame_mask"]] += padding
    model = on_small_encoder(seqlstm.Model)
    model.lstm = torch.nn.LSTM(16, 16, batch_first=True)
    model.lstm.load_state_dict(tensors("seqlstm."))
    with torch.no_grad():
        similarity = model.similarity(texts, model.video_features(frames))
    expected = tensor("similarity_seqlstm") / LOGIT_SCALE
    torch.testing.assert_close(similarity, expected.float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", [0.0, 1e2])
@pytest.mark.parametrize("chunk_elements", [1, 2000, 2**24])
def test_tighttransf_agrees_with_the_authors_modules(padding, chunk_elements, monkeypatch) -> None:
    monkeypatch.setattr(cross_encoder, "_CHUNK_ELEMENTS", chunk_elements)
    _, frames = authors_inputs()
    frames["frame_embeds"][~frames["frame_mask"]] += padding
    model = on_small_encoder(tight.Model)
    model.cross = authors_cross_encoder()
    with torch.no_grad():
        similarity = model.similarity(tensor("text_embeds"), model.video_features(frames))
    torch.testing.assert_close(similarity, tensor("similarity_tighttransf"), atol=1e-5, rtol=0)


def test_the_cross_encoder_starts_as_the_text_tower() -> None:
    encoder = small_encoder()
    cross = CrossEncoder.from_text_tower(encoder, layers=2)
    assert torch.equal(cross.frame_position_embeddings, encoder.clip.positional_embedding)
    for own, source in zip(
        cross.transformer.resblocks, encoder.clip.transformer.resblocks, strict=True
    ):
        for key, value in source.state_dict().items():
            assert torch.equal(own.state_dict()[key], value), key
    norms = [module for module in cross.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert {norm.eps for norm in norms} == {1e-12}


def test_the_text_takes_one_position_of_the_cross_encoder() -> None:
    cross = CrossEncoder(16, 1, 2, 4, quick_gelu=False)
    with pytest.raises(ConfigError, match="max_frames"):
        cross(torch.zeros(1, 5, 16), torch.ones(1, 5, dtype=torch.bool))


def test_chunks_with_recomputation_give_the_same_gradients(monkeypatch) -> None:
    gradients = []
    for elements in (2**24, 1000):
        monkeypatch.setattr(cross_encoder, "_CHUNK_ELEMENTS", elements)
        model = on_small_encoder(tight.Model).eval()
        model.training_loss(*batch(model))["loss"].backward()
        gradients.append({name: value.grad for name, value in model.cross.named_parameters()})
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, atol=1e-6, rtol=1e-4)


def test_the_logit_scale_stays_in_the_weights_of_tighttransf_but_is_not_trained() -> None:
    model = on_small_encoder(tight.Model)
    assert "encoder.clip.logit_scale" in model.state_dict()
    assert "encoder.clip.logit_scale" not in dict(model.named_parameters())
    model.clamp_logit_scale(1.0)
    assert model.encoder.logit_scale == 1


def test_a_few_steps_of_the_lstm_lower_the_loss() -> None:
    model = on_small_encoder(seqlstm.Model).train()
    tokens, frames = batch(model)
    losses = trained(model, lambda: model.training_loss(tokens, frames)["loss"], steps=12)
    assert losses[-1] < losses[0] - 0.1


def test_a_few_steps_of_the_cross_encoder_lower_the_loss() -> None:
    model = on_small_encoder(tight.Model, cross_layers=2).train()
    generator = torch.Generator().manual_seed(0)
    texts = torch.randn(6, 32, generator=generator)
    frame_embeds = texts[:, None] + 0.5 * torch.randn(6, 4, 32, generator=generator)
    frames = {"frame_embeds": frame_embeds, "frame_mask": torch.ones(6, 4, dtype=torch.bool)}
    losses = trained(model, lambda: model.contrastive_loss(texts, frames), steps=25)
    assert losses[-1] < losses[0] - 0.5


def trained(model, loss_now, steps):
    """Train the head alone; every parameter of it must have a gradient."""
    head = [value for name, value in model.named_parameters() if not name.startswith("encoder.")]
    optimiser = torch.optim.Adam(head, lr=3e-3)
    losses = []
    for _ in range(steps):
        loss = loss_now()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        assert all(value.grad is not None for value in head)
    return losses


@pytest.mark.parametrize("module", [seqlstm, tight])
def test_the_loss_is_finite_under_autocast(module) -> None:
    model = on_small_encoder(module.Model).train()
    tokens, frames = batch(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.training_loss(tokens, frames)["loss"]
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
