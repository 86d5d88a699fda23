"""docs/guides/extending.md, word for word: one of each kind, as a file of ours and as a plug-in."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dvtr_bench.results import write_result
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.records import toy_record

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "extending.md").read_text(encoding="utf-8")
PACKAGES = ("dvtr_bench", "builders", "baselines", "msam", "leaderboard")
KINDS = 8

RUN = """
import json, sys
from typer.testing import CliRunner
from dvtr_bench.cli import make_app
told = []
for words in json.loads(sys.argv[1]):
    ended = CliRunner().invoke(make_app(), words)
    told.append([ended.exit_code, ended.output, repr(ended.exception)])
with open(sys.argv[2], "w") as file:
    json.dump(told, file)
"""


def sections() -> dict[Path, str]:
    """Return the files that the guide has its reader write, by their path in this repository."""
    found = {}
    for section in re.split(r"(?m)^## ", GUIDE)[1:]:
        named = re.match(r"[^\n]+\n\n`([\w/]+\.py)`\n\n```python\n(.*?)^```", section, re.S | re.M)
        if named:
            found[Path(named[1])] = named[2]
    return found


def declared() -> dict[str, Any]:
    """Return the pyproject.toml of the guide."""
    block = re.search(r"```toml\n(.*?)^```", GUIDE, re.S | re.M)
    assert block
    return tomllib.loads(block[1])["project"]


def as_files(folder: Path) -> str:
    """Put the files where the guide says, in a copy of this repository; return its import path."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            folder / package,
            copy_function=os.symlink,
            # What is compiled already comes along: to compile it again takes ten seconds.
            ignore=shutil.ignore_patterns("*.pyc*", "evidence"),
        )
    for path, text in sections().items():
        (folder / path).write_text(text, encoding="utf-8")
    return str(folder)


def as_plug_in(folder: Path) -> str:
    """Install a package with the files and entry points of the guide; return the import path."""
    project = declared()
    package = folder / "dvtr_extras"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('a listing needs none of this')\n")
    for path, text in sections().items():
        (package / path.name).write_text(text, encoding="utf-8")
    information = folder / f"dvtr_extras-{project['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (information / "entry_points.txt").write_text("\n".join(points))
    return f"{folder}{os.pathsep}{ROOT}"


@dataclass(frozen=True)
class House:
    """The program with one more of each kind, and a folder in which it worked.

    Attributes:
        folder: Held clips with captions, and results that were written before.
        way: How the files were added.
        told: What each command of `COMMANDS` printed, and how it ended.
    """

    folder: Path
    way: str
    told: dict[str, tuple[int, str, str]]

    def output(self, words: str) -> str:
        """Return what a command of `COMMANDS` printed; it must have succeeded."""
        status, output, failure = self.told[words]
        assert status == 0, f"{words}: {output}{failure}"
        return output


