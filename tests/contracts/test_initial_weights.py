"""Every parameter that a model adds to CLIP starts as the code it follows starts it.

What is not drawn from N(0, 0.02) is listed below with its reason and a check of its own: a new
module that is neither makes the test fail.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from baselines.encoder import frame_encoder
from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.initial_weights import draw_weights
from baselines.heads.video_text_model import VideoTextModel
from dvtr_bench.catalog import MODELS
from dvtr_bench.models.listing import list_models

WIDTH, TEXT_LAYERS, LAYERS = 64, 2, 3
CONFIG = {
    "embed_dim": WIDTH,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 16,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": WIDTH,
        "heads": 2,
        "layers": TEXT_LAYERS,
    },
}

CASES: list[tuple[str, dict[str, Any]]] = [
    *((listed.name, {}) for listed in list_models() if listed.trainable),
    ("msam", {"regions": "learned"}),
]


def equals_the_text_tower(model: VideoTextModel, name: str, value: Tensor) -> bool:
    tower = model.encoder.clip.state_dict()
    if name.endswith("frame_position_embeddings"):
        return torch.equal(value, tower["positional_embedding"])
    return torch.equal(value, tower[name.partition(".")[2]])


def is_uniform_within(bound: float) -> Callable[[VideoTextModel, str, Tensor], bool]:
    def check(model: VideoTextModel, name: str, value: Tensor) -> bool:
        spread = value.std().item() * math.sqrt(3) / bound
        return value.abs().max().item() <= bound and 0.8 < spread < 1.2

    return check


def is_the_identity(model: VideoTextModel, name: str, value: Tensor) -> bool:
    return torch.equal(value, torch.eye(len(value)))


def is_orthogonal(model: VideoTextModel, name: str, value: Tensor) -> bool:
    return torch.allclose(value @ value.T, torch.eye(len(value)), atol=1e-5)


def is_standard_normal(model: VideoTextModel, name: str, value: Tensor) -> bool:
    return 0.8 < value.std().item() < 1.2


EXCEPTIONS: Mapping[str, tuple[str, Callable[[VideoTextModel, str, Tensor], bool]]] = {
    r"(temporal|cross)\.frame_position_embeddings": (
        "CLIP4Clip from_pretrained copies CLIP's positional embedding over the drawn one",
        equals_the_text_tower,
    ),
    rf"(temporal|cross)\.transformer\.resblocks\.[0-{TEXT_LAYERS - 1}]\..*": (
        "CLIP4Clip from_pretrained copies the layers that CLIP's text transformer has",
        equals_the_text_tower,
    ),
    r"(temporal|cross)\.transformer\.resblocks\.\d+\.attn\.in_proj_weight": (
        "a parameter of torch's attention, not a linear layer: init_weights passes it by, and it "
        "keeps torch's xavier uniform",
        is_uniform_within(math.sqrt(6 / (4 * WIDTH))),
    ),
    r"lstm\..*": (
        "init_weights passes an LSTM by: torch's own start",
        is_uniform_within(1 / math.sqrt(WIDTH)),
    ),
    r"pooling\.(cross_attn\.[qkv]_proj|cross_attn\.out_proj|linear_proj)\.weight": (
        "X-Pool _init_parameters: the identity",
        is_the_identity,
    ),
    r"grains\..*": ("X-CLIP's mixing matrices: torch.eye", is_the_identity),
    r"regions\.key\.weight": ("our own slots, not of the release", is_orthogonal),
    r"regions\.queries": ("our own slots, not of the release", is_standard_normal),
}


@pytest.fixture(autouse=True)
def _config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_encoder, "TINY_CONFIG", CONFIG)


def backbone() -> FrameEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        return FrameEncoder("tiny", quick_gelu=True)


def build(name: str, settings: Mapping[str, Any], seed: int, encoder: FrameEncoder) -> Any:
    module = MODELS.load(name)
    layers = {
        field: LAYERS
        for field in ("temporal_layers", "cross_layers")
        if field in module.Config.__dataclass_fields__
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return module.Model(module.Config(backbone="tiny", **layers, **settings), encoder)


def new_parameters(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: value.detach()
        for name, value in model.named_parameters()
        if not name.startswith("encoder.")
    }


def rule_of(model: nn.Module, name: str) -> str:
    """What a parameter's module says of its start."""
    module = model.get_submodule(name.rpartition(".")[0])
    kind = name.rpartition(".")[2]
    if isinstance(module, nn.LayerNorm):
        return "one" if kind == "weight" else "zero"
    if isinstance(module, nn.Linear | nn.Embedding) and kind == "weight":
        return "drawn"
    return "zero" if "bias" in kind else "unknown"


