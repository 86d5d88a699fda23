"""``--backbone ViT-B-32/PATH``: the forms that CLIPs are published in, and their activation."""

import json
import logging

import open_clip
import pytest
import torch
from typer.testing import CliRunner

from baselines.encoder.loading import load_encoder
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.checkpoint import save_checkpoint
from tests.baselines.weights.test_weights import (
    FORMATS,
    embeddings,
    write_safetensors,
    write_torchscript,
)
from tests.fixtures.authors_checkpoints import huggingface_clip
from tests.fixtures.small_clip import SMALL_CONFIG, small_encoder
from tests.fixtures.tiny_dataset import build_tiny, small_model
from tests.oracles.authors_scores import openai_of_huggingface, under
from tests.oracles.openai_clip import SMALL, encode_text, random_tensors

TOLD = "does not say which activation"


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    """ViT-B-32 is a small CLIP here; its twin with QuickGELU is the same but for that."""
    configs = {
        "ViT-B-32": SMALL_CONFIG,
        "ViT-B-32-quickgelu": {**SMALL_CONFIG, "quick_gelu": True},
    }
    real = open_clip.get_model_config
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: configs.get(name) or real(name))


def loaded(name, caplog):
    """The encoder of a backbone's name, and what was told while it was loaded."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        encoder = load_encoder(name)
    return encoder, caplog.text


@pytest.mark.parametrize(("file", "write"), FORMATS)
@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-32-quickgelu"])
def test_every_form_loads_and_its_activation_is_known_or_told(
    file, write, name, tmp_path, caplog
) -> None:
    knows = write is write_torchscript
    expected = knows or name.endswith("quickgelu")
    original = small_encoder(seed=3, quick_gelu=expected)
    write(tmp_path / file, original.clip.state_dict())
    encoder, told = loaded(f"{name}/{tmp_path / file}", caplog)
    assert encoder.quick_gelu is expected
    for found, wanted in zip(embeddings(encoder), embeddings(original), strict=True):
        assert torch.equal(found, wanted)
    assert (TOLD in told) is not expected
    if TOLD in told:
        assert f"--backbone ViT-B-32-quickgelu/{tmp_path / file}" in told


def test_the_numbers_of_openais_archive_mean_quick_gelu(tmp_path, caplog) -> None:
    tensors = dict(small_encoder().clip.state_dict())
    tensors["input_resolution"] = torch.tensor(32)
    torch.save(tensors, tmp_path / "plain.pt")
    encoder, told = loaded(f"ViT-B-32/{tmp_path / 'plain.pt'}", caplog)
    assert encoder.quick_gelu
    assert not told


@pytest.mark.parametrize("quick", [True, False])
def test_a_checkpoint_of_ours_says_its_activation(quick, tmp_path, caplog) -> None:
    model = small_model()
    model.encoder = small_encoder(quick_gelu=quick)
    save_checkpoint(tmp_path / "ours", model, {})
    encoder, told = loaded(f"ViT-B-32/{tmp_path / 'ours'}", caplog)
    assert encoder.quick_gelu is quick
    assert not told
    if not quick:
        with pytest.raises(ConfigError, match="was trained with GELU.*write ViT-B-32/"):
            load_encoder(f"ViT-B-32-quickgelu/{tmp_path / 'ours'}")


def test_a_clip_of_hugging_faces_transformers_loads(tmp_path) -> None:
    tensors = under(random_tensors(huggingface_clip()), "clip.")
    write_safetensors(tmp_path / "model.safetensors", tensors)
    encoder = load_encoder(f"ViT-B-32-quickgelu/{tmp_path / 'model.safetensors'}")
    tokens = encoder.tokenize(["a boat near a pier"], 32)
    with torch.no_grad():
        found = encoder.encode_text(tokens)[0]
    expected, _ = encode_text(openai_of_huggingface(tensors), SMALL, tokens)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_evaluate_takes_a_backbone_by_path(tmp_path, monkeypatch) -> None:
    build_tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    torch.save(small_encoder(seed=4).clip.state_dict(), "RemoteCLIP-ViT-B-32.pt")
    backbone = "ViT-B-32-quickgelu/RemoteCLIP-ViT-B-32.pt"
    words = ["--model", "clip_zeroshot", "--dataset", "tiny", "--device", "cpu", "--no-cache"]
    result = CliRunner().invoke(
        make_app(), ["evaluate", *words, "--backbone", backbone], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    (path,) = (path for path in (tmp_path / "results").rglob("*.json") if "top" not in path.name)
    assert json.loads(path.read_text())["model"]["backbone"] == backbone
