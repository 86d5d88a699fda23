"""`dvtr-bench evaluate --reranker`: files, tables, refusals, and the command that repeats it."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, InputError
from leaderboard.site.commands import about_repeating, repeat_commands
from tests.fixtures.memory_split import MemorySplit
from tests.fixtures.tiny_dataset import build_tiny

FIRST = ["--model", "clip_zeroshot", "--backbone", "tiny", "--dataset", "tiny", "--device", "cpu"]
SECOND = ["--reranker", "clip_zeroshot", "--reranker-set", "backbone=tiny-scratch"]


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rerank")
    build_tiny(folder)
    return folder


@pytest.fixture(autouse=True)
def _here(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "300")


def run(*words: str) -> Any:
    return CliRunner().invoke(make_app(), ["evaluate", *words])


def test_it_gets_a_result_and_a_table_and_can_be_repeated(work: Path) -> None:
    told = run(*FIRST, *SECOND, "--rerank-top", "3", "--out", "one")
    assert told.exit_code == 0, told.output
    assert "reranked by clip_zeroshot (tiny-scratch): the best 3 candidates" in told.output
    assert "post-processed by rerank (model=clip_zeroshot, weights=unknown, top=3)" in told.output
    (record,) = dvtr.load_results(work / "one" / "tiny-test-clip_zeroshot-rerank.json")
    (line,) = repeat_commands(record)
    command = shlex.split(line)
    assert command[command.index("--rerank-top") + 1] == "3"
    again = run(*command[2:], "--out", "two", "--device", "cpu")
    assert again.exit_code == 0, again.output
    (repeated,) = dvtr.load_results(work / "two" / "tiny-test-clip_zeroshot-rerank.json")
    assert (repeated.ranks, repeated.scoring) == (record.ranks, record.scoring)
    assert not any("reranker" in note for note in about_repeating(record))


def test_a_trained_reranker_is_found_by_name_or_folder(work: Path) -> None:
    run_ = dvtr.train(
        "msam", "tiny", backbone="tiny-scratch", recipe=["epochs=1"], device="cpu",
        show_progress=False,
    )  # fmt: skip
    found = []
    for name, reranker in (("named", "msam"), ("folder", str(run_.folder))):
        told = run(*FIRST, "--reranker", reranker, "--rerank-top", "2", "--out", name)
        assert told.exit_code == 0, told.output
        (record,) = dvtr.load_results(work / name / "tiny-test-clip_zeroshot-rerank.json")
        found.append(record)
    assert found[0].scoring == found[1].scoring
    facts = found[0].scoring.post_processed.facts
    assert facts["training"]["dataset"] == "tiny"
    assert facts["config"]["text_block"] == 1
    assert facts["checkpoint_sha256"].startswith(found[0].scoring.post_processed.config["weights"])
    assert "The reranker was trained" in about_repeating(found[0])[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FIRST, "--reranker-set", "backbone=tiny"], "leave out --reranker-set"),
        ([*FIRST, "--reranker", "clip_zeroshott"], "did you mean clip_zeroshot"),
        ([*FIRST, "--reranker", "xclip"], "xclip has no checkpoint for tiny"),
        ([*FIRST, *SECOND, "--rerank-top", "0"], "--rerank-top"),
        (
            ["--sim-matrix", "s.npz", "--model-name", "m", "--dataset", "tiny", *SECOND],
            "leave out --reranker",
        ),
    ],
)
def test_what_cannot_be_done_is_told(words: list[str], said: str) -> None:
    told = run(*words)
    assert told.exit_code != 0
    assert said in f"{told.output} {told.exception}"


def test_from_python_a_model_is_taken_and_a_name_needs_a_dataset() -> None:
    model = dvtr.load_model("clip_zeroshot", backbone="tiny", device="cpu")
    how = {"device": "cpu", "show_progress": False}
    result = dvtr.evaluate(model, dvtr.open_dataset("tiny")["test"], reranker=model, **how)
    first, second = result.records
    # Its own order is no other order.
    assert first.ranks["t2v"] == second.ranks["t2v"]
    with pytest.raises(ConfigError, match="settings of a reranker"):
        dvtr.evaluate(model, "tiny", reranker=model, reranker_settings=["backbone=tiny"], **how)
    with pytest.raises(InputError, match="needs a split of a built"):
        dvtr.evaluate(model, MemorySplit([["a"], ["b"]]), reranker="clip_zeroshot", **how)
