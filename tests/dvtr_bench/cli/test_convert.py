"""From a file of CLIP4Clip's authors to a result, by commands alone."""

import json

import pytest
import torch
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, WeightsError
from tests.fixtures.authors_checkpoints import DROPPED, LAYERS, USED
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny
from tests.oracles.openai_clip import random_tensors

MODEL = "clip4clip_seqtransf"
FILE = "pytorch_model.bin.3"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a folder that holds the authors' file, and returns what it printed."""
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
    monkeypatch.setattr("baselines.weights.backbone_spec.TINY_CONFIG", SMALL_CONFIG)
    monkeypatch.chdir(tmp_path)
    torch.save(random_tensors({**USED[MODEL], **DROPPED[MODEL]}), FILE)

    def invoke(*words):
        result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_it_says_what_was_taken_and_what_was_dropped(run, tmp_path) -> None:
    told = run("convert", FILE, "--model", MODEL, "--out", "ours", "--set", "max_frames=5")
    assert f"read {FILE} as CLIP4Clip, sim_header seqTransf: {len(USED[MODEL])} tensors" in told
    assert f"dropped {len(DROPPED[MODEL])}: the cross encoder" in told
    assert f"temporal_layers {LAYERS}" in told
    assert "dvtr-bench evaluate --model clip4clip_seqtransf --checkpoint ours" in told
    config = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert config["model"]["config"]["max_frames"] == 5


def test_nothing_is_left_where_it_stops(run, tmp_path) -> None:
    with pytest.raises(WeightsError, match="Its names are those of --model clip4clip_seqtransf"):
        run("convert", FILE, "--model", "clip4clip_meanp", "--out", "ours")
    with pytest.raises(ConfigError, match="no setting"):
        run("convert", FILE, "--model", MODEL, "--out", "ours", "--set", "frames=5")
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.slow
def test_evaluate_takes_what_was_written(run, tmp_path) -> None:
    build_tiny(tmp_path)
    run("convert", FILE, "--model", MODEL, "--out", "ours")
    words = ["--model", MODEL, "--dataset", "tiny", "--checkpoint", "ours", "--device", "cpu"]
    run("evaluate", *words, "--no-cache")
    (path,) = (path for path in (tmp_path / "results").rglob("*.json") if "top" not in path.name)
    model = json.loads(path.read_text())["model"]
    assert model["backbone"] == f"tiny/{FILE}"
    written = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert model["checkpoint_sha256"] == written["weights_sha256"]
