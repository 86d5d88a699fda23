"""One contract for every source of models: what its file states, and what its models do."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dvtr_bench.catalog import ADAPTERS
from dvtr_bench.errors import ConfigError
from dvtr_bench.models.embedding_model import EmbeddingModel
from dvtr_bench.models.entry import model_entry, source_entry
from dvtr_bench.models.listing import list_sources
from dvtr_bench.models.retriever import (
    Described,
    LateEncoder,
    Retriever,
    StagedRetriever,
    VectorRetriever,
)
from dvtr_bench.models.source_model import SourceConfig, SourceModel
from dvtr_bench.settings import settings_of
from tests.fixtures.published_models import videos
from tests.fixtures.small_adapters import SMALL

NAMES = ADAPTERS.names()
VECTORS = [name for name in SMALL if name != "cross_encoder"]
CAPTIONS = ["a red car", "two boats over the river near the houses", "a drone looks down"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each source's small model is called."""
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in SMALL.items()}


def test_every_source_has_a_small_model_to_be_tested_with() -> None:
    assert set(SMALL) == set(NAMES), "add the missing one to tests/fixtures/small_adapters.py"


@pytest.mark.parametrize("name", NAMES)
def test_the_listing_reads_what_the_file_says(name: str) -> None:
    module = ADAPTERS.load(name)
    (listed,) = (source for source in list_sources() if source.name == name)
    assert listed.problem == ""
    assert listed.summary == (module.__doc__ or "").splitlines()[0]
    assert listed.summary.endswith(".")
    assert (listed.scoring, listed.examples) == (module.SCORING, module.EXAMPLES)
    assert listed.needs == getattr(module, "NEEDS", ())
    assert listed.extra == getattr(module, "EXTRA", "")
    assert bool(listed.needs) == bool(listed.extra)
    assert all(example.startswith(f"{name}:") for example in listed.examples)


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_described_and_checked(name: str) -> None:
    entry = source_entry(name, "NAME")
    assert issubclass(entry.config_class, SourceConfig)
    assert dataclasses.fields(entry.config_class)
    assert all(setting.meaning.endswith(".") for setting in settings_of(entry.config_class))
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.config({}).max_frames = 3
    with pytest.raises(ConfigError, match="max_frames must be at least 1"):
        entry.config({"max_frames": 0})


@pytest.mark.parametrize("name", SMALL)
def test_its_model_is_one_that_the_harness_takes(name: str, made: dict[str, Any]) -> None:
    model: Any = model_entry(made[name]).build({})
    assert isinstance(model, SourceModel)
    by_vectors = isinstance(model, EmbeddingModel)
    for protocol in (Retriever, Described):
        assert isinstance(model, protocol)
    for protocol in (StagedRetriever, VectorRetriever):
        assert isinstance(model, protocol) == by_vectors
    assert isinstance(model, LateEncoder) != by_vectors
    told = json.loads(json.dumps(model.describe()))
    assert told["model"] == model.name
    assert told["model"].startswith(f"{name}:")
    assert told["config"]["dtype"] == "float32"
    assert "frames_to_video" in told["config"]
    assert not by_vectors or json.dumps(model.feature_key("texts"))


def scores(model: Any, captions: list[str], clips: list[Any]) -> torch.Tensor:
    found: torch.Tensor = model.score(model.encode_texts(captions), model.encode_videos(clips))
    return found


@pytest.mark.parametrize("name", SMALL)
def test_its_scores_are_of_the_pair_alone(name: str, made: dict[str, Any]) -> None:
    model: Any = model_entry(made[name]).build({"max_frames": 2})
    clips = videos([2, 2, 2, 2])
    found = scores(model, CAPTIONS, clips)
    assert (found.dtype, tuple(found.shape)) == (torch.float32, (3, 4))
    assert not found.requires_grad
    other = copy.deepcopy(model)
    for text, caption in enumerate(CAPTIONS):
        again = scores(other, [caption], clips[::-1])[0].flip(0)
        torch.testing.assert_close(again, found[text], atol=1e-5, rtol=0)
    alone = torch.cat([scores(other, CAPTIONS[::-1], [clip]) for clip in clips], dim=1).flip(0)
    torch.testing.assert_close(alone, found, atol=1e-5, rtol=0)
    assert (found[0] - found[1]).abs().max() > 1e-4
    assert (found[:, 0] - found[:, 1]).abs().max() > 1e-4


@pytest.mark.parametrize("name", VECTORS)
def test_its_vectors_are_of_the_item_alone(name: str, made: dict[str, Any]) -> None:
    model: Any = model_entry(made[name]).build({"max_frames": 2})
    clips = videos([2, 2, 2, 2])
    texts, seen = model.encode_texts(CAPTIONS)["vector"], model.encode_videos(clips)["vector"]
    assert (texts.dtype, seen.dtype) == (torch.float32, torch.float32)
    assert not texts.requires_grad
    assert not seen.requires_grad
    for vectors in (texts, seen):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(len(vectors)))
    other = copy.deepcopy(model)
    torch.testing.assert_close(
        other.encode_texts(CAPTIONS[::-1])["vector"], texts.flip(0), atol=1e-6, rtol=0
    )
    for row, clip in enumerate(clips):
        alone = other.encode_videos([clip])["vector"][0]
        torch.testing.assert_close(alone, seen[row], atol=1e-6, rtol=0)
    assert (texts[0] - texts[1]).abs().max() > 1e-3
    assert (seen[0] - seen[1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", SMALL)
def test_it_sees_colours_and_chosen_frames(name: str, made: dict[str, Any]) -> None:
    model: Any = model_entry(made[name]).build({"max_frames": 2})
    (clip,) = videos([5])
    seen = scores(model, CAPTIONS, [clip])
    swapped = [np.ascontiguousarray(frame[..., ::-1]) for frame in clip]
    assert torch.equal(scores(model, CAPTIONS, [[clip[0], clip[4]]]), seen)
    assert (scores(model, CAPTIONS, [swapped]) - seen).abs().max() > 1e-4


@pytest.mark.parametrize("name", SMALL)
def test_no_path_of_this_machine_is_in_what_it_says(
    name: str, made: dict[str, Any], tmp_path: Path
) -> None:
    model: Any = model_entry(made[name]).build({})
    key = dict(model.feature_key("videos")) if isinstance(model, EmbeddingModel) else {}
    told = json.dumps([model.name, model.describe(), key])
    assert made[name].partition(":")[2] not in told
    assert str(tmp_path.parent) not in told
