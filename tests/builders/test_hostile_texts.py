"""What a table's author wrote reaches no terminal, page or card as more than text."""

import csv
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.errors import AnnotationError
from tests.builders.tiny_clips import TinyClips

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202e\x9b31m\u2066<img src=x onerror=alert(1)>![e](x)|`x`"
BLANKS = "site\u00a0of\u3000filming"
"""A name of a column with blanks that are no spaces, as spreadsheets write."""


def write_table(folder: Path, column: str) -> Path:
    clips = TinyClips()
    rows = [["file_name", "caption", "category", "licence", column, "split"]]
    for number, split in enumerate(("train", "train", "test", "test")):
        clips.write(folder / "clips" / f"{number}.mp4", number)
        rows.append(
            [
                f"{number}.mp4",
                f"=cmd|' /C calc'!A0 {number}{HOSTILE}",
                f"kind {number % 2}{HOSTILE}",
                f"CC{HOSTILE}",
                f"place {number % 2}{HOSTILE}",
                split,
            ]
        )
    path = folder / "captions.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_table(folder, BLANKS)
    return folder


COMMANDS = (
    "build folder --name odd --clips clips --captions captions.csv --workers 0 --citation cite.bib",
    "info odd",
    "verify odd",
    "audit odd",
    "diff odd odd",
)


def test_no_command_and_no_file_passes_a_control_character_on(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    (work / "cite.bib").write_text(f"@misc{{odd, title={{{HOSTILE}}}}}", encoding="utf-8")
    for words in COMMANDS:
        ended = CliRunner().invoke(make_app(), words.split())
        assert ended.exit_code == 0, (words, ended.output, ended.exception)
        strange = {letter for letter in ended.output if not letter.isprintable()} - {"\n"}
        assert not strange, (words, strange)
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in ("dvtr", "audits")
        for path in (work / folder).rglob("*")
        if path.suffix in {".md", ".json", ".html", ".csv", ".qrels", ".svg"}
    }
    assert {path.name for path in texts} >= {"README.md", "dataset.json", "croissant.json"}
    for path, text in texts.items():
        strange = {letter for letter in text if not letter.isprintable()} - {"\n", "\t"}
        assert strange <= {"\u00a0", "\u3000"}, (path, strange)
        outside_code = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$|^---\n.*?^---$", "", text)
        assert "<img src=x" not in outside_code or path.suffix == ".json", path
        assert "![e](x)" not in outside_code or path.suffix != ".md", path


def test_a_column_is_found_by_its_own_name(work: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    settings = BuildSettings(root=tmp_path, name="odd", workers=0, progress=False)
    options = {"clips": work / "clips", "captions": work / "captions.csv"}
    built = build("folder", options, settings).dataset
    rows = load_dataset(str(built.folder), cache_dir=str(tmp_path / "cache"))["test"]
    # Data stay as they were written: what shows them makes them safe.
    assert rows[BLANKS] == [f"place 0{HOSTILE}", f"place 1{HOSTILE}"]


def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path, f"site{HOSTILE}")
    settings = BuildSettings(root=tmp_path / "dvtr", name="odd", workers=0, progress=False)
    options = {"clips": tmp_path / "clips", "captions": tmp_path / "captions.csv"}
    with pytest.raises(AnnotationError, match=r"cannot be shown \(U\+001B\).*rename it"):
        build("folder", options, settings)
    assert not (tmp_path / "dvtr" / "odd").exists()
