"""`dvtr-bench audit` as a user runs it."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    build_tiny(folder)
    return folder


@pytest.fixture
def run(monkeypatch, folder):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")

    def invoke(*arguments):
        return CliRunner().invoke(make_app(), ["audit", *arguments])

    return invoke


def test_it_prints_and_writes(run, folder) -> None:
    told = run("dvtr/tiny")
    assert told.exit_code == 0, told.output
    assert "Audit of tiny 1.0.0" in told.stdout
    assert "wrote audits/tiny/audit.json and audits/tiny/index.html" in told.stdout
    record = json.loads((folder / "audits" / "tiny" / "audit.json").read_text("utf-8"))
    assert record["not_measured"].keys() == {"class_balance"}
    # Clips of one test picture in other colours: grey frames are the same.
    assert record["findings"]["near_duplicates"]["num_pairs"] > 0
    assert (folder / "audits" / "tiny" / "near-duplicates.png").is_file()
    kept = folder / "dvtr" / ".measures"
    names = {path.name for path in kept.rglob("*.npz")}
    looks = {f"{split}-frame_looks-1-0.npz" for split in ("train", "validation", "test")}
    assert looks < names
    assert {name.partition("-near_duplicates-")[0] for name in names - looks} == {"train"}


def test_against_another_build_of_that_name_and_elsewhere(run, folder, tmp_path) -> None:
    (folder / "other").mkdir(exist_ok=True)
    manifest = json.loads((folder / "dvtr" / "tiny" / "dataset.json").read_text("utf-8"))
    copied = folder / "other" / "tiny"
    shutil.copytree(folder / "dvtr" / "tiny", copied)
    manifest["version"], manifest["fingerprint"] = "1.1.0", "e" * 64
    (copied / "dataset.json").write_text(json.dumps(manifest), "utf-8")
    told = run("tiny", "--against", "other/tiny", "--out", str(tmp_path / "o"), "--root", "dvtr")
    assert told.exit_code == 0, told.output
    record = json.loads((tmp_path / "o" / "audit.json").read_text("utf-8"))
    assert (record["dataset"]["name"], record["against"]["name"]) == ("tiny 1.0.0", "tiny 1.1.0")
    shared = {
        (one["of_split"], one["in_split"]): one["shared_percent"]
        for one in record["findings"]["shared_clips"]["overlaps"]
        if one["by"] == "the same file"
    }
    assert shared["tiny 1.0.0 test", "tiny 1.1.0 test"] == 100.0
    assert shared["tiny 1.0.0 test", "tiny 1.1.0 train"] == 0.0


def test_against_itself(run) -> None:
    told = run("tiny", "--against", "dvtr/tiny")
    assert told.exit_code == 1
    assert "are the same build" in str(told.exception)


def test_a_dataset_that_is_not_there(run) -> None:
    told = run("nowhere")
    assert told.exit_code == 1
    assert "no dataset 'nowhere' is built" in str(told.exception)
