"""The CLIP encoder path against OpenAI's architecture, written anew in tests/oracles."""

import pytest
import torch
from torch.nn import functional

from baselines.encoder.frame_encoder import CLIP_MEAN, CLIP_STD, FrameEncoder
from baselines.encoder.loading import load_encoder
from baselines.weights.backbone_spec import ClipShapes, find_architecture
from baselines.weights.weights import load_weights
from dvtr_bench.errors import WeightsError
from tests.baselines.weights.test_weights import write_torchscript
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.oracles.openai_clip import (
    SMALL,
    VIT_B_16,
    VIT_B_32,
    VIT_L_14,
    clip_shapes,
    encode_image,
    encode_text,
    random_tensors,
)

CAPTIONS = [
    "a red car",
    "two boats leave the pier and turn left at its far end",
    "smoke",
    "car " * 60,
]


def both(encoder, tensors, sizes, num_frames=3, **oracle):
    """Everything the encoder gives, ours and the oracle's, by name, every vector of unit length."""
    generator = torch.Generator().manual_seed(0)
    side = sizes.image_size
    pixels = torch.randint(0, 256, (num_frames, 3, side, side), generator=generator)
    pixels = pixels.to(torch.uint8)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    tokens = encoder.tokenize(CAPTIONS, 32)
    with torch.no_grad():
        ours = dict(zip(("frames", "patches"), encoder.encode_patches(pixels), strict=True))
        torch.testing.assert_close(ours["frames"], encoder.encode_frames(pixels))
        text_embeds, words, mask = encoder.encode_text(tokens)
        their_frames, their_patches = encode_image(
            tensors, sizes, (pixels / 255 - mean) / std, **oracle
        )
        their_texts, their_words = encode_text(tensors, sizes, tokens, **oracle)
    ours |= {"texts": text_embeds, "words": words[mask]}
    theirs = {
        "frames": their_frames,
        "patches": their_patches,
        "texts": their_texts,
        "words": their_words[:, : mask.shape[1]][mask],
    }
    return {
        name: (functional.normalize(ours[name], dim=-1), functional.normalize(value, dim=-1))
        for name, value in theirs.items()
    }


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


@pytest.mark.parametrize("seed", [0, 1])
def test_an_archive_gives_openais_embeddings(small, tmp_path, seed) -> None:
    tensors = random_tensors(clip_shapes(SMALL), seed)
    write_torchscript(tmp_path / "ViT.pt", tensors)
    encoder = load_encoder(f"tiny/{tmp_path / 'ViT.pt'}").eval()
    for name, (ours, theirs) in both(encoder, tensors, SMALL).items():
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0, msg=name)


def test_another_activation_is_seen_in_everything(small, tmp_path) -> None:
    tensors = random_tensors(clip_shapes(SMALL))
    write_torchscript(tmp_path / "ViT.pt", tensors)
    encoder = load_encoder(f"tiny/{tmp_path / 'ViT.pt'}").eval()
    for name, (ours, theirs) in both(encoder, tensors, SMALL, activation=functional.gelu).items():
        assert (ours - theirs).abs().max() > 1e-4, name


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [("ViT-B-32", VIT_B_32), ("ViT-B-16", VIT_B_16), ("ViT-L-14", VIT_L_14)],
)
def test_names_and_shapes_are_openais(architecture, sizes) -> None:
    with torch.device("meta"):
        clip = FrameEncoder(architecture, quick_gelu=True).clip
    found = {name: tuple(value.shape) for name, value in clip.state_dict().items()}
    assert found == clip_shapes(sizes)
    assert find_architecture(ClipShapes.of_tensors(clip.state_dict())) == architecture
    assert clip.transformer.resblocks[0].attn.num_heads == sizes.text_heads
    assert clip.visual.transformer.resblocks[0].attn.num_heads == sizes.vision_heads


def test_weights_of_another_architecture_are_named() -> None:
    with torch.device("meta"):
        clips = {
            name: FrameEncoder(name, quick_gelu=True).clip for name in ("ViT-B-32", "ViT-B-16")
        }
    with pytest.raises(
        WeightsError, match="the architecture of the weights: by their shapes, ViT-B-16"
    ):
        load_weights(clips["ViT-B-32"], clips["ViT-B-16"].state_dict(), "file.pt")


@pytest.mark.slow
def test_vit_b_32_gives_openais_embeddings(tmp_path) -> None:
    # Half precision, as OpenAI's.
    halves = {name: value.half() for name, value in random_tensors(clip_shapes(VIT_B_32)).items()}
    # What `torch.jit.load(...).state_dict()` of OpenAI's archive holds beside the weights.
    numbers = {"input_resolution": 224, "context_length": 77, "vocab_size": 49408}
    content = halves | {name: torch.tensor(value) for name, value in numbers.items()}
    torch.save(content, tmp_path / "ViT-B-32.pt")
    encoder = load_encoder(f"ViT-B-32/{tmp_path / 'ViT-B-32.pt'}").eval()
    assert encoder.quick_gelu
    assert encoder.embed_dim == 512
    tensors = {name: value.float() for name, value in halves.items()}
    for name, (ours, theirs) in both(encoder, tensors, VIT_B_32, num_frames=1).items():
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0, msg=name)
