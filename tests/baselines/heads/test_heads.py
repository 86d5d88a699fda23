from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.heads.model_config import VideoTextConfig
from baselines.heads.temporal_encoder import TemporalEncoder
from baselines.heads.video_text_model import MeanPoolingModel
from baselines.models.clip4clip_seqtransf import Config as SeqTransfConfig
from baselines.models.clip4clip_seqtransf import Model as SeqTransf
from dvtr_bench.errors import ConfigError
from tests.fixtures.small_clip import small_encoder

VECTORS = np.load(Path(__file__).parents[2] / "fixtures" / "clip4clip_heads.npz")
LOGIT_SCALE = float(VECTORS["logit_scale"])


def tensor(name):
    return torch.from_numpy(VECTORS[name])


def authors_inputs():
    texts = functional.normalize(tensor("text_embeds"), dim=-1)
    return texts, {"frame_embeds": tensor("frame_embeds"), "frame_mask": tensor("frame_mask")}


def authors_temporal_encoder():
    temporal = TemporalEncoder(16, 2, int(VECTORS["num_heads"]), 77, quick_gelu=True)
    prefix = "seqtransf."
    state = {
        key.removeprefix(prefix): tensor(key) for key in VECTORS.files if key.startswith(prefix)
    }
    temporal.load_state_dict(
        {
            key if key == "frame_position_embeddings" else f"transformer.{key}": value
            for key, value in state.items()
        }
    )
    return temporal


@pytest.mark.parametrize("padding", [0.0, 1e4])
def test_mean_pooling_agrees_with_the_authors_modules(padding) -> None:
    texts, frames = authors_inputs()
    frames["frame_embeds"][~frames["frame_mask"]] += padding
    model = MeanPoolingModel(VideoTextConfig(backbone="tiny"), small_encoder())
    similarity = model.similarity(texts, model.video_features(frames))
    expected = tensor("similarity_meanp") / LOGIT_SCALE
    torch.testing.assert_close(similarity, expected.float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", [0.0, 1e2])
def test_seqtransf_agrees_with_the_authors_modules(padding) -> None:
    texts, frames = authors_inputs()
    frames["frame_embeds"][~frames["frame_mask"]] += padding
    model = SeqTransf(SeqTransfConfig(backbone="tiny", temporal_layers=2), small_encoder())
    model.temporal = authors_temporal_encoder()
    with torch.no_grad():
        similarity = model.similarity(texts, model.video_features(frames))
    expected = tensor("similarity_seqtransf") / LOGIT_SCALE
    torch.testing.assert_close(similarity, expected.float(), atol=1e-5, rtol=0)


def test_the_temporal_encoder_starts_as_the_text_tower() -> None:
    encoder = small_encoder()
    temporal = TemporalEncoder.from_text_tower(encoder, layers=3)
    assert torch.equal(temporal.frame_position_embeddings, encoder.clip.positional_embedding)
    for number, block in enumerate(encoder.clip.transformer.resblocks):
        own = temporal.transformer.resblocks[number].state_dict()
        for key, value in block.state_dict().items():
            assert torch.equal(own[key], value), key
    assert len(temporal.transformer.resblocks) == 3
    assert (
        temporal.transformer.resblocks[0].attn.num_heads
        == encoder.clip.transformer.resblocks[0].attn.num_heads
    )


def test_the_copy_is_a_copy() -> None:
    encoder = small_encoder()
    temporal = TemporalEncoder.from_text_tower(encoder, layers=1)
    before = encoder.clip.positional_embedding.clone()
    with torch.no_grad():
        temporal.frame_position_embeddings.add_(1)
    assert torch.equal(encoder.clip.positional_embedding, before)


def test_more_frames_than_positions_are_refused() -> None:
    temporal = TemporalEncoder(16, 1, 2, 4, quick_gelu=False)
    with pytest.raises(ConfigError, match="max_frames"):
        temporal(torch.zeros(1, 5, 16), torch.ones(1, 5, dtype=torch.bool))


def test_norms_of_the_temporal_encoder_have_the_authors_epsilon() -> None:
    """In rows this small the epsilon counts: the authors' own layer norm, by its definition."""
    temporal = authors_temporal_encoder()
    norm = temporal.transformer.resblocks[0].ln_1
    row = 1e-5 * torch.arange(16.0)[None]
    centred = row - row.mean()
    expected = centred / (centred.square().mean() + 1e-12).sqrt() * norm.weight + norm.bias
    torch.testing.assert_close(norm(row), expected)
    assert {
        module.eps for module in temporal.modules() if isinstance(module, torch.nn.LayerNorm)
    } == {1e-12}


def test_a_model_says_what_it_reads_of_a_caption_and_where_it_cuts() -> None:
    model = MeanPoolingModel(VideoTextConfig(backbone="tiny-scratch", max_words=6), small_encoder())
    captions = ["a car", "a red car turns", "a red car turns left", "a red car turns right"]
    read, is_cut = model.tokens_read(captions)
    assert read.dtype == np.int64
    assert read.shape == (4, 6)
    # With start and end six tokens hold four words.
    assert is_cut.tolist() == [False, False, True, True]
    assert np.array_equal(read[2], read[3])
    embeds = model.encode_texts(captions)["text_embeds"]
    assert torch.equal(embeds[2], embeds[3])
    assert not torch.equal(embeds[0], embeds[1])
