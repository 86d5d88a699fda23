"""`dvtr-bench evaluate --post-process`: files, tables, and what is refused."""

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
from tests.oracles.naive_post_processing import both_ways, dual_softmax
from tests.oracles.naive_recall import naive_ranks

MATRIX = ["--sim-matrix", "scores.npz", "--model-name", "theirs", "--dataset", "texts"]
STEM = "texts-test-theirs-dual_softmax"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a dataset of annotations and a sim_matrix of noise."""
    rows = [f"clip{n}.mp4,the clip {n},a view of {n},test" for n in range(12)]
    (tmp_path / "captions.csv").write_text(
        "\n".join(["file_name,caption_1,caption_2,split", *rows])
    )
    settings = BuildSettings(root=tmp_path / "dvtr", name="texts", frames=None, progress=False)
    build("folder", {"captions": tmp_path / "captions.csv"}, settings)
    split = open_dataset(tmp_path / "dvtr" / "texts").split("test")
    scores = np.random.default_rng(5).uniform(-1, 1, (len(split.captions), 12)).astype(np.float32)
    ids = {"caption_ids": np.array(split.caption_ids), "video_ids": np.array(split.video_ids)}
    np.savez(tmp_path / "scores.npz", sim_matrix=scores, **ids)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def run(*words: str) -> Any:
    return CliRunner().invoke(make_app(), list(words))


def test_both_results_are_written_and_each_has_its_table(work: Path) -> None:
    told = run("evaluate", *MATRIX, "--post-process", "dual-softmax:inverse_temperature=4")
    assert told.exit_code == 0, told.output
    (raw,) = (work / "results").glob("texts-test-theirs-????????.json")
    (processed,) = (work / "results").glob(f"{STEM}-????????.json")
    assert len(list((work / "results").glob("*.top.parquet"))) == 2
    split = open_dataset("texts").split("test")
    scores = np.load("scores.npz")["sim_matrix"]
    for path, matrices in (
        (raw, (scores, scores)),
        (processed, both_ways(dual_softmax, scores, inverse_temperature=4)),
    ):
        ranks = read_result(path).ranks
        for matrix, directions in zip(matrices, (["t2v"], ["v2t", "v2t_caption"]), strict=True):
            wanted = naive_ranks(
                matrix, split.captions, split.caption_video_index, 12, "strict", strictly=False
            )
            for direction in directions:
                assert list(ranks[direction].strict.pessimistic) == wanted[direction]
    first, second = told.output.split("post-processed by dual_softmax (inverse_temperature=4)")
    assert "theirs (external)" in first
    assert "theirs (external)" in second
    statement = "every score is weighed by a softmax over all queries of the split"
    assert statement not in first
    assert f"post-processed by dual_softmax: {statement}" in second
    assert "they are not independent" in second


def test_what_is_made_of_results_is_made_of_post_processed_ones(work: Path) -> None:
    run("evaluate", *MATRIX, "--post-process", "dual_softmax")
    assert run("leaderboard", "results", "--out", "BOARD.md", "--breakdowns").exit_code == 0
    page = (work / "BOARD.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert len(headings) == 2
    assert "post-processed" not in headings[0]
    assert r"post-processed by dual\_softmax (inverse\_temperature=100)" in headings[1]
    assert page.count("every score is weighed by a softmax over all queries") == 1
    files = sorted(map(str, (work / "results").glob("*.json")))
    told = run("compare", *files)
    assert told.exit_code == 1
    assert "must not share a table: their post_processing differs" in str(told.exception)
    assert run("compare", files[0], files[0]).exit_code == 0
    assert run("export", "results", "--to", "trec", "--output", "out").exit_code == 0
    assert len(list((work / "out").glob("*.t2v.run"))) == 2


def test_brought_and_said_to_be_post_processed_nobody_knows_what_it_depends_on(
    work: Path,
) -> None:
    told = run("evaluate", *MATRIX, "--post-processing", "sinkhorn")
    assert told.exit_code == 0
    assert "post-processed by sinkhorn" in told.output
    assert "the queries may not be independent" in told.output
    assert list((work / "results").glob("texts-test-theirs-sinkhorn-*.json"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["qb_norm"], "qb_norm needs the scores of a bank of training captions and videos"),
        (["dual_softmax", "qb_norm"], "say so with --already-processed qb_norm"),
        (["dual_softmax", "dual-softmax"], "is asked for twice"),
        (["dual"], "no post-processor is called 'dual'"),
        (["dual_softmax:4"], "a setting is written name=value"),
        (["dual_softmax:inverse_temperature=0"], "inverse_temperature must be a number above 0"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    work: Path, words: list[str], message: str
) -> None:
    options = [word for name in words for word in ("--post-process", name)]
    told = run("evaluate", *MATRIX, *options)
    assert told.exit_code == 1
    assert message in str(told.exception)
    assert not (work / "results").exists()


def test_scores_are_not_post_processed_twice(work: Path) -> None:
    told = run(
        "evaluate", *MATRIX, "--post-process", "dual_softmax", "--post-processing", "sinkhorn"
    )
    assert told.exit_code == 1
    assert "post-processed already (sinkhorn)" in str(told.exception)