def run(commands: list[str], folder: Path, path: str) -> dict[str, tuple[int, str, str]]:
    """Run commands one after the other in one process."""
    told = folder / "told.json"
    subprocess.run(
        [*(sys.executable, "-W", "error", "-c", RUN)]
        + [json.dumps([words.split() for words in commands]), str(told)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        check=True,
    )
    return dict(zip(commands, map(tuple, json.loads(told.read_text())), strict=True))


BUILD = "build captioned_files --clips clips --most-captions 2 --workers 0"
EVALUATE = (
    "evaluate --model mean_colour --dataset captioned_files --device cpu --set power=0.5 "
    "--post-process inverted_softmax"
)
EVALUATE_PALETTE = (
    "evaluate --model palette:red,white --dataset captioned_files --device cpu --set sharpness=2 "
    "--out palettes"
)
COMMANDS = [
    "leaderboard before --breakdowns",
    "compare before/{0} before/{1}",
    "export before --to csv -o csv",
    "export before --to json_lines -o lines",
    "leaderboard before --chart lollipops --chart dots",
    "plot before --kind lollipops --out lollipops.pdf",
    "plot --help",
    "models",
    "models mean-colour",
    "models palette",
    "build captioned_files --help",
    "datasets",
    "info captioned_files",
    BUILD,
    "verify dvtr/captioned_files",
    EVALUATE,
    EVALUATE_PALETTE,
    "leaderboard results before --breakdowns",
]
"""In this order; ``{0}`` and ``{1}`` are the results that were there before."""


WAYS: dict[str, Callable[[Path], str]] = {"file": as_files, "plug-in": as_plug_in}


@pytest.fixture(scope="module", params=WAYS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("work")
    # Written by the program as it is, before anything is added.
    for seed, model in enumerate(("msam", "xpool")):
        write_result(toy_record(model, rank_seed=seed, best_rank=9 - seed), folder / "before")
    clips = TinyClips()
    for number, split in enumerate(["train", "validation", *["test"] * 4]):
        video = clips.write(folder / "clips" / split / f"clip-{number}.mp4", number)
        captions = f"a red car {number}\nsomething moves {number}\na third caption\n"
        video.with_suffix(".txt").write_text(captions)
    path = WAYS[request.param](tmp_path_factory.mktemp("house"))
    if request.param == "plug-in":
        # Listing imports nothing of the package; all else does.
        listed = run(["models", "build --help"], folder, path)
        assert "mean_colour" in listed["models"][1]
        assert "captioned_files" in listed["build --help"][1]
        (Path(path.split(os.pathsep)[0]) / "dvtr_extras" / "__init__.py").write_text("")
    files = sorted((folder / "before").glob("*.json"))
    before = [file.read_bytes() for file in files]
    commands = [words.format(*(file.name for file in files)) for words in COMMANDS]
    told = run(commands, folder, path)
    assert [file.read_bytes() for file in files] == before
    named = dict(zip(COMMANDS, (told[words] for words in commands), strict=True))
    return House(folder, request.param, named)


def test_the_guide_has_one_of_each_kind() -> None:
    files = sections()
    assert len(files) == KINDS
    assert all((ROOT / path).parent.is_dir() and not (ROOT / path).exists() for path in files)
    points = declared()["entry-points"]
    assert len(points) == KINDS
    assert {(name, module) for entries in points.values() for name, module in entries.items()} == {
        (path.stem, f"dvtr_extras.{path.stem}") for path in files
    }
    titles = re.findall(r"(?m)^\| \[([\w -]+)\]", GUIDE)
    assert [f"## A {title}" in GUIDE or f"## An {title}" in GUIDE for title in titles] == [
        True
    ] * KINDS


def test_results_that_were_there_before_have_the_metric(house: House) -> None:
    files = sorted((house.folder / "before").glob("*.json"))
    board = house.output("leaderboard before --breakdowns")
    compared = house.output("compare before/{0} before/{1}")
    house.output("export before --to csv -o csv")
    # The fixture has seen that they are as they were.
    assert not any(b"MRR" in file.read_bytes() for file in files)
    assert "MRR" in board
    assert "MRR" in compared
    ranks = np.array(toy_record("msam", rank_seed=0, best_rank=9).ranks["t2v"].strict.pessimistic)
    expected = 100 * (1 / ranks).mean()
    row = next(line for line in board.splitlines() if line.startswith("msam"))
    assert f"{expected:.1f}" in row
    figures = (house.folder / "csv" / "figures.csv").read_text().splitlines()
    stated = [line for line in figures if ",t2v,strict,MRR," in line and "msam" in line]
    assert [f"{expected:.6f}"[:8] in line for line in stated] == [True]


def test_an_export_and_a_chart_take_results_that_were_there_before(house: House) -> None:
    house.output("export before --to json_lines -o lines")
    drawn = house.output("leaderboard before --chart lollipops --chart dots")
    plotted = house.output("plot before --kind lollipops --out lollipops.pdf")
    listed = house.output("plot --help")
    lines = (house.folder / "lines" / "r1.jsonl").read_text().splitlines()
    assert [json.loads(line)["model"] for line in lines] == ["msam", "xpool"]
    picture = house.folder / "LEADERBOARD-usrd-test-lollipops.svg"
    assert f"wrote {picture.name}" in drawn
    text = picture.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    hovered = re.findall(r"<title>(\w+, T2V R@1: [\d.]+)</title>", text)
    assert [one.partition(",")[0] for one in hovered] == ["msam", "xpool"]
    assert "wrote lollipops.pdf" in plotted
    assert (house.folder / "lollipops.pdf").read_bytes().startswith(b"%PDF")
    assert "lollipops (Lollipops: a thin line and a dot at its end for each value)" in listed


def test_a_model_is_listed_with_its_settings(house: House) -> None:
    listed, shown = house.output("models"), house.output("models mean-colour")
    row = next(line for line in listed.splitlines() if line.startswith("mean_colour"))
    assert "pairwise" in row
    assert "as it is" in row
    assert row.endswith("Mean colour: the colours that a caption names, against the mean colour "
                        "of the frames.")  # fmt: skip
    assert "power  a number  [default: 1]" in shown
    assert "What the distance between two colours is raised to." in shown
    place = {"file": "baselines/models/mean_colour.py"}.get(
        house.way, "dvtr_extras/mean_colour.py (plug-in dvtr-extras 1.0)"
    )
    assert place in shown


def test_a_source_of_models_is_listed_and_evaluated(house: House) -> None:
    listed, shown = house.output("models"), house.output("models palette")
    assert re.search(r"(?m)^palette +pairwise +installed$", listed)
    assert "palette:red,green,blue, palette:white,black" in listed
    assert "sharpness  a number  [default: 4]" in shown
    house.output(EVALUATE_PALETTE)
    (file,) = (house.folder / "palettes").glob("captioned_files-*.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["model"]["name"] == "palette:red,white"
    assert record["model"]["config"]["sharpness"] == 2.0
    assert record["model"]["config"]["frames_to_video"] == "mean colour"


def test_a_dataset_is_built_by_its_own_options(house: House) -> None:
    page = " ".join(house.output("build captioned_files --help").split())
    listed, about = house.output("datasets"), house.output("info captioned_files")
    built, verified = house.output(BUILD), house.output("verify dvtr/captioned_files")
    assert "--clips <path> The folder that holds train, validation and test. [required]" in page
    assert "--most-captions <int> Captions that are taken of a clip, at most. [default: 20]" in page
    assert "captioned_files" in listed
    assert "--most-captions: captions that are taken of a clip, at most (default 20)" in about
    assert re.search(r"test +4 +8", built)
    assert "captioned_files" in verified


def test_model_breakdown_and_post_processor_make_results(house: House) -> None:
    told = house.output(EVALUATE)
    board = house.output("leaderboard results before --breakdowns")
    assert "mean_colour" in told
    assert "post-processed by inverted_softmax (inverse_temperature=20)" in told
    results = sorted((house.folder / "results").glob("captioned_files-*.json"))
    assert len(results) == 2
    for result in results:
        record = json.loads(result.read_text(encoding="utf-8"))
        assert record["model"]["config"] == {"power": 0.5}
        assert "MRR" in record["metrics"]["v2t"]["strict"]
        words = record["breakdowns"]["colour_words"]
        assert words["title"] == "Colour words"
        assert {name: one["queries"] for name, one in words["results"]["t2v"].items()} == {
            "none": 4,
            "one or more": 4,
        }
    assert "T2V R@1 by colour words" in board
    assert "usrd" in board
