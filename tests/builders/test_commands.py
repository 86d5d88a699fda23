import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_what_there_is_one_of_is_said_in_the_singular(run, folder_builder: FolderBuilder) -> None:
    """One clip of one caption in each split, one value left out, one pair that looks alike."""
    names = folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "v_b.mp4"])
    names.joinpath("a.mp4").rename(names / "v_a.mp4")
    folder_builder.table_of(
        "video_id,captions,split\nv_a,\"['a road', None]\",train\nv_b,a field,test\n"
    )
    command = ("build", "folder", "--clips", "clips", "--captions", "captions.csv", "--name", "one")
    texts = [run(*command, "--workers", "0", "--sampling", "1"), run("verify", "one")]
    texts += [run("audit", "one"), Path("dvtr/one/README.md").read_text()]
    texts.append(Path("dvtr/one/build-report.json").read_text())
    assert "1 missing value (None, nan, null) among the captions was left out" in texts[0]
    for text in texts:
        plain = " ".join(text.split())
        assert not re.findall(r"\b1 (?:clip|file|caption|video|frame|row|pair|value)s\b", plain)


def test_annotations_only(run, folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    told = run("build", "folder", "--captions", "captions.csv", "--name", "a", "--annotations-only")
    assert "annotations only, no frames" in told
    assert "build again with --clips DIR" in told


def test_cores() -> None:
    assert usable_cores() >= 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_few_characters_gets_whole_tables(
    folder_builder: FolderBuilder, tmp_path: Path, encoding: str
) -> None:
    folder_builder.table_of(
        "video_id,caption,category,split\n航拍,größere Felder … 路,поле,test\nb,a road,b,test\n"
    )
    folder_builder.build(settings={"frames": None}, clips=None)
    script = (
        "import sys\n"
        "from typer.main import get_command\n"
        "from dvtr_bench import cli\n"
        "names = [[name, '--help'] for name in get_command(cli.make_app()).commands]\n"
        "asked = [['datasets'], ['info', 'mine'], ['verify', 'mine'], ['audit', 'mine']]\n"
        "for words in [*names, *asked, ['info', 'fehlt-größe-航']]:\n"
        "    sys.argv = ['dvtr-bench', *words]\n"
        "    try:\n"
        "        cli.main()\n"
        "    except SystemExit as left:\n"
        "        print('left', *words, left.code or 0)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    # Where a terminal says that it is ASCII, click takes it for one of UTF-8.
    told, errors = (part.decode(encoding, "replace") for part in (shown.stdout, shown.stderr))
    assert "Traceback" not in errors, errors
    ends = re.findall(r"^left (.*) (\d+)$", told, flags=re.MULTILINE)
    assert len(ends) > 30
    assert [words for words, status in ends if status != "0"] == [ends[-1][0]]
    assert "error: " in errors
    assert encoding == "ascii" or "größe-?" in errors
