"""`dvtr-bench evaluate` for scores that someone brought: files and commands alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.results import read_result

NUMBERS = range(12)
MATRIX = ["--sim-matrix", "scores.npz"]
VECTORS = ["--embeddings", "vectors.npz"]
NAMED = ["--model-name", "theirs", "--dataset", "texts"]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a dataset of annotations, a perfect sim_matrix and its vectors."""
    rows = [f"clip{n} .mp4,the clip {n},a view of {n},test" for n in NUMBERS]
    (tmp_path / "captions.csv").write_text(
        "\n".join(["file_name,caption_1,caption_2,split", *rows])
    )
    settings = BuildSettings(root=tmp_path / "dvtr", name="texts", frames=None, progress=False)
    build("folder", {"captions": tmp_path / "captions.csv"}, settings)
    split = open_dataset(tmp_path / "dvtr" / "texts").split("test")
    embeds = np.eye(len(split.video_ids), dtype=np.float32)
    order = np.random.default_rng(0).permutation(len(split.caption_ids))
    text_embeds = embeds[split.caption_video_index][order]
    ids = {
        "caption_ids": np.array(split.caption_ids)[order],
        "video_ids": np.array(split.video_ids),
    }
    np.savez(tmp_path / "scores.npz", sim_matrix=text_embeds @ embeds, **ids)
    np.savez(tmp_path / "vectors.npz", text_embeds=text_embeds, video_embeds=embeds, **ids)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def evaluate(*words: str) -> Any:
    return CliRunner().invoke(make_app(), ["evaluate", *words], catch_exceptions=False)


@pytest.mark.parametrize("source", [MATRIX, VECTORS])
def test_a_file_becomes_a_result_without_frames(work: Path, source: list[str]) -> None:
    told = evaluate(*source, *NAMED)
    assert told.exit_code == 0
    assert "theirs (external)" in told.output
    (path,) = (work / "results").glob("texts-test-theirs-????????.json")
    assert sorted((work / "results").iterdir()) == [path, path.with_suffix(".top.parquet")]
    record = read_result(path)
    assert record.kind == "external"
    assert record.metrics["t2v"]["strict"]["R@1"].value == 100
    assert record.model.config["source"] == source[0].removeprefix("--").replace("-", "_")


def test_block_post_processing_and_seed_reach_the_record(work: Path) -> None:
    evaluate(
        *MATRIX, *NAMED, "--text-block", "5", "--post-processing", "dual_softmax", "--seed", "7"
    )
    (path,) = (work / "results").glob("*.json")
    record = read_result(path)
    assert (record.scoring.text_block, record.scoring.post_processing) == (5, "dual_softmax")
    assert record.model.seeds == (7,)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--sim-matrix, --embeddings, --from-mteb, found none"),
        ([*MATRIX, *VECTORS, *NAMED], "found --sim-matrix and --embeddings"),
        (["--model", "msam", *MATRIX, *NAMED], "found --model and --sim-matrix"),
        ([*MATRIX, "--dataset", "texts"], "--sim-matrix needs --model-name too"),
        ([*VECTORS, "--model-name", "x"], "--embeddings needs --dataset too"),
        (["--model", "msam", "--model-name", "x"], "leave out --model-name"),
        (["--model", "msam", "--text-block", "3"], "leave out --text-block"),
        (["--model", "msam", "--post-processing", "x"], "leave out --already-processed"),
        ([*MATRIX, *NAMED, "--checkpoint", "x"], "leave out --checkpoint"),
        ([*VECTORS, *NAMED, "--text-block", "3"], "leave out --text-block"),
        ([*MATRIX, *NAMED, "--text-block", "0"], "--text-block"),
    ],
)
def test_options_that_clash_are_a_usage_error(work: Path, words: list[str], message: str) -> None:
    told = evaluate(*words)
    assert told.exit_code == 2
    assert message in " ".join(told.output.replace("│", " ").split())
    assert not (work / "results").exists()
