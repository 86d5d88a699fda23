"""MSR-VTT in the forms in which it is published, small, and once with its real counts."""

import json
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import msrvtt
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError
from tests.builders.published_forms import coco_json, msrvtt_json, write_msrvtt
from tests.builders.tiny_clips import TinyClips

TRAIN, TEST = (3, 0, 6600, 7011), (7020, 7010, 9999)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_msrvtt(tmp_path / "msrvtt", TRAIN, TEST, captions_per_video=4)


def test_the_1k_a_split(folder: Path) -> None:
    source = msrvtt.read(msrvtt.Options(folder))
    assert [(clip.video_id, clip.split, clip.category) for clip in source.clips] == [
        ("video3", "train", "sports/actions"),
        ("video0", "train", "music"),
        ("video6600", "train", "music"),
        ("video7011", "train", "travel"),
        ("video7020", "test", "music"),
        ("video7010", "test", "howto"),
        ("video9999", "test", "advertisement"),
    ]
    assert source.clips[0].captions == tuple(f"caption {n} of clip 3" for n in range(4))
    assert source.clips[4].captions == ("caption 3 of clip 7020",)
    assert source.clips[0].extra == {
        "source_url": "https://www.youtube.com/watch?v=source1",
        "source_start_seconds": 4.5,
        "source_end_seconds": 14.75,
    }
    assert source.info.version == "1.0.0+1k-a"
    assert [record.is_published_file for record in source.sources] == [None, None, None]
    assert source.notes[0].startswith("No published SHA-256 is known of the annotation files MSRV")
    assert "test 3/3; published train 9,000/180,000, test 1,000/1,000." in source.notes[0]


def test_validation_is_carved_out_of_train(folder: Path) -> None:
    source = msrvtt.read(msrvtt.Options(folder, validation_fraction=0.25))
    splits = [clip.split for clip in source.clips]
    assert (splits.count("train"), splits.count("validation"), splits.count("test")) == (3, 1, 3)
    assert source.info.version == "1.0.0+1k-a.validation.0.25"
    assert any("ours, not MSR-VTT 1k-a's" in note for note in source.notes)


def test_the_full_split_in_both_json_forms(folder: Path, tmp_path: Path) -> None:
    whole = msrvtt.read(msrvtt.Options(folder, split="full"))
    assert [(clip.video_id, clip.split) for clip in whole.clips] == [
        ("video0", "train"),
        ("video3", "train"),
        ("video6600", "validation"),
        ("video7010", "test"),
        ("video7011", "test"),
        ("video7020", "test"),
        ("video9999", "test"),
    ]
    assert all(len(clip.captions) == 4 for clip in whole.clips)
    assert whole.info.name == "msrvtt-full"
    two = tmp_path / "two"
    two.mkdir()
    for name, numbers in (("train_val", (0, 3, 6600)), ("test", (7010, 7011, 7020, 9999))):
        text = json.dumps(msrvtt_json(numbers, 4))
        (two / f"{name}_videodatainfo.json").write_text(text)
    assert msrvtt.read(msrvtt.Options(two, split="full")).clips == whole.clips


@pytest.mark.parametrize("split", ["1k-a", "full"])
def test_the_json_of_frozen_in_time(folder: Path, split: str) -> None:
    own = msrvtt.read(msrvtt.Options(folder, split=split))
    (folder / "MSRVTT_data.json").unlink()
    path = folder / "MSR_VTT.json"
    path.write_text(json.dumps(coco_json((*TRAIN, *TEST), 4)))
    source = msrvtt.read(msrvtt.Options(folder, split=split))
    assert [(clip.video_id, clip.split, clip.captions) for clip in source.clips] == [
        (clip.video_id, clip.split, clip.captions) for clip in own.clips
    ]
    assert {clip.category for clip in source.clips} == {None}
    assert set(source.clips[0].extra.values()) == {None}
    assert source.sources[0].name == "MSR_VTT.json"
    path.write_text(path.read_text().replace("image_id", "clip"))
    with pytest.raises(AnnotationError, match=r"of COCO.*failed at KeyError 'image_id'"):
        msrvtt.read(msrvtt.Options(folder, split=split))


