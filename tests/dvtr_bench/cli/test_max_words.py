"""--max-words: as many as the text tower has, and what is cut is told."""

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError
from tests.fixtures.open_clip_models import write_model
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(autouse=True)
def _wide(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    build_tiny(folder)
    write_model("worldwide", folder / "small-model")
    return folder


def run(place, *words: str):
    options = ("--root", str(place / "dvtr"), "--dataset", "tiny", "--device", "cpu")
    return CliRunner().invoke(make_app(), [*words, *options])


def test_evaluate_reads_as_many_and_says_what_it_cost(place, tmp_path) -> None:
    model = f"open_clip:{place / 'small-model'}"
    told = run(place, "evaluate", "--model", model, "--max-words", "4", "--out", str(tmp_path))
    assert told.exit_code == 0, told.output
    assert "20 captions have more than the 4 tokens that it reads and were cut" in told.output
    assert "became equal to one of another video" in told.output
    more = run(place, "evaluate", "--model", model, "--max-words", "17", "--out", str(tmp_path))
    assert isinstance(more.exception, ConfigError)
    assert "max_words is 17" in str(more.exception)
    assert "at most 16 tokens" in str(more.exception)


def test_train_says_what_is_cut_before_it_begins(place, tmp_path) -> None:
    words = ("train", "--model", "clip4clip_meanp", "--backbone", str(place / "small-model"))
    words += ("--epochs", "1", "--out", str(tmp_path), "--set", "max_frames=1")
    told = run(place, *words, "--max-words", "4")
    assert told.exit_code == 0, told.output
    assert "note: training captions: 2 captions have more than the 4 tokens" in told.output
    twice = run(place, *words, "--max-words", "4", "--set", "max_words=5")
    assert twice.exit_code == 2
    assert "both say it" in twice.stderr
