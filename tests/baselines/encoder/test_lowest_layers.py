"""What both towers of a CLIP begin with, told by the real architectures' own parameter names."""

from typing import Any

import pytest
import torch
from torch import nn

from baselines.encoder.lowest_layers import lowest_clip_names
from baselines.weights.backbone_spec import architecture_config
from dvtr_bench.errors import ConfigError


def clip_without_weights(architecture: str) -> nn.Module:
    """open_clip's own architecture, on the meta device: names and shapes alone."""
    from open_clip.model import CLIP

    config: dict[str, Any] = architecture_config(architecture)
    with torch.device("meta"):
        return CLIP(
            config["embed_dim"],
            vision_cfg=dict(config["vision_cfg"]),
            text_cfg=dict(config["text_cfg"]),
        )


@pytest.fixture(scope="module")
def vit_b_32() -> nn.Module:
    return clip_without_weights("ViT-B-32")


def frozen_by_the_release(clip: nn.Module, freeze_layer_num: int) -> set[str]:
    """What ``freeze_layer_num`` leaves without a gradient, told by what it lets through."""
    always = ("ln_final.", "text_projection", "logit_scale", "visual.ln_post.", "visual.proj")
    frozen = set()
    for name, _ in clip.named_parameters():
        kept = name.startswith(always)
        for tower in ("transformer.resblocks.", "visual.transformer.resblocks."):
            if name.startswith(tower):
                kept = int(name.removeprefix(tower).split(".")[0]) >= freeze_layer_num
        if not kept:
            frozen.add(name)
    return frozen


def test_with_vit_b_32_the_release_freezes_27_7_of_151_3_million(vit_b_32: nn.Module) -> None:
    sizes = {name: value.numel() for name, value in vit_b_32.named_parameters()}
    frozen = sum(sizes[name] for name in lowest_clip_names(vit_b_32, "ViT-B-32", 0))
    assert frozen == 27_736_320
    assert sum(sizes.values()) == 151_277_313


@pytest.mark.parametrize("num_layers", range(13))
def test_any_number_of_layers_is_what_the_release_freezes(
    vit_b_32: nn.Module, num_layers: int
) -> None:
    found = lowest_clip_names(vit_b_32, "ViT-B-32", num_layers)
    assert found == frozen_by_the_release(vit_b_32, num_layers)


def test_towers_of_unlike_depth_are_counted_each_by_itself() -> None:
    clip = clip_without_weights("ViT-L-14")
    assert lowest_clip_names(clip, "ViT-L-14", 12) == frozen_by_the_release(clip, 12)
    with pytest.raises(ConfigError, match="frozen_layers is 13.* text tower .* has 12"):
        lowest_clip_names(clip, "ViT-L-14", 13)


def test_a_resnet_is_trained_whole_and_has_no_layers_to_count() -> None:
    clip = clip_without_weights("RN50")
    assert lowest_clip_names(clip, "RN50", 0) == {"token_embedding.weight", "positional_embedding"}
    with pytest.raises(ConfigError, match="frozen_layers is 1, but the image tower of RN50 has no"):
        lowest_clip_names(clip, "RN50", 1)
