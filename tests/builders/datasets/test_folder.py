"""Building one's own clips: what is kept, what is drawn, what `load_dataset` reads back."""

import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import load_dataset
from PIL import Image

from builders.build import build
from builders.engine.settings import BuildSettings, FrameSettings
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.dataset.split import RetrievalSplit
from dvtr_bench.errors import DvtrError, InputError, OutputExistsError
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling
from tests.builders.conftest import FolderBuilder


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    dataset = open_dataset(folder)
    return {
        row["video_id"]: {**row, "split": name}
        for name in dataset.split_names
        for row in map(dataset.split(name).row, range(len(dataset.split(name).video_ids)))
    }


def test_load_dataset_reads_what_was_built(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    built = folder_builder.build()
    monkeypatch.chdir(folder_builder.root.parent)
    cache = str(folder_builder.root.parent / "cache")
    loaded = load_dataset("dvtr/mine", cache_dir=cache)
    assert {name: len(split) for name, split in loaded.items()} == {
        "train": 3,
        "validation": 1,
        "test": 1,
    }
    for name, rows in loaded.items():
        split = built.dataset.split(name)
        assert isinstance(split, RetrievalSplit)
        assert tuple(rows["video_id"]) == split.video_ids
        for number, row in enumerate(rows):
            ours = split.frames(number)
            assert len(row["frames"]) == len(ours) == 12
            for theirs, mine in zip(row["frames"], ours, strict=True):
                np.testing.assert_array_equal(np.asarray(theirs), mine)
            assert {key: row[key] for key in split.row(number)} == split.row(number)
        captions = load_dataset("dvtr/mine", "captions", split=name, cache_dir=cache)
        assert tuple(captions["caption_id"]) == split.caption_ids
        assert tuple(captions["caption"]) == split.captions
        qrels = load_dataset("dvtr/mine", "qrels", split=name, cache_dir=cache)
        assert tuple(qrels["query-id"]) == split.caption_ids
        assert [split.video_ids.index(one) for one in qrels["corpus-id"]] == list(
            split.caption_video_index
        )
        assert set(qrels["score"]) == {1}


def test_streaming_reads_the_same(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    built = folder_builder.build()
    monkeypatch.chdir(folder_builder.root.parent)
    rows = list(load_dataset("dvtr/mine", split="train", streaming=True))
    assert tuple(row["video_id"] for row in rows) == built.dataset.split("train").video_ids
    assert rows[0]["frames"][0].size == (298, 224)


def test_facts_of_a_clip(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    row = rows_of(folder_builder.build().dataset.folder)["a"]
    assert row["source_num_frames"] == 12
    assert (row["source_width_px"], row["source_height_px"]) == (64, 48)
    assert row["source_fps"] == pytest.approx(12)
    assert row["duration_seconds"] == pytest.approx(1)
    assert row["frame_pts_seconds"] == pytest.approx([i / 12 for i in range(12)])
    assert row["source_codec"] == "h264"


def test_settings_reach_the_frames(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    frames = FrameSettings(Sampling.parse("1fps"), FrameFormat("png"))
    built = folder_builder.build(settings={"frames": frames})
    assert built.dataset.manifest.frames is not None
    assert built.dataset.manifest.frames.sampling == "1fps:12"
    (data,) = built.dataset.split("test").encoded_frames(0)
    assert Image.open(io.BytesIO(data)).format == "PNG"


def test_several_captions_a_clip_and_columns_of_ones_own(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mov"])
    folder_builder.table_of(
        "file_name,caption,split,category,licence,annotator,clip_sha256\n"
        "b.mov,first,test,boats,MIT,ann,x\na.mp4,other,train,,,ann,y\nb.mov,second,test,boats,MIT,bob,x\n"
    )
    built = folder_builder.build()
    rows = rows_of(built.dataset.folder)
    assert rows["b"]["captions"] == ["first", "second"]
    assert rows["b"]["category"] == "boats"
    assert rows["a"]["category"] is None
    assert rows["b"]["licence"] == "MIT"
    assert rows["a"]["licence"] is None
    assert rows["b"]["annotator"] == ["ann", "bob"]
    assert rows["b"]["clip_sha256_in_table"] == "x"
    assert built.dataset.manifest.extra_columns == ("licence", "annotator", "clip_sha256_in_table")
    assert "There are no validation clips" in built.dataset.manifest.notes[-1]
    assert built.dataset.split("test").caption_ids == ("b#0", "b#1")


def test_an_id_that_numbers_rows_is_not_the_clips(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mp4"])
    rows = "1,a.mp4,one\n2,a.mp4,two\n3,b.mp4,three\n"
    folder_builder.table_of(f"id,file_name,caption\n{rows}")
    built = folder_builder.build(settings={"frames": None})
    found = rows_of(built.dataset.folder)
    assert {key: row["captions"] for key, row in found.items()} == {
        "a": ["one", "two"],
        "b": ["three"],
    }
    assert found["a"]["id"] == ["1", "2"]
    assert "The column 'id' numbers rows: clips are named by 'file_name'." in (
        built.dataset.manifest.notes
    )
    folder_builder.table_of("id,file_name,caption\n1,a.mp4,one\n2,b.mp4,two\n")
    counted = folder_builder.build(settings={"frames": None, "name": "counted"})
    assert set(rows_of(counted.dataset.folder)) == {"a", "b"}
    folder_builder.table_of("id,file_name,caption\n7,a.mp4,one\n5,b.mp4,two\n")
    named = folder_builder.build(settings={"frames": None, "name": "named"})
    assert set(rows_of(named.dataset.folder)) == {"7", "5"}
    folder_builder.table_of("id,caption\na,one\nb,two\n")
    alone = folder_builder.build(settings={"frames": None, "name": "alone"})
    assert set(rows_of(alone.dataset.folder)) == {"a", "b"}


def test_missing_values_and_repeated_rows_are_counted(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mp4"])
    folder_builder.table_of(
        "file_name,captions,annotator\n"
        "a.mp4,\"['one', None]\",ann\nb.mp4,two,ann\nb.mp4,two,ann\nb.mp4,two,bob\nb.mp4,two,ann\n"
    )
    built = folder_builder.build(settings={"frames": None})
    notes = built.dataset.manifest.notes
    assert "1 missing value (None, nan, null) among the captions was left out." in notes
    assert any(note.startswith("2 rows repeat the clip, the captions") for note in notes)
    assert built.report is not None
    assert set(notes[:3]) <= set(built.report.notes)
    found = rows_of(built.dataset.folder)
    assert found["a"]["captions"] == ["one"]
    assert found["b"]["captions"] == ["two"] * 4


def test_a_category_that_some_rows_leave_empty(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4"])
    folder_builder.table_of("file_name,caption,category\na.mp4,one,\na.mp4,two,boats\n")
    built = folder_builder.build(settings={"frames": None})
    assert rows_of(built.dataset.folder)["a"]["category"] == "boats"


def test_rows_of_a_clip_may_stand_anywhere(folder_builder: FolderBuilder) -> None:
    names = [f"{number:03d}.mp4" for number in range(300)]
    rows = [f"{name},caption {turn} of {name}" for turn in range(3) for name in names]
    folder_builder.table_of("file_name,caption\n" + "\n".join(rows) + "\n")
    built = folder_builder.build(settings={"frames": None}, clips=None)
    found = rows_of(built.dataset.folder)
    assert {key: row["captions"] for key, row in found.items()} == {
        name[:3]: [f"caption {turn} of {name}" for turn in range(3)] for name in names
    }


def test_groups_stay_in_one_split(folder_builder: FolderBuilder) -> None:
    names = [f"{i}.mp4" for i in range(9)]
    folder_builder.tiny.write_folder(folder_builder.clips, names)
    lines = [f"{name},clip {name},site{number % 3}" for number, name in enumerate(names)]
    folder_builder.table_of("file_name,caption,site\n" + "\n".join(lines) + "\n")
    built = folder_builder.build(group_by="site", settings={"frames": None})
    rows = rows_of(built.dataset.folder)
    splits = {row["site"]: set() for row in rows.values()}
    for row in rows.values():
        splits[row["site"]].add(row["split"])
    assert all(len(names) == 1 for names in splits.values())
    assert {row["split"] for row in rows.values()} == {"train", "validation", "test"}
    assert "3 groups" in built.dataset.manifest.notes[0]


def test_groups_that_cross_given_splits_are_noted(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mp4"])
    folder_builder.table_of(
        "file_name,caption,split,group\na.mp4,x,train,flight 7\nb.mp4,y,test,flight 7\n"
    )
    built = folder_builder.build(settings={"frames": None})
    assert any("'flight 7'" in note for note in built.dataset.manifest.notes)


def test_hugging_face_folders(folder_builder: FolderBuilder) -> None:
    clips = folder_builder.clips
    folder_builder.tiny.write_folder(clips, ["train/a.mp4", "train/b.mp4", "test/a.mp4"])
    (clips / "train" / "metadata.csv").write_text("file_name,text\na.mp4,one\nb.mp4,two\n")
    (clips / "test" / "metadata.jsonl").write_text(
        json.dumps({"file_name": "a.mp4", "text": "three"}) + "\n"
    )
    built = build(
        "folder",
        {"clips": clips},
        BuildSettings(root=folder_builder.root, name="hf", workers=0, progress=False),
    )
    assert {key: row["split"] for key, row in rows_of(built.dataset.folder).items()} == {
        "train__a": "train",
        "train__b": "train",
        "test__a": "test",
    }


def test_ids_of_ones_own(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["sub/a.mp4", "b .mp4"])
    folder_builder.table_of("video_id,file_name,caption\nX 1,sub/a.mp4,one\nY,b .mp4,two\n")
    assert set(rows_of(folder_builder.build().dataset.folder)) == {"X 1", "Y"}
    folder_builder.table_of("video_id,caption\na,one\nb ,two\n")
    built = folder_builder.build(settings={"name": "by-id"})
    assert set(rows_of(built.dataset.folder)) == {"a", "b "}


def test_links_to_clips_elsewhere(folder_builder: FolderBuilder, tmp_path: Path) -> None:
    elsewhere = folder_builder.tiny.write(tmp_path / "elsewhere" / "x.mp4")
    folder_builder.clips.mkdir()
    os.symlink(elsewhere, folder_builder.clips / "a.mp4")
    folder_builder.table_of("file_name,caption\na.mp4,one\n")
    assert set(rows_of(folder_builder.build().dataset.folder)) == {"a"}


def test_hidden_files_are_no_clips(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    (folder_builder.clips / "._a.mp4").write_bytes(b"resource fork")
    folder_builder.tiny.write(folder_builder.clips / "__MACOSX" / "a.mp4")
    assert len(rows_of(folder_builder.build().dataset.folder)) == 5


def test_identical_files_are_reported(folder_builder: FolderBuilder) -> None:
    for name in ("a.mp4", "b.mp4"):
        folder_builder.tiny.write(folder_builder.clips / name, 3)
    folder_builder.table_of("file_name,caption\na.mp4,one\nb.mp4,two\n")
    report = folder_builder.build().report
    assert report is not None
    assert report.clips is not None
    assert report.clips.identical_files == (("a", "b"),)


def test_real_captions_are_split_by_source(real_clips: Path, tmp_path: Path) -> None:
    options = {"captions": real_clips / "captions.csv", "group_by": "source"}
    settings = BuildSettings(root=tmp_path, name="mine", frames=None, progress=False)
    rows = rows_of(build("folder", options, settings).dataset.folder)
    assert len(rows) == 48
    splits: dict[str, set[str]] = {}
    for row in rows.values():
        splits.setdefault(row["source"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {row["split"] for row in rows.values()} == {"train", "validation", "test"}


@pytest.mark.slow
def test_real_clips_read_back_equal(
    real_clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = sorted((real_clips / "clips").glob("*.mp4"), key=lambda path: path.stat().st_size)[:8]
    clips = tmp_path / "clips"
    clips.mkdir()
    for path in chosen:
        (clips / path.name).symlink_to(path)
    lines = (real_clips / "captions.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    names = {path.name for path in chosen}
    table = tmp_path / "captions.csv"
    table.write_text(lines[0] + "".join(x for x in lines if x.split(",")[0] in names), "utf-8")
    settings = BuildSettings(root=tmp_path / "dvtr", name="mine", workers=0, progress=False)
    built = build("folder", {"clips": clips, "captions": table}, settings)
    monkeypatch.chdir(tmp_path)
    loaded = load_dataset("dvtr/mine", cache_dir=str(tmp_path / "cache"))
    assert sum(len(rows) for rows in loaded.values()) == 8
    for name, rows in loaded.items():
        split = built.dataset.split(name)
        for number, row in enumerate(rows):
            for theirs, ours in zip(row["frames"], split.frames(number), strict=True):
                np.testing.assert_array_equal(np.asarray(theirs), ours)
            assert {key: row[key] for key in split.row(number)} == split.row(number)
            path = clips / f"{row['video_id']}.mp4"
            assert row["clip_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_version_is_said_and_makes_another_dataset(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    first = folder_builder.build(settings={"frames": None}).dataset
    assert first.manifest.version == "1.0.0"
    table = folder_builder.table
    text = table.read_text()
    table.write_text(text.replace("clip a", "a boat"))
    with pytest.raises(OutputExistsError, match="other clips, captions or settings"):
        folder_builder.build(settings={"frames": None})
    table.write_text(text)
    beside = folder_builder.build(settings={"frames": None}, version="1.1.0").dataset
    assert (beside.folder.name, beside.manifest.version) == ("mine@1.1.0", "1.1.0")
    later = folder_builder.build(settings={"frames": None, "overwrite": True}, version="1.2.0")
    assert (later.dataset.folder.name, later.dataset.manifest.version) == ("mine", "1.2.0")
    for one in (beside, later.dataset):
        assert one.manifest.fingerprint == first.manifest.fingerprint
    with pytest.raises(InputError, match=r"MAJOR\.MINOR\.PATCH"):
        folder_builder.build(version="2")


BIBTEX = "@misc{mine,\n  title = {Clips from above},\n  author = {Doe, Jane},\n  year = {2026}\n}"


def test_licence_citation_and_language_are_the_builders_own(
    folder_builder: FolderBuilder, tmp_path: Path
) -> None:
    folder_builder.five_clips()
    cited = tmp_path / "mine.bib"
    cited.write_text(f"\n{BIBTEX}\n", encoding="utf-8")
    built = folder_builder.build(licence="cc-by-4.0", citation=cited, language="zh-Hans")
    manifest = built.dataset.manifest
    assert (manifest.licence.id, manifest.citation, manifest.language) == (
        "cc-by-4.0",
        BIBTEX,
        "zh-Hans",
    )
    card = (built.dataset.folder / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card
    assert "language:\n- zh-Hans" in card
    assert f"```bibtex\n{BIBTEX}\n```" in card
    with pytest.raises(OutputExistsError, match="holds another dataset"):
        folder_builder.build(licence="mit", citation=cited, language="zh-Hans")
    cited.write_text(BIBTEX, encoding="utf-8-sig")  # as Windows' Notepad writes it
    again = folder_builder.build(licence="cc-by-4.0", citation=cited, language="zh-Hans")
    assert again.report is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"licence": "My own!"}, "--licence 'My own!' is no licence"),
        ({"language": "Klingon"}, "--language 'Klingon' is no language tag"),
        ({"citation": Path("nowhere.bib")}, "nowhere.bib: cannot be read"),
        ({"citation": b"Doe 2026, Clips from above"}, "no BibTeX"),
        ({"citation": b"@misc{a, note = {```}}"}, "no BibTeX"),
        ({"citation": b"@misc{\xff}"}, "not a text file in UTF-8"),
    ],
)
def test_terms_that_no_card_can_hold_are_refused(
    folder_builder: FolderBuilder, tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    folder_builder.five_clips()
    if isinstance(given.get("citation"), bytes):
        (tmp_path / "mine.bib").write_bytes(given["citation"])
        given = {"citation": tmp_path / "mine.bib"}
    with pytest.raises(DvtrError, match=re.escape(message)):
        folder_builder.build(**given)
    assert not (tmp_path / "dvtr" / "mine").exists()
