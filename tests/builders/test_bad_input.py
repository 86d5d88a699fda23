"""Every kind of bad input gets one clear message and leaves no dataset behind."""

import os
import re
from pathlib import Path

import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import (
    AnnotationError,
    BuildError,
    ConfigError,
    DvtrError,
    MissingClipsError,
    NotFoundError,
)
from tests.builders.conftest import FolderBuilder


def refused(builder: FolderBuilder, kind: type[DvtrError], message: str, **options: object) -> str:
    with pytest.raises(kind, match=f"(?s){message}") as caught:
        builder.build(**options)
    assert not (builder.root / "mine").exists()
    return str(caught.value)


def test_a_folder_without_clips(folder_builder: FolderBuilder) -> None:
    folder_builder.clips.mkdir()
    (folder_builder.clips / "notes.txt").write_text("x")
    folder_builder.table_of("file_name,caption\na.mp4,x\n")
    refused(folder_builder, NotFoundError, r"there are no clips in it.*found 1 other files")


def test_no_such_folder(folder_builder: FolderBuilder) -> None:
    folder_builder.table_of("file_name,caption\na.mp4,x\n")
    refused(folder_builder, NotFoundError, r"expected a folder of clips, a \.zip.*found nothing")


def test_a_table_that_names_a_missing_clip(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    table = folder_builder.table
    table.write_text(table.read_text().replace("c.mp4", "cc.mp4"))
    told = refused(
        folder_builder,
        MissingClipsError,
        r"ids without a clip: 1\n.*'cc'.*captions\.csv, line 4 \(there is c\.mp4\)"
        r".*clips without a caption: 1\n.*'c\.mp4'.*--missing drop",
    )
    assert told.count("\n") < 8


def test_clips_without_captions_are_dropped_when_asked(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    whole = folder_builder.build().dataset.manifest
    folder_builder.tiny.write(folder_builder.clips / "extra.mp4", 9)
    built = folder_builder.build(settings={"missing": "drop", "name": "dropped"})
    assert built.dataset.manifest.left_out == {"clips without a caption": 1}
    assert built.report is not None
    assert built.report.left_out == {"clips without a caption": ("extra.mp4",)}
    assert built.dataset.manifest.fingerprint == whole.fingerprint
    (folder_builder.clips / "a.mp4").unlink()
    smaller = folder_builder.build(settings={"missing": "drop", "name": "smaller"})
    assert smaller.dataset.manifest.fingerprint != whole.fingerprint


def test_all_broken_clips_are_listed_at_once(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    clips = folder_builder.clips
    whole = (clips / "a.mp4").read_bytes()
    (clips / "a.mp4").write_bytes(whole[: len(whole) // 2])
    (clips / "b.mp4").write_text("I am no video\n" * 100)
    (clips / "c.mp4").write_bytes(b"")
    folder_builder.tiny.write_silent(clips / "d.mp4")
    told = refused(folder_builder, MissingClipsError, "mine: broken clips: 4\n.*--missing drop")
    for name in "abcd":
        assert re.search(rf"'{name}': .*{name}\.mp4", told)
    built = folder_builder.build(settings={"missing": "drop"})
    assert built.dataset.manifest.left_out == {"broken clips": 4}
    assert sum(split.num_videos for split in built.dataset.manifest.splits.values()) == 1


def test_the_folder_above_the_clips_is_named(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    clips = folder_builder.clips
    clips.rename(clips.with_name("flight"))
    clips.mkdir()
    clips.with_name("flight").rename(clips / "flight")
    told = refused(folder_builder, MissingClipsError, "none of 5 ids has a clip")
    assert "All of them are in flight/: did you mean that folder with --clips?" in told
    folder_builder.tiny.write(clips / "other.mp4")
    told = refused(folder_builder, MissingClipsError, "none of 5 ids has a clip")
    assert "All of them" not in told


def test_advice_is_given_where_it_is_read(folder_builder: FolderBuilder) -> None:
    names = [f"flight_{number:02d}" for number in range(12)]
    folder_builder.tiny.write_folder(folder_builder.clips, [f"{name}.mp4" for name in names])
    rows = "\n".join(f"{name.title()}.mp4,a field" for name in names)
    folder_builder.table_of(f"file_name,caption\n{rows}\n")
    told = refused(folder_builder, MissingClipsError, "none of 12 ids has a clip")
    assert told.count("\n  - 'flight_") == 10
    assert "12 ids are names of files but for capital letters: 'Flight_00' was sought" in told
    folder_builder.tiny.write(folder_builder.clips / "a.mp4")
    folder_builder.table_of(f"file_name,caption\n{rows}\na.mp4,a road\n")
    told = refused(folder_builder, MissingClipsError, "ids without a clip: 12")
    assert told.count("(there is flight_") == 10


def test_no_clip_can_be_decoded(folder_builder: FolderBuilder) -> None:
    folder_builder.clips.mkdir()
    (folder_builder.clips / "a.mp4").write_text("no video")
    folder_builder.table_of("file_name,caption\na.mp4,x\n")
    with pytest.raises(MissingClipsError, match="not one of 1 clip can be decoded"):
        folder_builder.build(settings={"missing": "drop"})
    assert [path.name for path in folder_builder.root.iterdir()] == ["mine.build-report.json"]


def test_captions_without_words(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    folder_builder.table_of("file_name,caption\na.mp4,\nb.mp4,x\nc.mp4,  \n")
    refused(
        folder_builder,
        AnnotationError,
        "problems found: 2.*line 2: a caption without words.*line 4",
    )


def test_one_file_under_two_ids(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    folder_builder.table_of("video_id,file_name,caption\nx,a.mp4,one\ny,a.mp4,two\n")
    refused(folder_builder, AnnotationError, r"a\.mp4 is named by two ids, 'x' and 'y'")
    os.link(folder_builder.clips / "a.mp4", folder_builder.clips / "same.mp4")
    folder_builder.table_of("file_name,caption\na.mp4,one\nsame.mp4,two\n")
    refused(folder_builder, AnnotationError, r"the same file as same\.mp4")


def test_one_id_for_two_files_of_which_one_has_two_ids(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    folder_builder.table_of("video_id,file_name,caption\nx,a.mp4,one\nx,b.mp4,two\ny,b.mp4,three\n")
    told = refused(folder_builder, AnnotationError, r"'x' names two files, a\.mp4 and b\.mp4")
    assert "the file b.mp4 is named by two ids, 'x' and 'y'" in told


def test_one_id_for_two_files(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["x/b.mp4", "b.mp4"])
    folder_builder.table_of("video_id,caption\nb,one\n")
    refused(folder_builder, AnnotationError, r"'b' matches several files: .*add a column file_name")


@pytest.mark.parametrize(
    "name", ["../a.mp4", "x/../../a.mp4", "/etc/a.mp4", "x\\a.mp4", "..", "./", "C:\\a.mp4"]
)
def test_file_names_that_leave_the_folder(folder_builder: FolderBuilder, name: str) -> None:
    folder_builder.five_clips()
    folder_builder.table_of(f"file_name,caption\n{name},one\n")
    refused(folder_builder, AnnotationError, "line 2: the file name .* is not inside the folder")


@pytest.mark.parametrize(
    ("video_id", "reason"),
    [
        ("x/y", "contains a slash"),
        ("..", "is not a name"),
        ("x\\y", "contains a slash"),
        ("x\ty", "control character"),
        ("x" * 201, "longer than 200 bytes"),
    ],
)
def test_ids_that_are_no_file_names(
    folder_builder: FolderBuilder, video_id: str, reason: str
) -> None:
    folder_builder.five_clips()
    folder_builder.table_of(f"video_id,file_name,caption\n{video_id},a.mp4,one\n")
    refused(folder_builder, AnnotationError, f"line 2: the id .*{reason}")


def test_another_encoding(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    rows = "".join(f"{letter}.mp4,café {letter}\n" for letter in "abcde")
    folder_builder.table.write_bytes(f"file_name,caption\n{rows}".encode("cp1252"))
    refused(folder_builder, AnnotationError, "byte 0xe9 in line 2.*--encoding cp1252")
    built = folder_builder.build(encoding="cp1252")
    assert "café" in built.dataset.split("train").captions[0]


def test_contradictions_inside_a_clip(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    folder_builder.table_of("file_name,caption,split\na.mp4,x,train\na.mp4,y,test\n")
    refused(folder_builder, AnnotationError, "line 3: 'a' is in two splits: test, train")
    folder_builder.table_of("file_name,caption,group\na.mp4,x,g\na.mp4,y,h\n")
    refused(folder_builder, AnnotationError, "line 3: 'a' is in two groups")
    folder_builder.table_of("file_name,caption,category\na.mp4,x,sea\na.mp4,y,\na.mp4,y,land\n")
    refused(folder_builder, AnnotationError, "line 4: 'a' is of 2 categories: land, sea")


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a b"])
def test_dataset_names(folder_builder: FolderBuilder, name: str) -> None:
    folder_builder.five_clips()
    with pytest.raises(ConfigError, match="--name"):
        folder_builder.build(settings={"name": name})


def test_options_of_other_datasets(folder_builder: FolderBuilder, tmp_path: Path) -> None:
    folder_builder.five_clips()
    refused(folder_builder, ConfigError, "--size is not an option of folder: it takes", size="full")
    settings = BuildSettings(root=tmp_path, progress=False)
    with pytest.raises(ConfigError, match="usrd needs --annotations: the folder"):
        build("usrd", {}, settings)
    with pytest.raises(ConfigError, match="folder needs --name"):
        build("folder", {"clips": folder_builder.clips}, settings)
    with pytest.raises(ConfigError, match="--clips DIR and --captions FILE"):
        build("folder", {"name": "x"}, settings)
    with pytest.raises(NotFoundError, match="did you mean usrd"):
        build("usr", {}, settings)


def test_a_folder_that_is_no_dataset_is_never_replaced(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    precious = folder_builder.root / "mine" / "thesis.tex"
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    with pytest.raises(BuildError, match="holds no dataset of ours"):
        folder_builder.build(settings={"overwrite": True})
    assert precious.exists()
