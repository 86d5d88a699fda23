import pytest
import torch

from dvtr_bench.errors import ConfigError
from tests.fixtures.small_clip import small_encoder


def test_long_texts_keep_their_end_token_last() -> None:
    encoder = small_encoder()
    tokens = encoder.tokenize(["car " * 60, "a car"], 32)
    assert tokens.shape == (2, 32)
    end = int(tokens.max())
    assert tokens[0, -1] == end
    assert (tokens[0] == end).sum() == 1
    assert tokens[1].argmax() == 3


def test_text_embeddings_are_those_of_open_clip() -> None:
    encoder = small_encoder()
    captions = ["a red car", "two boats leave the pier and turn left", "smoke"]
    with torch.no_grad():
        embeds, words, mask = encoder.encode_text(encoder.tokenize(captions, 32))
        expected = encoder.clip.encode_text(encoder.tokenize(captions, 77))
    torch.testing.assert_close(embeds, expected, atol=1e-5, rtol=1e-5)
    assert mask.sum(dim=1).tolist() == [5, 10, 3]
    ends = mask.sum(dim=1) - 1
    assert torch.equal(words[torch.arange(3), ends], embeds)


def test_a_text_does_not_depend_on_its_batch() -> None:
    encoder = small_encoder()
    captions = ["a red car", "two boats leave the pier and turn left at the far end of it"]
    with torch.no_grad():
        together = encoder.encode_text(encoder.tokenize(captions, 32))[0]
        alone = encoder.encode_text(encoder.tokenize(captions[:1], 32))[0]
    torch.testing.assert_close(together[:1], alone, atol=1e-6, rtol=1e-5)


def test_patch_tokens_are_projected_as_the_class_token_is() -> None:
    encoder = small_encoder().eval()
    pixels = torch.randint(0, 256, (2, 3, 32, 32)).to(torch.uint8)
    with torch.no_grad():
        frames, patches = encoder.encode_patches(pixels)
        visual = encoder.clip.visual
        hidden = visual.transformer(visual._embeds(encoder._normalise(pixels)))
        expected = visual.ln_post(hidden) @ visual.proj
        torch.testing.assert_close(frames, encoder.encode_frames(pixels))
    assert patches.shape == (2, 4, 32)
    torch.testing.assert_close(torch.cat([frames[:, None], patches], dim=1), expected)


def test_a_backbone_without_patches_says_so() -> None:
    encoder = small_encoder()
    encoder.clip.visual = torch.nn.Flatten()
    with pytest.raises(ConfigError, match="no patch tokens"):
        encoder.encode_patches(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
