import re

import pytest
from typer.testing import CliRunner

from builders.engine.settings import usable_cores
from dvtr_bench.cli import make_app
from tests.builders.conftest import FolderBuilder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(make_app(), list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_build_and_list(run, folder_builder: FolderBuilder) -> None:
    assert "none yet" in run("datasets")
    folder_builder.five_clips()
    command = [
        "build",
        "folder",
        "--clips",
        "clips",
        "--captions",
        "captions.csv",
        "--name",
        "mine",
    ]
    told = run(*command, "--workers", "1")
    assert "mine 1.0.0  built: dvtr/mine" in told
    assert re.search(r"train +3 +3 +0\.0% +100\.00", told)
    for line in (
        "60 frames (uniform:12, jpeg:",
        "next:     dvtr-bench train --model msam --dataset mine",
    ):
        assert line in told
    assert "built already" in run(*command, "--workers", "1")
    listed = run("datasets")
    for name in ("aerosynth", "capera", "folder", "umcrd", "usrd", "3/1/1", "uniform:12"):
        assert name in listed


def test_annotations_only(run, folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    told = run("build", "folder", "--captions", "captions.csv", "--name", "a", "--annotations-only")
    assert "annotations only, no frames" in told
    assert "build again with --clips DIR" in told


def test_cores() -> None:
    assert usable_cores() >= 1
