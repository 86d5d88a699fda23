"""Checkpoints on other versions of their dataset: used where no clip was seen, else refused."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.seen_clips import SEEN_FILE
from dvtr_bench.errors import ProtocolError
from dvtr_bench.results import load_results
from dvtr_bench.results.setups import contamination
from dvtr_bench.runtime.checkpoint import find_checkpoint
from tests.builders.tiny_clips import TinyClips

Run = Callable[..., str]

OLD = ["train"] * 6 + ["validation"] * 2 + ["test"] * 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``mine`` 1.0.0, 1.1.0 (two more clips) and 2.0.0 (clips in other splits)."""
    folder = tmp_path_factory.mktemp("versions")
    names = [f"clip {number}.mp4" for number in range(len(OLD) + 2)]
    clips = TinyClips().write_folder(folder / "clips", names)
    moved = [*OLD, "test", "train"]
    moved[0] = moved[6] = "test"
    moved[8] = "train"
    for version, splits in (
        ("1.0.0", OLD),
        ("1.1.0", [*OLD, "test", "train"]),
        ("2.0.0", moved),
    ):
        rows = [
            f"{name},the number {number} and {number * 3} trees,{split}"
            for number, (name, split) in enumerate(zip(names, splits, strict=False))
        ]
        table = folder / "captions.csv"
        table.write_text("\n".join(["file_name,caption,split", *rows]))
        settings = BuildSettings(
            root=folder / "dvtr",
            name="mine",
            workers=0,
            progress=False,
            missing="drop",
            move_test_clips=True,
        )
        build("folder", {"clips": clips, "captions": table, "version": version}, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train("mine")
    return folder


def invoke(*words: str) -> str:
    result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def train(dataset: str) -> None:
    invoke(
        *("train", "--model", "clip4clip_meanp", "--dataset", dataset, "--backbone", "tiny"),
        *("--epochs", "1", "--batch-size", "4", "--device", "cpu"),
    )


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own, with ``mine`` trained; returns what it says."""
    for name in ("dvtr", "runs"):
        shutil.copytree(made / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return invoke


def evaluate(run: Run, dataset: str, *words: str) -> str:
    return run(
        *("evaluate", "--model", "clip4clip_meanp", "--dataset", dataset, "--device", "cpu"), *words
    )


def test_a_version_whose_test_clips_were_not_seen(run: Run, tmp_path: Path) -> None:
    told = evaluate(run, "mine@1.1.0")
    assert (
        "trained on another version, mine@1.0.0: of the 8 clips that were used, 0 stand in this "
        "test split"
    ) in told
    (record,) = load_results(tmp_path / "results")
    assert (record.dataset.version, record.dataset.num_videos) == ("1.1.0", 5)
    assert record.model.training is not None
    assert (record.model.training.version, record.model.training.shared_clips) == ("1.0.0", 0)
    assert record.contamination is None
    assert contamination(record) == ""


def test_a_version_whose_test_clips_were_seen(run: Run, tmp_path: Path) -> None:
    checkpoint = str(find_checkpoint("clip4clip_meanp", "mine"))
    for words in ((), ("--checkpoint", checkpoint)):
        with pytest.raises(ProtocolError, match="was trained on mine@1.0.0") as refused:
            evaluate(run, "mine@2.0.0", *words)
        assert "used 2 of the 6 test clips of mine@2.0.0" in str(refused.value)
        assert "'clip 0' (trained on), 'clip 6' (chosen on)" in str(refused.value)
        assert "--allow-seen-clips" in str(refused.value)
    evaluate(run, "mine@2.0.0", "--allow-seen-clips")
    (record,) = load_results(tmp_path / "results")
    assert record.model.training is not None
    assert record.model.training.shared_clips == 2
    assert "2 of the 6 clips of this split were used in its training" in contamination(record)


def test_the_version_trained_on_may_be_gone(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "dvtr" / "mine")
    assert "0 stand in this test split" in evaluate(run, "mine@1.1.0")
    (seen,) = tmp_path.glob(f"runs/mine/*/*/{SEEN_FILE}")
    seen.unlink()
    with pytest.raises(ProtocolError, match="trained on another build"):
        evaluate(run, "mine@1.1.0")
    # A run of before has no such file: then its version is looked for among those that are built.
    shutil.copytree(tmp_path / "dvtr" / "mine@1.1.0", tmp_path / "dvtr" / "mine")
    with pytest.raises(ProtocolError, match="trained on another build"):
        evaluate(run, "mine@1.1.0")


def test_runs_of_before_are_looked_up_by_their_dataset(run: Run, tmp_path: Path) -> None:
    (seen,) = tmp_path.glob(f"runs/mine/*/*/{SEEN_FILE}")
    seen.unlink()
    assert "0 stand in this test split" in evaluate(run, "mine@1.1.0")
    with pytest.raises(ProtocolError, match="'clip 0' [(]trained on[)]"):
        evaluate(run, "mine@2.0.0")


def test_a_renamed_clip_is_known_by_its_file(run: Run, tmp_path: Path) -> None:
    (path,) = tmp_path.glob(f"runs/mine/*/*/{SEEN_FILE}")
    seen = json.loads(path.read_text())
    seen["train"] = {f"old {name}": sha256 for name, sha256 in seen["train"].items()}
    path.write_text(json.dumps(seen))
    with pytest.raises(ProtocolError, match=re.escape("'clip 0' (trained on, there 'old clip 0')")):
        evaluate(run, "mine@2.0.0")


def test_the_run_on_the_version_itself_comes_first(run: Run, tmp_path: Path) -> None:
    first = find_checkpoint("clip4clip_meanp", "mine")
    train("mine@1.1.0")
    assert find_checkpoint("clip4clip_meanp", "mine") != first
    told = evaluate(run, "mine")
    assert "another version" not in told
    assert str(first.parent) in told
    told = run("evaluate", "--model", "clip4clip_meanp", "--device", "cpu")
    assert "clip4clip_meanp (" in told
    assert "left out" in told  # 2.0.0, whose test clips were seen
    versions = sorted(record.dataset.version for record in load_results(tmp_path / "results"))
    assert versions == ["1.0.0", "1.1.0"]
