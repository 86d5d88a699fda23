"""Files beside clips: captions of the same name, and clips whose suffix nobody knows."""

import json
import zipfile
from pathlib import Path

import pytest

from builders.checks.verify.verify import verify_dataset
from builders.datasets import folder
from builders.sources.source import Source
from dvtr_bench.errors import AnnotationError, InputError, MissingClipsError, NotFoundError
from tests.builders.conftest import FolderBuilder
from tests.builders.sources.test_clip_places import found, pack_tar, touch, write

FILES = {
    "b/00001.mp4": b"x",
    "b/00001.json": b'{"key": "00001", "caption": "a road \xe2\x80\xa6", "url": "u", "path": "/1"}',
    "b/00001.txt": b"another text",
    "b/00002.mp4": b"y",
    "b/00002.json": b'{"key": "00002", "caption": null, "captions": ["a car", "a van"]}',
    "b/00003.mp4": b"z",
    "b/00003.json": b'{"key": "00003", "url": "v"}',
    "b/00003.txt": b"\xef\xbb\xbfa field\nseen from above\r\n",
    "b/00000_stats.json": b"{}",
    "README.txt": b"not of a clip",
}
CAPTIONS = [("a road \u2026",), ("a car", "a van"), ("a field\nseen from above",)]


def read(clips: Path, captions: Path | None = None) -> Source:
    return folder.read(folder.Options(name="x", clips=clips, captions=captions))


def lay_out(form: str, root: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder, a tar, a folder of tars or a zip."""
    if form == "folder":
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        return root
    if form == "zip":
        with zipfile.ZipFile(root.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in files.items():
                packed.writestr(name, data)
        return root.with_suffix(".zip")
    if form == "tar":
        return pack_tar(root.with_suffix(".tar"), files.items())
    root.mkdir()
    first = {name: data for name, data in files.items() if "00003" not in name}
    pack_tar(root / "0.tar", first.items())
    pack_tar(root / "1.tar", sorted(files.items() - first.items()))
    return root


@pytest.mark.parametrize("form", ["folder", "tar", "tars", "zip"])
def test_captions_of_the_files_beside_clips(tmp_path: Path, form: str) -> None:
    source = read(lay_out(form, tmp_path / "clips", FILES))
    assert found(source) == ["00001", "00002", "00003"]
    assert [clip.captions for clip in source.clips] == CAPTIONS
    assert [clip.extra["url"] for clip in source.clips] == ["u", None, "v"]
    assert source.clips[0].extra["path"] == "/1"
    assert source.unused_clips == ()
    assert any("read from files beside the clips" in note for note in source.notes)


def test_texts_alone(tmp_path: Path) -> None:
    files = {name: data for name, data in FILES.items() if not name.endswith(".json")}
    source = read(lay_out("tar", tmp_path / "clips", files))
    # Without a text, the second clip is one without a row, at which a build stops.
    assert source.unused_clips == ("b/00002.mp4",)
    assert [(clip.video_id, clip.captions) for clip in source.clips] == [
        ("b__00001", ("another text",)),
        ("b__00003", CAPTIONS[2]),
    ]


def test_a_table_comes_before_what_lies_beside_clips(tmp_path: Path) -> None:
    clips = lay_out("folder", tmp_path / "clips", FILES)
    table = write(tmp_path / "a.csv", "key,caption\n00001,of a table\n")
    assert [clip.captions for clip in read(clips, captions=table).clips] == [("of a table",)]
    write(clips / "metadata.csv", "key,caption\n00002,of metadata\n")
    assert [clip.captions for clip in read(clips).clips] == [("of metadata",)]


def test_the_record_changes_with_the_files_alone(tmp_path: Path) -> None:
    (first,) = read(lay_out("folder", tmp_path / "clips", FILES)).sources
    (same,) = read(lay_out("tar", tmp_path / "clips", FILES)).sources
    (other,) = read(lay_out("zip", tmp_path / "clips", FILES | {"b/00001.txt": b"new"})).sources
    assert (first.sha256 == same.sha256, first.sha256 == other.sha256) == (True, False)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b"[1]", r"a\.json: expected an object"),
        ("a.json", b'{"caption": "a"', r"a\.json: not JSON that can be read"),
        ("a.json", b'{"caption": "a", "caption": "b"}', r"a\.json: not JSON .*twice"),
        ("a.json", b'{"title": "a"}', r"expected a column for captions"),
        ("a.json", b'{"caption": ""}', r"a\.json: "),
        ("a.txt", b"  \n", r"a\.txt: a caption without words"),
        ("a.txt", b"\xff", r"a\.txt: not utf-8: byte 0xff in line 1"),
        ("a.txt", b"a" * 10_000_001, r"a\.txt.*10,000,00"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
def test_files_that_are_no_captions(
    tmp_path: Path, form: str, name: str, data: bytes, message: str
) -> None:
    with pytest.raises((AnnotationError, InputError), match=message):
        read(lay_out(form, tmp_path / "clips", {"a.mp4": b"x", name: data}))


def test_neither_table_nor_files(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "a.mp4", "b.txt")
    with pytest.raises(NotFoundError, match=r"beside no clip a file of its name with \.json or"):
        read(clips)


def test_a_tar_of_webdataset_builds_whole(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    members = []
    for number, clip in enumerate(sorted(folder_builder.clips.iterdir())):
        described = json.dumps({"key": clip.stem, "caption": f"clip {clip.stem}", "shard": number})
        members += [(clip.name, clip.read_bytes()), (f"{clip.stem}.json", described.encode())]
    folder_builder.clips = pack_tar(folder_builder.clips.with_suffix(".tar"), members)
    built = folder_builder.build(captions=None).dataset
    assert verify_dataset(built, progress=False).findings == ()
    rows = [(v.video_id, v.captions) for name in built.split_names for v in built.split(name)]
    assert sorted(rows) == [(letter, (f"clip {letter}",)) for letter in "abcde"]


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
@pytest.mark.parametrize(
    ("column", "name"), [("id", "drone"), ("file_name", "drone"), ("file_name", "day 1/drone")]
)
def test_a_clip_of_unknown_suffix_is_said_to_be_there(
    tmp_path: Path, form: str, column: str, name: str
) -> None:
    files = {"a.mp4": b"x", "day 1/drone.xyz": b"y", "day 1/drone.txt": b"a text"}
    clips = lay_out(form, tmp_path / "clips", files)
    table = write(tmp_path / "c.csv", f"{column},caption\na.mp4,a road\n{name},a field\n")
    wheres = [clip.where for clip in read(clips, captions=table).clips if clip.footage is None]
    assert wheres == [
        f"{table}, line 3 (day 1/drone.xyz is there, but .xyz is none that we know as a video's: "
        "rename or convert it)"
    ]


def test_a_text_beside_a_missing_clip_is_no_clip(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "a.mp4", "drone.txt", "drone.JPG", "drone")
    table = write(tmp_path / "c.csv", "id,caption\na,a road\ndrone,a field\n")
    wheres = [clip.where for clip in read(clips, captions=table).clips if clip.footage is None]
    assert wheres == [f"{table}, line 3"]


def test_a_build_says_it_too(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    (folder_builder.clips / "e.mp4").rename(folder_builder.clips / "e.xyz")
    rows = "\n".join(f"{letter},clip {letter} from above" for letter in "abcde")
    folder_builder.table_of(f"id,caption\n{rows}\n")
    with pytest.raises(MissingClipsError, match=r"e\.xyz is there, but \.xyz is none"):
        folder_builder.build()
