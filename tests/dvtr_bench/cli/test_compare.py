"""`dvtr-bench compare` on a built dataset: table, page and contact sheet."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import IncomparableError, NotFoundError, ResultError
from dvtr_bench.reports.contact_sheet import RELEVANT
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.scored_runs import scored_run

SPLITS = ["train"] * 2 + ["validation"] + ["test"] * 5


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with a dataset `toy` and the results a.json, which is never right, and b.json."""
    tmp_path = tmp_path_factory.mktemp("compare")
    names = [f"clip {number}.mp4" for number in range(len(SPLITS))]
    clips = TinyClips().write_folder(tmp_path / "clips", names)
    table = tmp_path / "captions.csv"
    rows = [f"{n},the {n[:-4]},a view of {n[:-4]},{s}" for n, s in zip(names, SPLITS, strict=True)]
    table.write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    settings = BuildSettings(root=tmp_path / "dvtr", name="toy", workers=0, progress=False)
    build("folder", {"clips": clips, "captions": table}, settings)
    split = open_dataset(tmp_path / "dvtr" / "toy").split("test")
    own = split.caption_video_index
    right = np.zeros((10, 5))
    right[np.arange(10), own] = 1.0
    right += np.random.default_rng(0).random(right.shape) / 10
    for name, scores in (("a", -right), ("b", right)):
        file = scored_run(
            tmp_path / name, scores, own, split.video_ids, split.caption_ids, f"model {name}",
            split.captions, name="toy", version=split.dataset_version,
            fingerprint=split.fingerprint, split="test",
        )  # fmt: skip
        for path in (file.path, file.path.with_name(file.path.stem + ".top.parquet")):
            path.rename(tmp_path / (name + path.name.removeprefix(file.path.stem)))
    return tmp_path


@pytest.fixture
def made(kept, tmp_path, monkeypatch):
    """A copy of that folder to work in."""
    shutil.copytree(kept, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "work"


def run(*words: str) -> str:
    result = CliRunner().invoke(make_app(), ["compare", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_table_page_and_sheet(made: Path) -> None:
    told = run("a.json", "b.json", "--queries", "4", "--sheet", "s/c.png", "--output", "c.md")
    assert "a view of clip " in told
    assert "+100.0" in told
    assert "wrote s/c.png" in told
    page = (made / "c.md").read_text(encoding="utf-8")
    assert "](s/c.png)" in page
    assert "a view of clip" in page
    with Image.open(made / "s" / "c.png") as image:
        green = (np.asarray(image) == RELEVANT).all(axis=2).any(axis=1)
    # Every row shows all five clips, so each of three captions has the right one in both rows.
    starts = np.flatnonzero(np.diff(green.astype(int)) == 1)
    assert len(starts) >= 6


def test_without_the_dataset_the_table_stands_and_the_reason_is_told(made: Path) -> None:
    caption_ids = open_dataset("toy").split("test").caption_ids
    (made / "dvtr").rename(made / "elsewhere")
    told = run("a.json", "b.json")
    assert "no caption texts and no clips to draw: no dataset is built at dvtr/toy" in told
    assert all(name in told for name in caption_ids)
    assert "a view of" not in told
    assert not (made / "comparison.png").exists()


def test_another_build_of_the_dataset_is_not_drawn(made: Path) -> None:
    manifest = made / "dvtr" / "toy" / "dataset.json"
    content = json.loads(manifest.read_text())
    content["fingerprint"] = "0" * 64
    manifest.write_text(json.dumps(content))
    assert "is another build of the dataset (fingerprint 000000000000" in run("a.json", "b.json")
    assert not (made / "comparison.png").exists()


def test_no_sheet_when_none_is_wanted_or_nothing_changed(made: Path) -> None:
    run("a.json", "b.json", "--no-sheet")
    run("a.json", "a.json")
    assert list(made.glob("*.png")) == []


def test_what_may_not_be_compared_is_refused(made: Path, tmp_path: Path) -> None:
    split = open_dataset("toy").split("test")
    other = scored_run(
        tmp_path / "other", np.eye(10)[:, :5], split.caption_video_index, split.video_ids,
        split.caption_ids,
    )  # fmt: skip
    with pytest.raises(IncomparableError, match="must not share a table"):
        run("a.json", str(other.path))
    with pytest.raises(NotFoundError, match=r"no result at c\.json"):
        run("a.json", "c.json")


def test_lists_that_name_other_videos_are_refused(made: Path) -> None:
    path = made / "b.top.parquet"
    table = pq.read_table(path).to_pylist()
    for row in table:
        if row["direction"] == "t2v":
            row["candidate_ids"][-1] = "../stranger"
    pq.write_table(pa.Table.from_pylist(table), path)
    with pytest.raises(ResultError, match=r"run B name the video '\.\./stranger'"):
        run("a.json", "b.json")
