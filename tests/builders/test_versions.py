"""Versions of a dataset side by side, and frames that are not decoded again."""

import json
import re
import shutil
from fractions import Fraction

import av
import numpy as np
import pytest

from builders.summary import print_summary
from dvtr_bench.dataset.manifest import MANIFEST_NAME
from dvtr_bench.dataset.reader import find_versions, open_dataset
from dvtr_bench.errors import BuildError, NotFoundError, OutputExistsError
from tests.builders.conftest import FolderBuilder
from tests.builders.engine.test_engine import count_decodes, hashes
from tests.builders.test_growing import name_clips, splits_of, texts, write_clips

# Versions side by side.


def test_a_later_version_stands_beside_the_first(
    folder_builder: FolderBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    name_clips(folder_builder, 20)
    first = texts(folder_builder).dataset
    name_clips(folder_builder, 22)
    second = texts(folder_builder, version="1.1.0")
    root = folder_builder.root
    assert (first.folder, second.dataset.folder) == (root / "mine", root / "mine@1.1.0")
    assert (first.label, second.dataset.label) == ("mine", "mine@1.1.0")
    for name, version in (
        ("mine", "1.0.0"),
        ("mine@1.0.0", "1.0.0"),
        ("mine@v1.0.0", "1.0.0"),
        ("mine@1.1.0", "1.1.0"),
        ("mine@v1.1.0", "1.1.0"),
        (root / "mine@1.1.0", "1.1.0"),
        (root / "mine@1.0.0", "1.0.0"),
    ):
        assert open_dataset(name, root).manifest.version == version
    with pytest.raises(NotFoundError, match=r"Versions of mine under .*: mine@1.1.0, mine@1.0.0$"):
        open_dataset("mine@2.0.0", root)
    again = texts(folder_builder, version="1.1.0")
    assert again.report is None
    assert again.dataset.folder == root / "mine@1.1.0"
    shutil.rmtree(root / "mine")
    assert open_dataset("mine", root).manifest.version == "1.1.0"
    assert [one.manifest.version for one in find_versions("mine", root)] == ["1.1.0"]
    print_summary(second)
    assert "mine@1.1.0" in capsys.readouterr().out


def test_versions_are_replaced_in_their_own_place(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 20)
    texts(folder_builder)
    texts(folder_builder, version="1.1.0")
    name_clips(folder_builder, 21)
    with pytest.raises(OutputExistsError, match=r"mine@1\.1\.0 holds another dataset"):
        texts(folder_builder, version="1.1.0")
    replaced = texts(folder_builder, version="1.1.0", settings={"overwrite": True}).dataset
    assert replaced.folder.name == "mine@1.1.0"
    # Overwriting replaces what is in the folder of the name, where no such version is beside it.
    assert texts(folder_builder, version="1.2.0", settings={"overwrite": True}).dataset.folder == (
        folder_builder.root / "mine"
    )
    assert sorted(path.name for path in folder_builder.root.iterdir()) == ["mine", "mine@1.1.0"]
    # A lower version has been forgotten, more likely than meant.
    with pytest.raises(OutputExistsError, match=r"mine holds another dataset: mine 1\.2\.0"):
        texts(folder_builder, version="1.0.0")


def test_a_build_that_would_take_clips_out_of_test_stops(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 30)
    old = texts(folder_builder).dataset
    before = hashes(old.folder)
    test = set(old.split("test").video_ids)
    with pytest.raises(OutputExistsError, match=r"of 30 clips are in another split than in mine"):
        texts(folder_builder, seed=1)
    with pytest.raises(BuildError, match="would leave the test split") as stopped:
        texts(folder_builder, seed=1, settings={"overwrite": True})
    told = str(stopped.value)
    named = set(re.findall(r"- '(\d+)': to (?:train|validation)", told))
    assert named
    assert named <= test
    assert f"of {len(test)} test clips of mine 1.0.0" in told
    assert "--splits-from mine keeps every clip where it is" in told
    assert "--move-test-clips" in told
    assert hashes(old.folder) == before
    assert sorted(path.name for path in folder_builder.root.iterdir()) == ["mine"]
    kept = texts(folder_builder, seed=1, splits_from="mine", settings={"overwrite": True}).dataset
    assert splits_of(kept) == splits_of(old)
    moved = texts(folder_builder, seed=1, settings={"overwrite": True, "move_test_clips": True})
    assert re.match(r"\d+ of 30 clips are in another split than in mine 1\.0\.0: ", *moved.remarks)


# Frames that are not decoded again.


def test_frames_of_unchanged_clips_are_taken(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(folder_builder, 12)
    first = folder_builder.build().dataset
    write_clips(folder_builder, 14, "extra.mp4,another\n")
    folder_builder.tiny.write(folder_builder.clips / "extra.mp4", 38)
    folder_builder.tiny.write(folder_builder.clips / "4.mp4", 39)
    (folder_builder.clips / "7.mp4").rename(folder_builder.clips / "seven.mp4")
    table = folder_builder.table
    table.write_text(table.read_text().replace("7.mp4,clip 7.mp4", "seven.mp4,another caption"))
    with monkeypatch.context() as patch:
        decoded = count_decodes(patch)
        second = folder_builder.build(version="1.1.0", settings={"move_test_clips": True})
    assert sorted(path.name for path in decoded) == ["12.mp4", "13.mp4", "4.mp4", "extra.mp4"]
    assert (
        "frames of 11 of 15 clips taken from mine 1.0.0: the same bytes, not decoded again"
        in second.remarks
    )
    assert second.dataset.folder.name == "mine@1.1.0"
    assert first.manifest.version == "1.0.0"
    folder_builder.root = folder_builder.root.with_name("scratch")
    decoded = count_decodes(monkeypatch)
    scratch = folder_builder.build(version="1.1.0")
    assert len(decoded) == 15
    assert hashes(scratch.dataset.folder) == hashes(second.dataset.folder)
    assert scratch.remarks == ()


def test_frames_of_parts_of_files_are_taken(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mp4"])
    header = "file_name,start_seconds,end_seconds,caption\n"
    rows = "a.mp4,0,0.5,one\na.mp4,0.5,1,two\nb.mp4,0,0.5,three\n"
    folder_builder.table_of(header + rows)
    folder_builder.build()
    # Another part, and other times of one that was there.
    more = rows.replace("b.mp4,0,0.5", "b.mp4,0,0.4") + "b.mp4,0.5,1,four\n"
    folder_builder.table_of(header + more)
    grown = folder_builder.build(version="1.1.0")
    assert (
        "frames of 2 of 4 clips taken from mine 1.0.0: the same bytes, not decoded again"
        in grown.remarks
    )
    folder_builder.root = folder_builder.root.with_name("scratch")
    scratch = folder_builder.build(version="1.1.0")
    assert hashes(scratch.dataset.folder) == hashes(grown.dataset.folder)


@pytest.mark.parametrize(
    ("settings", "options"),
    [({"reuse": False}, {}), ({"name": "other"}, {})],
)
def test_frames_are_decoded_where_that_is_asked(
    folder_builder: FolderBuilder,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
    options: dict[str, object],
) -> None:
    write_clips(folder_builder, 5)
    folder_builder.build()
    decoded = count_decodes(monkeypatch)
    built = folder_builder.build(version="1.1.0", settings=settings, **options)
    assert len(decoded) == 5
    assert built.remarks == ()


def test_frames_of_the_dataset_that_is_followed(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(folder_builder, 5)
    folder_builder.build()
    decoded = count_decodes(monkeypatch)
    built = folder_builder.build(splits_from="mine", settings={"name": "other"})
    assert decoded == []
    assert "frames of 5 of 5 clips taken from mine 1.0.0" in built.remarks[0]


def test_frames_of_files_that_were_changed_are_not_taken(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(folder_builder, 5)
    first = folder_builder.build().dataset
    (path,) = first.manifest.splits["train"].paths("default")
    file = first.folder / path
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1  # inside a picture
    file.write_bytes(data)
    decoded = count_decodes(monkeypatch)
    folder_builder.build(version="1.1.0")
    assert len(decoded) == len(first.split("train").video_ids)


def test_what_was_applied_to_a_clip_comes_with_its_frames(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(folder_builder, 5)
    wide = folder_builder.clips / "2.mp4"
    with av.open(str(wide), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.sample_aspect_ratio = Fraction(2, 1)
        for number in range(12):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    first = folder_builder.build().dataset
    decoded = count_decodes(monkeypatch)
    second = folder_builder.build(version="1.1.0").dataset
    assert decoded == []
    assert second.manifest.extra_columns == ("source_treatment",)
    folder_builder.root = folder_builder.root.with_name("scratch")
    assert hashes(folder_builder.build(version="1.1.0").dataset.folder) == hashes(second.folder)
    # A program of before stored such pictures as they were coded, and said nothing of it.
    path = first.folder / MANIFEST_NAME
    stated = json.loads(path.read_text())
    del stated["frames"]["treatment"]
    path.write_text(json.dumps(stated))
    folder_builder.root = first.folder.parent
    decoded.clear()
    folder_builder.build(version="1.2.0", settings={"reuse": True})
    assert decoded == []  # from 1.1.0
    shutil.rmtree(second.folder)
    shutil.rmtree(folder_builder.root / "mine@1.2.0")
    folder_builder.build(version="1.2.0")
    assert len(decoded) == 5


def test_overwrite_decodes_what_a_program_of_before_left(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clips(folder_builder, 3)
    built = folder_builder.build().dataset
    expected = hashes(built.folder)
    path = built.folder / MANIFEST_NAME
    stated = json.loads(path.read_text())
    del stated["frames"]["treatment"]
    path.write_text(json.dumps(stated))
    decoded = count_decodes(monkeypatch)
    folder_builder.build()
    assert decoded == []
    folder_builder.build(settings={"overwrite": True})
    assert len(decoded) == 3
    assert hashes(built.folder) == expected
    folder_builder.build(settings={"overwrite": True})
    assert len(decoded) == 3