def test_the_json_of_2017_names_other_splits(tmp_path: Path) -> None:
    content = json.loads(json.dumps(msrvtt_json((1, 7010), 1)))
    for video in content["videos"]:
        video["split"] = "train"
    (tmp_path / "videodatainfo_2017.json").write_text(json.dumps(content))
    source = msrvtt.read(msrvtt.Options(tmp_path, split="full"))
    assert [clip.split for clip in source.clips] == ["train", "test"]
    assert "another split for 1 video " in source.notes[-1]


def test_published_counts(tmp_path: Path) -> None:
    test = range(7010, 8010)
    train = [number for number in range(10_000) if number not in test]
    folder = write_msrvtt(tmp_path, train, test)
    for split in ("1k-a", "full"):
        source = msrvtt.read(msrvtt.Options(folder, split=split))
        assert "videos and captions by split: as published." in source.notes[0]
    # One video less is seen, although no checksum is known.
    write_msrvtt(tmp_path, train[1:], test)
    source = msrvtt.read(msrvtt.Options(folder))
    assert "train 8,999/179,980, test 1,000/1,000; published" in source.notes[0]


def test_a_semicolon_table_and_foreign_test_captions(folder: Path) -> None:
    path = folder / "MSRVTT_JSFUSION_test.csv"
    text = path.read_text().replace(",", ";").replace("caption 3 of clip 7010", "another, one")
    path.write_text(text)
    source = msrvtt.read(msrvtt.Options(folder))
    assert source.clips[5].captions == ("another, one",)
    assert "1 test captions are none of their video's own" in source.notes[2]


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("MSRVTT_train.9k.csv", "video3\n", "video4\n", "'video4' is not in MSR-VTT's JSON"),
        ("MSRVTT_train.9k.csv", "video3\n", "video7010\n", "1 ids are in both.*'video7010'"),
        ("MSRVTT_train.9k.csv", "video3\n", "video0\n", "line 3: 'video0' occurs twice"),
        ("MSRVTT_train.9k.csv", "video_id\n", "id\n", "expected the columns video_id"),
        ("MSRVTT_data.json", '"videos"', '"clips"', "expected .*failed at KeyError 'videos'"),
        ("MSRVTT_data.json", '"video7010"', '"../7010"', r"ids such as 'video7010', found '\.\./"),
        ("MSRVTT_data.json", '"category": 3', '"category": 20', "from 0 to 19, found 20"),
        ("MSRVTT_data.json", "}", "", "not JSON"),
    ],
)
def test_files_that_say_something_impossible(
    folder: Path, name: str, before: str, after: str, message: str
) -> None:
    path = folder / name
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(AnnotationError, match=f"(?s){message}"):
        msrvtt.read(msrvtt.Options(folder))


def test_missing_files_and_wrong_options(folder: Path) -> None:
    (folder / "MSRVTT_train.9k.csv").unlink()
    with pytest.raises(NotFoundError, match=r"MSRVTT_train\.9k\.csv.*found MSRVTT_JSF.*msrvtt_dat"):
        msrvtt.read(msrvtt.Options(folder))
    assert msrvtt.read(msrvtt.Options(folder, split="full"))
    with pytest.raises(ConfigError, match="--split 1k-b: expected 1k-a or full"):
        msrvtt.Options(folder, split="1k-b")
    with pytest.raises(ConfigError, match="the full split has a validation split"):
        msrvtt.Options(folder, split="full", validation_fraction=0.1)


def test_a_build_with_clips(folder: Path, tmp_path: Path, tiny_clips: TinyClips) -> None:
    names = [f"all/video{number}.mp4" for number in (*TRAIN, *TEST)]
    clips = tiny_clips.write_folder(tmp_path / "clips", names)
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    built = build("msrvtt", {"annotations": folder, "clips": clips}, settings).dataset
    assert built.folder.name == "msrvtt"
    assert built.split("test").captions[1] == "caption 3 of clip 7010"
    card = (built.folder / "README.md").read_text()
    assert "No published SHA-256 is known" in card
    assert "xu2016msrvtt" in card
