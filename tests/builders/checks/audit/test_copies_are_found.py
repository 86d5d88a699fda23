"""Copies made by ffmpeg are found as near-duplicates, different clips are not."""

from pathlib import Path

import cv2
import ffmpeg
import pytest
from PIL import Image

from builders.build import build
from builders.checks.audit.findings import near_duplicates
from builders.checks.audit.subject import Subject, subject_of
from builders.engine.settings import BuildSettings
from tests.builders.checks.audit.made_up import landscape
from tests.oracles.ffmpeg_binary import ffmpeg_binary

CLIPS = 4
COPIES = {
    "coarse": {"crf": 40},
    "small": {"vf": "scale=iw/2:ih/2"},
    "slower": {"r": 6},
    "brighter": {"vf": "eq=brightness=0.06"},
    "mirrored": {"vf": "hflip"},
    "cut": {"ss": 0.5},
}


def encode(source, path: Path, **options: object) -> None:
    settings = {"vcodec": "libx264", "preset": "ultrafast", "pix_fmt": "yuv420p", **options}
    command = source.output(str(path), **settings).overwrite_output()
    command.run(cmd=ffmpeg_binary(), quiet=True)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Train holds four flights over four landscapes, test a copy of each kind of the first."""
    root = tmp_path_factory.mktemp("copies")
    clips = root / "clips"
    clips.mkdir()
    rows = ["file_name,caption,split"]
    for number in range(CLIPS):
        picture = root / f"{number}.png"
        cv2.imwrite(str(picture), landscape(number, 160, 320))
        still = ffmpeg.input(str(picture), loop=1, t=1.5, framerate=12)
        encode(still.crop("20*t", "10*t", 240, 140), clips / f"flight {number}.mp4")
        rows.append(f"flight {number}.mp4,a flight,train")
    for kind, options in COPIES.items():
        encode(ffmpeg.input(str(clips / "flight 0.mp4")), clips / f"{kind}.mp4", **options)
        rows.append(f"{kind}.mp4,a copy,test")
    table = root / "captions.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    settings = BuildSettings(root=root / "dvtr", name="copies", workers=0, progress=False)
    return subject_of(build("folder", {"clips": clips, "captions": table}, settings).dataset)


def test_every_copy_and_nothing_else(dataset: Subject, tmp_path: Path) -> None:
    record = near_duplicates.find(dataset, None, False)
    assert isinstance(record, near_duplicates.Record)
    originals = {"flight 0", *COPIES}
    assert {one for pair in record.pairs for one in (pair.first_id, pair.second_id)} == originals
    leaks = {pair.second_id: pair for pair in record.pairs if pair.first_id == "flight 0"}
    assert set(leaks) == set(COPIES)
    assert {pair.second_id for pair in leaks.values() if pair.mirrored} == {"mirrored"}
    assert [pair.first_split for pair in record.pairs[: len(COPIES)]] == ["train"] * len(COPIES)
    across = record.splits[0]
    assert (across.first_split, across.second_split) == ("train", "test")
    assert (across.first_clips, across.second_clips) == (1, len(COPIES))
    near_duplicates.draw(record, dataset, None, tmp_path)
    with Image.open(tmp_path / near_duplicates.SHEET) as sheet:
        assert sheet.size[1] > 200 * min(len(record.pairs), near_duplicates.DRAWN_PAIRS)


def test_across_datasets(dataset: Subject) -> None:
    train = Subject("one", "1.0.0", "a" * 64, {"train": dataset.splits["train"]})
    test = Subject("other", "1.0.0", "b" * 64, {"test": dataset.splits["test"]})
    record = near_duplicates.find(train, test, False)
    assert isinstance(record, near_duplicates.Record)
    assert {(one.first_split, one.second_split) for one in record.pairs} == {
        ("one train", "other test")
    }
    assert len(record.pairs) == len(COPIES)
