"""A paper's table by one command, on clips made here and named as those of USRD and UMCRD are."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.catalog import MODELS
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import NotFoundError
from dvtr_bench.results import load_results
from tests.builders.published_forms import UMCRD, USRD, write_listed
from tests.builders.tiny_clips import TinyClips, pack
from tests.fixtures.small_clip import SMALL_CONFIG


def write_clips(folder: Path, tiny: TinyClips) -> Path:
    """Write ERA's two folders and a zip of UMCRD's clips."""
    for number, video_id in enumerate(one for listed in USRD.values() for one in listed):
        part, name = ("Tra", video_id[:-2]) if video_id.endswith(" 1") else ("Test", video_id[:-1])
        tiny.write(
            folder / "usrd" / "Videos" / part / name.rpartition("_")[0] / f"{name} .mp4", number
        )
    loose = folder.parent / "loose"
    for number, video_id in enumerate(one for listed in UMCRD.values() for one in listed):
        tiny.write(loose / f"{video_id}.mp4", number + 20)
    pack(folder / "umcrd.zip", loose)
    return folder


@pytest.mark.torture  # a smaller study goes the same way in test_docs_example.py
def test_msam_paper_from_clips_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
    write_listed(tmp_path / "annotations" / "usrd", USRD)
    write_listed(tmp_path / "annotations" / "UMCRD", UMCRD)
    write_clips(tmp_path / "clips", TinyClips())

    def run(*words: str) -> str:
        command = ["run", "msam-paper", "--set", "backbone=tiny-scratch", "--recipe", "epochs=1"]
        more = ["--recipe", "batch_size=4", "--devices", "cpu", *words]
        result = CliRunner().invoke(make_app(), [*command, *more], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    with pytest.raises(NotFoundError, match="the dataset usrd is not built under dvtr, and needs"):
        run()
    given = ("--annotations", "annotations", "--clips", "clips")
    told = run(*given)
    assert "building usrd" in told
    assert "building umcrd" in told
    for name, ids in (("usrd", USRD), ("umcrd", UMCRD)):
        split = open_dataset(name).split("test")
        assert split.video_ids == ids["test"]
        assert split.has_frames

    page = (tmp_path / "studies" / "msam-paper" / "STUDY.md").read_text(encoding="utf-8")
    usrd, umcrd = page.split("\n## ")[1:]
    for section, title, published in (
        (usrd, "usrd 1.0.0, test: 15 captions, 5 videos", ("29.9", "71.2")),
        (umcrd, "umcrd 1.0.0, test: 15 captions, 5 videos", ("49.5", "84.0")),
    ):
        assert section.startswith(title)
        measured, reported = section.split("*MSAM as published, arXiv 2510.15470*")
        # Every model has a measured row with an interval above what the paper reports.
        rows = re.findall(r"^\| ([\w\\]+) \| \d+\.\d<br><sub>\d+\.\d–", measured, re.MULTILINE)
        assert sorted(row.replace("\\", "") for row in rows) == sorted(MODELS.names())
        assert reported.startswith(f" | *{published[0]}* | *{published[1]}* |")
    leaderboard = (tmp_path / "studies" / "msam-paper" / "LEADERBOARD.md").read_text()
    assert leaderboard.count("As published, not measured here") == 2
    records = load_results("results")
    assert {record.dataset.name for record in records} == {"usrd", "umcrd"}
    assert {record.model.seeds for record in records} == {(), (42,)}

    before = {path: path.stat().st_mtime_ns for path in Path("results").iterdir()}
    told = run(*given, "--only", "xpool")
    assert " of 2 · " not in told
    assert {path: path.stat().st_mtime_ns for path in Path("results").iterdir()} == before
