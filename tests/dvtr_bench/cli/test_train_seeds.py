"""`dvtr-bench train` with several seeds: a run each, none of them twice."""

import json

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture
def train(tmp_path, monkeypatch):
    build_tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*more):
        words = "train --model xpool --dataset tiny --backbone tiny-scratch --epochs 3 --device cpu"
        result = CliRunner().invoke(make_app(), [*words.split(), *more], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_every_seed_is_a_run_of_its_own_and_is_trained_once(train, tmp_path) -> None:
    first = train("--seed", "7", "--freeze", "backbone")
    assert first.count("training xpool on tiny") == 1
    assert "--all-seeds" not in first
    told = train("--seed", "7", "--seeds", "3", "--freeze", "backbone", "--tensorboard")
    assert told.count("already trained xpool on tiny") == 1
    assert told.count("training xpool on tiny") == 2
    assert "--all-seeds" in told.splitlines()[-1]
    again = train("--seed", "7", "--seeds", "3", "--freeze", "backbone")
    assert again.count("already trained xpool on tiny") == 3
    states = {
        path.parent: json.loads(path.read_text())
        for path in tmp_path.glob("runs/tiny/xpool/*/run.json")
    }
    assert sorted(state["setup"]["recipe"]["seed"] for state in states.values()) == [7, 8, 9]
    assert sum((folder / "tensorboard").is_dir() for folder in states) == 2
    named = told.splitlines()[-1].split()
    assert tmp_path / named[named.index("--checkpoint") + 1] in states


def test_an_early_stop_is_told(train) -> None:
    # One clip to choose on: recall is 100 from the first epoch.
    told = train("--recipe", "patience=1")
    assert "(T2V R@1 100.0; stopped early, after epoch 2)" in told
    assert "(T2V R@1 100.0; stopped early, after epoch 2)" in train("--recipe", "patience=1")
