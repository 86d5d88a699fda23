import pytest
import torch
from open_clip.transformer import LayerNorm, QuickGELU, Transformer, VisionTransformer
from torch import nn

from baselines.encoder.residual_blocks import encode_images, run_blocks

WIDTH, HEADS = 24, 3


def blocks(activation=QuickGELU, **settings) -> Transformer:
    torch.manual_seed(0)
    return Transformer(WIDTH, 3, HEADS, act_layer=activation, norm_layer=LayerNorm, **settings)


def gradients(out, module, hidden):
    """Of a weighted sum, so that no gradient is the same for all tokens."""
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    leaves = [hidden, *module.parameters()]
    return torch.autograd.grad((out * weights).sum(), leaves, allow_unused=True)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("activation", [QuickGELU, nn.GELU])
@pytest.mark.parametrize("causal", [False, True])
def test_blocks_give_what_open_clip_gives_and_its_gradients(
    activation, causal, checkpointing
) -> None:
    transformer = blocks(activation)
    hidden = torch.randn(5, 7, WIDTH, requires_grad=True)
    mask = torch.full((7, 7), -torch.inf).triu_(1) if causal else None
    expected = transformer(hidden, attn_mask=mask)
    transformer.grad_checkpointing = checkpointing
    found = run_blocks(transformer, hidden, mask)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for one, other in zip(
        gradients(found, transformer, hidden), gradients(expected, transformer, hidden), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_the_first_token_alone_is_as_among_all(masked) -> None:
    transformer = blocks()
    hidden = torch.randn(5, 7, WIDTH, requires_grad=True)
    mask, for_open_clip = None, None
    if masked:
        there = torch.arange(7) < torch.tensor([[1], [2], [7], [4], [6]])
        mask = torch.where(there, 0.0, -1e6)[:, None, None, :].expand(-1, 1, 7, -1)
        for_open_clip = mask.expand(-1, HEADS, -1, -1).flatten(0, 1)
    expected = transformer(hidden, attn_mask=for_open_clip)[:, :1]
    found = run_blocks(transformer, hidden, mask, first_alone=True)
    assert found.shape == (5, 1, WIDTH)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for one, other in zip(
        gradients(found, transformer, hidden), gradients(expected, transformer, hidden), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_other_blocks_than_clips_run_as_they_are() -> None:
    transformer = blocks(qk_norm=True)
    hidden = torch.randn(5, 7, WIDTH)
    found = run_blocks(transformer, hidden, first_alone=True)
    assert torch.equal(found, transformer(hidden))


@pytest.mark.parametrize("settings", [{}, {"pool_type": "avg"}, {"ls_init_value": 0.3}])
def test_images_are_encoded_as_open_clip_encodes_them(settings) -> None:
    torch.manual_seed(0)
    visual = VisionTransformer(
        32, 16, WIDTH, 2, HEADS, 4.0, output_dim=10, act_layer=QuickGELU, **settings
    )
    images = torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(encode_images(visual, images), visual(images))


def test_another_image_tower_runs_as_it_is() -> None:
    images = torch.randn(3, 3, 4, 4)
    assert torch.equal(encode_images(nn.Flatten(), images), images.flatten(1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_types_of_numbers_are_kept(dtype) -> None:
    transformer = blocks().to(dtype)
    hidden = torch.randn(2, 5, WIDTH).to(dtype)
    mask = torch.full((5, 5), -torch.inf).triu_(1)
    found = run_blocks(transformer, hidden, mask)
    assert found.dtype == dtype
    tolerance = 0.05 if dtype == torch.bfloat16 else 1e-12
    expected = transformer(hidden, attn_mask=mask)
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


def test_autocast_reaches_the_matrix_products() -> None:
    transformer, hidden = blocks(), torch.randn(2, 5, WIDTH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = run_blocks(transformer, hidden)
    expected = transformer(hidden)
    assert not torch.equal(found.float(), expected)
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)