def is_drawn(value: Tensor) -> bool:
    """Mean and deviation of N(0, 0.02), within five of their standard errors."""
    count = value.numel()
    mean, deviation = value.mean().item(), value.square().mean().sqrt().item()
    near = abs(deviation - 0.02) < 5 * 0.02 / math.sqrt(2 * count)
    return near and abs(mean) < 5 * 0.02 / math.sqrt(count)


def as_it_should_be(model: VideoTextModel, name: str, value: Tensor) -> bool:
    for pattern, (_, check) in EXCEPTIONS.items():
        if re.fullmatch(pattern, name):
            return check(model, name, value)
    rule = rule_of(model, name)
    if rule == "drawn":
        return is_drawn(value)
    if rule == "unknown":
        return False
    return torch.equal(value, torch.full_like(value, 1.0 if rule == "one" else 0.0))


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_every_new_parameter_starts_as_its_source_starts_it(
    name: str, settings: dict[str, Any]
) -> None:
    model = build(name, settings, 0, backbone())
    wrong = [
        parameter
        for parameter, value in new_parameters(model).items()
        if not as_it_should_be(model, parameter, value)
    ]
    assert wrong == []


def test_all_drawn_weights_together_have_the_deviation_of_the_release() -> None:
    drawn = []
    for name, settings in CASES:
        model = build(name, settings, 0, backbone())
        drawn += [
            value.flatten()
            for parameter, value in new_parameters(model).items()
            if not any(re.fullmatch(pattern, parameter) for pattern in EXCEPTIONS)
            and rule_of(model, parameter) == "drawn"
        ]
    together = torch.cat(drawn)
    assert together.numel() > 200_000
    assert together.std().item() == pytest.approx(0.02, rel=0.01)
    assert together.mean().item() == pytest.approx(0, abs=2e-4)
    # Of a normal distribution 4.55 % lies beyond two deviations, of a uniform one nothing.
    assert (together.abs() > 0.04).float().mean().item() == pytest.approx(0.0455, abs=0.005)


def test_no_exception_is_left_over() -> None:
    names = [
        parameter
        for name, settings in CASES
        for parameter in new_parameters(build(name, settings, 0, backbone()))
    ]
    unused = [
        pattern
        for pattern in EXCEPTIONS
        if not any(re.fullmatch(pattern, parameter) for parameter in names)
    ]
    assert unused == []


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_seed_gives_the_same_weights_and_the_backbone_keeps_its_own(
    name: str, settings: dict[str, Any]
) -> None:
    encoder = backbone()
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    first, again, other = (
        new_parameters(build(name, settings, seed, backbone())) for seed in (1, 1, 2)
    )
    build(name, settings, 1, encoder)
    after = {**encoder.state_dict(), "clip.logit_scale": encoder.logit_scale}
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert all(torch.equal(first[key], value) for key, value in again.items())
    starts_alike = {"clip4clip_meanp", "xpool"}
    assert all(torch.equal(first[key], value) for key, value in other.items()) == (
        name in starts_alike
    )


def test_the_draw_overwrites_what_was_there_and_nothing_else() -> None:
    module = nn.Sequential(nn.Linear(64, 64), nn.Embedding(64, 64), nn.LayerNorm(64))
    attention, lstm = nn.MultiheadAttention(64, 4), nn.LSTM(64, 64)
    for parameter in [*module.parameters(), *attention.parameters(), *lstm.parameters()]:
        nn.init.constant_(parameter, 7.0)
    for part in (module, attention, lstm):
        draw_weights(part)
    assert is_drawn(module[0].weight.detach())
    assert is_drawn(module[1].weight.detach())
    assert is_drawn(attention.out_proj.weight.detach())
    assert not any(value.any() for value in (module[0].bias, module[2].bias))
    assert not attention.out_proj.bias.any()
    assert torch.equal(module[2].weight, torch.ones(64))
    untouched = [attention.in_proj_weight, attention.in_proj_bias, *lstm.parameters()]
    assert all((parameter == 7).all() for parameter in untouched)
