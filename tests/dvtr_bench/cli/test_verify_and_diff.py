"""`dvtr-bench verify` and `dvtr-bench diff` as they are typed: words, files, exit status."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dvtr_bench.cli import make_app
from dvtr_bench.dataset.manifest import read_manifest
from dvtr_bench.errors import NotFoundError
from tests.builders.forging import build_toy, change_values, rehash, toy_rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_toy(folder, name="toy")
    build_toy(folder, [row.replace("boat", "ship") for row in toy_rows()], "ships")
    return folder / "dvtr"


@pytest.fixture
def root(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with datasets in ``dvtr``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    return Path(shutil.copytree(built, tmp_path / "dvtr"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_app(), list(arguments))


@pytest.mark.parametrize("given", [["toy"], ["dvtr/toy"], ["toy", "--root", "dvtr"]])
def test_a_whole_dataset(root: Path, given: list[str]) -> None:
    done = run("verify", *given)
    assert done.exit_code == 0
    assert "toy 1.0.0  whole: dvtr/toy\n" in done.output
    assert f"fingerprint {read_manifest(root / 'toy').fingerprint}\n" in done.output
    assert "checked: 9 Parquet files" in done.output
    assert "6 videos, 12 captions; 72 frames, headers and ends alone" in done.output
    assert "72 frames, every one decoded" in run("verify", *given, "--frames").output


def test_a_changed_dataset(root: Path) -> None:
    captions = root / "toy" / "captions" / "test.parquet"
    change_values(captions, "caption", lambda values: [value.upper() for value in values])
    rehash(root / "toy")
    (root / "toy" / "qrels" / "train.parquet").unlink()
    done = run("verify", "toy", "--json", "found.json")
    assert done.exit_code == 1
    assert "toy 1.0.0  changed, findings: 7: dvtr/toy\n" in done.output
    assert "\n  qrels/train.parquet: missing\n" in done.output
    assert "caption is 'BOAT D' here, 'boat d' in data/test-00000" in done.output
    assert "\n  captions/test.parquet: and 1 more (--out FILE for all)\n" in done.output
    found = json.loads(Path("found.json").read_text())
    assert found["whole"] is False
    assert len(found["findings"]) == 7


def test_the_fingerprint_of_a_paper(root: Path) -> None:
    own = read_manifest(root / "toy").fingerprint
    assert run("verify", "toy", "--fingerprint", own[:12]).exit_code == 0
    done = run("verify", "ships", "--fingerprint", own[:12])
    assert done.exit_code == 1
    assert f"expected the fingerprint {own[:12]}, found" in done.output


def test_no_such_dataset(root: Path) -> None:
    for command in (["verify", "tox"], ["diff", "toy", "tox"], ["info", "tox"]):
        done = run(*command)
        assert isinstance(done.exception, NotFoundError)
        assert "Did you mean toy?" in str(done.exception)


def test_two_datasets(root: Path) -> None:
    done = run("diff", "toy", "dvtr/ships", "--most", "1", "--json", "diff.json")
    assert done.exit_code == 0
    assert "captions edited: 6\n  'a' 0: 'boat a' -> 'ship a'\n  and 5 more" in done.output
    assert "  name: 'toy' -> 'ships'\n" in done.output
    assert "two different datasets" in done.output
    assert done.output.endswith("wrote diff.json\n")
    assert len(json.loads(Path("diff.json").read_text())["captions"]) == 6
    assert "the fingerprints are equal" in run("diff", "toy", "toy").output
