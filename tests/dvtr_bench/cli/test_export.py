"""`dvtr-bench export`: files or folders in, files out, nothing in silence."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import NotFoundError
from tests.fixtures.scored_runs import random_split, scored_run


@pytest.fixture
def results(tmp_path, monkeypatch):
    own, video_ids, caption_ids = random_split(videos=4, captions=6)
    for model in ("a", "b"):
        scored_run(tmp_path / "results", np.ones((6, 4)), own, video_ids, caption_ids, model)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(make_app(), ["export", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("name", "files"), [("trec", 12), ("csv", 1), ("latex", 1), ("eval-results", 2)]
)
def test_every_file_is_told(name: str, files: int, results: Path) -> None:
    repo = ["--repo", "lab/ours"] if name == "eval-results" else []
    told = run("results", "--to", name, "--output", "a/b", *repo)
    written = sorted(path for path in Path("a/b").rglob("*") if path.is_file())
    assert len(written) == files
    for path in written:
        assert f"wrote {path}" in told


def test_notes_are_told(results: Path) -> None:
    assert "note: " in run("results", "--to", "trec")


def test_an_unknown_format_and_an_empty_folder_say_what_to_do(results: Path) -> None:
    with pytest.raises(NotFoundError, match=r"did you mean latex\?"):
        run("results", "--to", "latx")
    Path("empty").mkdir()
    with pytest.raises(NotFoundError, match="dvtr-bench evaluate"):
        run("empty", "--to", "csv")
