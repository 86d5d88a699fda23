"""The path of a user: clips and captions in, a leaderboard out, by commands alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app, quickstart
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.dataset.seen_clips import SEEN_FILE
from dvtr_bench.errors import NotFoundError, OutputExistsError, ProtocolError
from dvtr_bench.results import load_results
from dvtr_bench.runtime.checkpoint import find_checkpoint
from tests.builders.tiny_clips import TinyClips

SPLITS = ["train"] * 6 + ["validation"] * 2 + ["test"] * 4
Run = Callable[..., str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder in which `toy` is built."""
    folder = tmp_path_factory.mktemp("thin-path")
    names = [f"clip{number}.mp4" for number in range(len(SPLITS))]
    clips = TinyClips().write_folder(folder / "clips", names)
    table = folder / "captions.csv"
    rows = [f"{n},the {n[:-4]},a view of {n[:-4]},{s}" for n, s in zip(names, SPLITS, strict=True)]
    table.write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    settings = BuildSettings(root=folder / "dvtr", name="toy", workers=0, progress=False)
    build("folder", {"clips": clips, "captions": table}, settings)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    shutil.copytree(made / "dvtr", tmp_path / "dvtr")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def invoke(*words: str) -> str:
        result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def train(run: Run, model: str, *more: str) -> str:
    words = ["--backbone", "tiny-scratch", "--epochs", "1", "--batch-size", "4", "--device", "cpu"]
    return run("train", "--model", model, "--dataset", "toy", *words, *more)


def test_train_evaluate_leaderboard(run: Run, tmp_path: Path) -> None:
    told = train(run, "msam")
    assert "training msam on toy: 12 captions of 6 videos, 1 epoch on cpu" in told
    assert "next: dvtr-bench evaluate --model msam --dataset toy" in told
    told = run("evaluate", "--model", "msam", "--device", "cpu")
    assert "msam (block 8)" in told
    assert "msam (block 1)" in told
    assert "caption ceiling" in told
    records = load_results(tmp_path / "results")
    assert sorted(record.scoring.text_block or 0 for record in records) == [1, 8]
    checkpoint = find_checkpoint("msam", "toy")
    config = json.loads((checkpoint / "config.json").read_text())
    assert {record.model.checkpoint_sha256 for record in records} == {config["weights_sha256"]}
    assert {record.model.seeds for record in records} == {(42,)}
    (sheet,) = (tmp_path / "results").glob("*.png")
    with Image.open(sheet) as image:
        assert image.width > 1000
    told = run("leaderboard")
    assert "wrote LEADERBOARD.md from 2 result files" in told
    assert "msam (block 8)" in (tmp_path / "LEADERBOARD.md").read_text(encoding="utf-8")


def test_evaluation_without_a_checkpoint_says_what_to_do(run: Run) -> None:
    with pytest.raises(NotFoundError, match="dvtr-bench train --model msam --dataset toy"):
        run("evaluate", "--model", "msam")


def test_a_model_that_is_not_trained_needs_no_checkpoint(run: Run) -> None:
    told = run(
        "evaluate", "--model", "clip-zeroshot", "--backbone", "tiny-scratch", "--dataset", "toy"
    )
    assert "clip_zeroshot" in told


def test_a_checkpoint_of_another_build_is_not_taken_in_silence(run: Run, tmp_path: Path) -> None:
    train(run, "clip4clip_meanp")
    fingerprint = open_dataset(tmp_path / "dvtr" / "toy").manifest.fingerprint
    for name in ("run.json", "*/config.json"):
        for path in tmp_path.glob(f"runs/toy/clip4clip_meanp/*/{name}"):
            path.write_text(path.read_text().replace(fingerprint, "0" * 64))
    # Without the list of its clips, it cannot be told whether its training used clips of this test.
    (seen,) = tmp_path.glob(f"runs/toy/clip4clip_meanp/*/{SEEN_FILE}")
    seen.unlink()
    with pytest.raises(ProtocolError, match="trained on another build"):
        run("evaluate", "--model", "clip4clip_meanp")
    named = str(find_checkpoint("clip4clip_meanp", "toy"))
    assert "R@1" in run("evaluate", "--model", "clip4clip_meanp", "--checkpoint", named)


def test_a_stopped_training_goes_on_in_its_own_folder(run: Run, tmp_path: Path) -> None:
    train(run, "clip4clip_meanp")
    (state,) = tmp_path.glob("runs/toy/clip4clip_meanp/*/run.json")
    content = json.loads(state.read_text())
    content["finished"] = False
    state.write_text(json.dumps(content))
    assert "resuming clip4clip_meanp" in train(run, "clip4clip_meanp")
    assert "training clip4clip_meanp" in train(run, "clip4clip_meanp", "--seed", "1")
    assert len(list(tmp_path.glob("runs/toy/clip4clip_meanp/*/run.json"))) == 2


def test_annotations_only_says_so_before_any_weights_are_looked_for(
    run: Run, made: Path, tmp_path: Path
) -> None:
    settings = BuildSettings(root=tmp_path / "dvtr", name="texts", frames=None, progress=False)
    build("folder", {"captions": made / "captions.csv"}, settings)
    with pytest.raises(ValueError, match="--annotations-only"):
        run("train", "--model", "msam", "--dataset", "texts")
    with pytest.raises(NotFoundError, match=r"(?s)texts.*annotations-only|cannot be evaluated"):
        run("evaluate", "--model", "msam")


def test_leaderboard_without_results_says_what_to_do(run: Run, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="dvtr-bench evaluate"):
        run("leaderboard")
    (tmp_path / "results").mkdir()
    with pytest.raises(NotFoundError, match="dvtr-bench evaluate"):
        run("leaderboard")


def test_quickstart_goes_all_the_way_and_again(run: Run, tmp_path: Path) -> None:
    # Built already, so that nothing is rendered.
    shutil.copytree(tmp_path / "dvtr" / "toy", tmp_path / "quickstart" / "dvtr" / "aerosynth-small")
    told, files = [], []
    for _ in range(2):
        told.append(run("quickstart", "--epochs", "1"))
        for model in ("clip_zeroshot", "clip4clip_meanp", "clip4clip_seqtransf", "msam (block 8)"):
            assert model in told[-1]
        assert "msam (block 1)" in told[-1]
        assert "caption ceiling" in told[-1]
        assert "chance" in told[-1]
        assert {path.name for path in (tmp_path / "quickstart").iterdir()} <= quickstart.OURS
        made = (tmp_path / "quickstart" / "results").iterdir()
        files.append({path: path.stat().st_mtime_ns for path in made})
    assert files[0] == files[1]
    assert "4 of 4 · msam · seed 42 · toy · cpu" in told[0]
    assert " of 4 · " not in told[1]
    assert len(load_results(tmp_path / "quickstart" / "results")) == 5
    assert len(list((tmp_path / "quickstart" / "results").glob("*.png"))) == 4
    assert not (tmp_path / "LEADERBOARD.md").exists()


def test_quickstart_writes_over_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputExistsError, match=r"thesis\.tex"):
        run("quickstart", "--out", "mine")
