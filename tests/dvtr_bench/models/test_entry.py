"""What a model's file must offer, and what is said where it does not."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.evaluation.facts import described
from dvtr_bench.models.entry import ModelEntry, model_entry, on_device
from dvtr_bench.models.retriever import Retriever
from dvtr_bench.models.trainable import Trainable
from dvtr_bench.runtime.packages import Entry


@dataclass(frozen=True)
class Config:
    """Settings."""

    power: float = 1.0

    def __post_init__(self) -> None:
        """Check the power."""
        if self.power <= 0:
            raise ConfigError("power must be above 0")


class Plain:
    """As little as a model can have."""

    name, scoring = "plain", "pairwise"

    def __init__(self, *config: Any) -> None:
        self.config = config[0] if config else None
        self.start = torch.rand(1).item()

    def encode_texts(self, captions: Any) -> Any:
        return {"x": torch.zeros(len(captions))}

    def encode_videos(self, videos: Any) -> Any:
        return {"x": torch.zeros(len(videos))}

    def score(self, texts: Any, videos: Any) -> Any:
        return torch.zeros(len(texts["x"]), len(videos["x"]))


def entry(**content: Any) -> ModelEntry:
    module = ModuleType("baselines.models.plain")
    for name, value in {"SCORING": "pairwise", "Model": Plain, **content}.items():
        setattr(module, name, value)
    return ModelEntry(Entry("plain", "baselines.models.plain"), module)


def test_a_model_without_settings_is_built_without_arguments() -> None:
    plain = entry()
    model = plain.build({})
    assert isinstance(model, Retriever)
    assert described(model) == {}
    assert not plain.trainable
    assert plain.scoring_only == frozenset()
    assert not plain.takes("backbone")
    with pytest.raises(ConfigError, match="no such setting: backbone; plain has none"):
        plain.build({"backbone": "tiny"})


def test_settings_are_those_of_its_config() -> None:
    plain = entry(Config=Config, TRAINABLE=True, SCORING_ONLY={"power"})
    model = plain.build({"power": 2.0})
    assert described(model) == {"config": {"power": 2.0}}
    assert plain.trainable
    assert plain.scoring_only == {"power"}
    with pytest.raises(ConfigError, match="no such setting: layers; there are power"):
        plain.config({"layers": 3})
    with pytest.raises(ConfigError, match="power must be above 0"):
        plain.build({"power": 0.0})


def test_weights_that_start_at_random_follow_the_seed_alone() -> None:
    plain: Any = entry()
    before = torch.random.get_rng_state()
    starts = [plain.build({}, seed=seed).start for seed in (1, 1, 2)]
    assert starts[0] == starts[1] != starts[2]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_a_model_lacks_is_named_with_its_file() -> None:
    class Half:
        name, scoring = "plain", "pairwise"

        def score(self, texts: Any, videos: Any) -> Any:
            return np.zeros(1)

    with pytest.raises(
        ExtensionError,
        match="baselines/models/plain.py: Model lacks encode_texts, encode_videos: "
        "dvtr_bench.models.retriever.Retriever says",
    ):
        entry(Model=Half).build({})
    with pytest.raises(ExtensionError, match=r"lacks feature_key, .*, head_loss, .*Trainable says"):
        entry().require_members(Plain(), Trainable)


def test_a_model_is_called_by_its_key() -> None:
    class Other(Plain):
        name = "other"

    with pytest.raises(ExtensionError, match="Model.name is 'other': .* write name = 'plain'"):
        entry(Model=Other).build({})


def test_a_device_is_for_those_that_know_of_it() -> None:
    plain = Plain()
    assert on_device(plain, "cpu") is plain
    layer: Any = torch.nn.Linear(2, 2)
    moved: Any = on_device(layer, "meta")
    assert moved.weight.device.type == "meta"
    assert not moved.training


def test_the_key_has_one_spelling() -> None:
    assert model_entry("CLIP4Clip-MeanP").key == "clip4clip_meanp"
