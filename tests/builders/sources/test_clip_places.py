"""Where clips are, and how their names are spelled: each is found, or the message says why."""

import io
import os
import re
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.datasets import folder
from builders.sources.clips import open_clips
from builders.sources.near_names import explain_names
from builders.sources.source import Source
from dvtr_bench.errors import AnnotationError, InputError, MissingClipsError, NotFoundError
from tests.builders.conftest import FolderBuilder
from tests.builders.engine.test_engine import hashes


def read(clips: Path, table: Path) -> Source:
    return folder.read(folder.Options(name="x", clips=clips, captions=table))


def found(source: Source) -> list[str]:
    return [clip.video_id for clip in source.clips if clip.footage is not None]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def files_of(root: Path) -> list[str]:
    return list(map(str, open_clips(root).files))


def pack_tar(path: Path, files: Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return path


def test_one_clip(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "a.mp4", "b.mp4")
    table = write(tmp_path / "a.csv", "file_name,caption\na.mp4,a road\n")
    source = read(clips / "a.mp4", table)
    assert found(source) == ["a"]
    assert source.unused_clips == ()


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "own/a.mp4")
    store = touch(tmp_path / "store", "b.mp4", "deeper/c.mp4", ".hidden/d.mp4")
    (clips / "train").symlink_to(store)
    (clips / "again").symlink_to(clips / "own")
    (store / "cycle").symlink_to(clips)
    (store / "deeper" / "up").symlink_to(store)
    (clips / "dangling").symlink_to(tmp_path / "nowhere")
    assert files_of(clips) == ["own/a.mp4", "train/b.mp4", "train/deeper/c.mp4"]
    (tmp_path / "link").symlink_to(clips)
    assert files_of(tmp_path / "link") == files_of(clips)


def test_a_tar_gives_the_bytes_that_its_folder_gives(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    expected = hashes(folder_builder.build().dataset.folder)
    clips = sorted(folder_builder.clips.iterdir())
    members = [(clip.name, clip.read_bytes()) for clip in clips]
    beside = [(f"{clip.stem}.txt", b"a caption") for clip in clips]
    folder_builder.root = folder_builder.root.with_name("tarred")
    folder_builder.clips = pack_tar(folder_builder.clips.with_suffix(".tar"), members + beside)
    built = folder_builder.build(settings={"workers": 2})
    assert hashes(built.dataset.folder) == expected


def test_a_folder_of_shards_and_its_parquet(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    keys = [f"{number:05d}" for number in range(6)]
    for shard in range(2):
        files = [(f"{key}.mp4", key.encode()) for key in keys[3 * shard :][:3]]
        pack_tar(shards / f"0000{shard}.tar", files)
        (shards / f"0000{shard}_stats.json").write_text("{}")
    rows = {"key": keys, "caption": ["a road"] * 6, "status": ["success"] * 6}
    pq.write_table(pa.table(rows), tmp_path / "all.parquet")
    source = read(shards, tmp_path / "all.parquet")
    assert found(source) == keys
    digest = {clip.video_id: clip.footage.identity() for clip in source.clips if clip.footage}
    assert digest["00004"] == open_clips(shards).footage(open_clips(shards).files[4]).identity()
    assert len(set(digest.values())) == 6


@pytest.mark.parametrize("name", ["../a.mp4", "/etc/a.mp4", "x/../../a.mp4"])
def test_tars_with_names_outside_the_folder(tmp_path: Path, name: str) -> None:
    packed = pack_tar(tmp_path / "a.tar", [("b.mp4", b"x"), (name, b"x")])
    with pytest.raises(InputError, match="a name outside the folder"):
        open_clips(packed)


def test_tars_that_cannot_be_read(tmp_path: Path) -> None:
    packed = pack_tar(tmp_path / "a.tar", [("a.mp4", b"x" * 3000)], "w:gz")
    with pytest.raises(InputError, match="not a complete tar file without compression"):
        open_clips(packed)
    packed = pack_tar(tmp_path / "a.tar", [("a.mp4", b"x" * 3000)])
    packed.write_bytes(packed.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut off: it ends inside 'a\.mp4'"):
        open_clips(packed)
    packed = pack_tar(tmp_path / "a.tar", [("a.mp4", b"x"), ("a.mp4", b"y")])
    with pytest.raises(InputError, match=r"it contains 'a\.mp4' twice"):
        open_clips(packed)
    with pytest.raises(NotFoundError, match="there are no clips in it"):
        open_clips(pack_tar(tmp_path / "a.tar", [("a.txt", b"x")]))
    packed.rename(tmp_path / "a.tar.gz")
    with pytest.raises(NotFoundError, match=r"mkdir clips && tar -xf a\.tar\.gz -C clips"):
        open_clips(tmp_path / "a.tar.gz")


def test_links_in_a_tar_are_no_clips(tmp_path: Path) -> None:
    packed = pack_tar(tmp_path / "a.tar", [("a.mp4", b"x")])
    with tarfile.open(packed, "a") as opened:
        link = tarfile.TarInfo("b.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    assert files_of(packed) == ["a.mp4"]


@pytest.mark.parametrize("column", ["file_name", "video_id"])
@pytest.mark.parametrize(("of_file", "of_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_composed_and_decomposed_letters(
    tmp_path: Path, column: str, of_file: str, of_table: str
) -> None:
    name = unicodedata.normalize(of_file, "Küste_é")  # type: ignore[arg-type]
    in_table = unicodedata.normalize(of_table, "Küste_é")  # type: ignore[arg-type]
    clips = touch(tmp_path / "clips", f"meer/{name}.mp4")
    cell = f"meer/{in_table}.mp4" if column == "file_name" else in_table
    source = read(clips, write(tmp_path / "a.csv", f"{column},caption\n{cell},a coast\n"))
    assert found(source) == [f"meer__{in_table}" if column == "file_name" else in_table]
    assert "1 clip of the table was found" in source.notes[-1]


def test_two_files_that_look_alike_are_not_guessed_between(tmp_path: Path) -> None:
    alike = [unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")]  # type: ignore[arg-type]
    clips = touch(tmp_path / "clips", *alike)
    rows = "".join(f"{name},a coast\n" for name in alike)
    source = read(clips, write(tmp_path / "a.csv", f"file_name,caption\n{rows}"))
    assert len(found(source)) == 2
    assert source.unused_clips == ()


def zip_with_names(path: Path, names: list[bytes]) -> Path:
    """Write a zip whose names are bytes that it does not declare, as a Chinese Windows does."""
    stand_ins = [b"%c" % (65 + number) * len(name) for number, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as packed:
        for stand_in in stand_ins:
            packed.writestr(stand_in.decode(), b"x" + stand_in)
    data = path.read_bytes()
    for stand_in, name in zip(stand_ins, names, strict=True):
        data = data.replace(stand_in, name, 1)
        at = data.rindex(stand_in)
        data = data[:at] + name + data[at + len(name) :]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gbk", ["航拍_农田", "航拍_河流", "誠_農田"]),  # 誠 ends in a backslash's byte
        ("big5", ["航拍_農田", "航拍_河流"]),
        ("cp932", ["空撮_水田", "空撮_川"]),
        ("utf-8", ["航拍_农田", "Küste"]),
        ("cp866", ["река", "поле"]),
    ],
)
def test_names_in_a_zip_that_declares_no_encoding(
    tmp_path: Path, encoding: str, names: list[str]
) -> None:
    packed = zip_with_names(tmp_path / "a.zip", [f"{one}.mp4".encode(encoding) for one in names])
    rows = "".join(f"{name}.mp4,{name}\n" for name in names)
    source = read(packed, write(tmp_path / "a.csv", f"file_name,caption\n{rows}"))
    assert found(source) == names
    assert source.unused_clips == ()
    assert re.search(r"\d clips? of the table w\w+ found although .* encoding", source.notes[-1])


def test_file_names_that_are_not_utf_8(folder_builder: FolderBuilder) -> None:
    clip = folder_builder.tiny.write(folder_builder.clips / "x.mp4")
    name = "航拍.mp4".encode("gbk")
    try:
        os.rename(clip, os.path.join(os.fsencode(folder_builder.clips), name))
    except OSError:
        pytest.skip("this file system holds names in UTF-8 alone")
    folder_builder.table_of("file_name,caption\n航拍.mp4,a field\n")
    built = folder_builder.build()
    assert built.dataset.split("train").video_ids == ("航拍",)
    assert "gb18030" in built.dataset.manifest.notes[-3]
    folder_builder.table_of("file_name,caption\nb.mp4,a field\n")
    with pytest.raises(MissingClipsError, match=r"udcba"):
        folder_builder.build(settings={"name": "other"})
    folder_builder.tiny.write(folder_builder.clips / "b.mp4", 1)
    broken = os.path.join(os.fsencode(folder_builder.clips), "坏.mp4".encode("gbk"))
    Path(os.fsdecode(broken)).write_bytes(b"no video")
    folder_builder.table_of("file_name,caption\nb.mp4,a field\n坏.mp4,a road\n")
    dropped = folder_builder.build(settings={"name": "other", "missing": "drop"})
    assert dropped.report is not None
    assert set(dropped.report.left_out) == {"clips without a caption", "broken clips"}
    assert dropped.report.to_text().encode("utf-8")


def test_hugging_faces_video_column(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "a.mp4", "b.mp4", "sub/c.mp4")
    paths = ["clips/a.mp4", "b.mp4", str(clips / "sub" / "c.mp4")]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    videos = pa.array([{"bytes": None, "path": path} for path in paths], kind)
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"video": videos, "caption": ["x", "y", "z"]}), table)
    assert found(read(clips, table)) == ["a", "b", "sub__c"]
    held = pa.array([{"bytes": b"...", "path": "a.mp4"}], kind)
    pq.write_table(pa.table({"video": held, "caption": ["x"]}), table)
    with pytest.raises(AnnotationError, match="the column 'video' holds the clips themselves"):
        read(clips, table)


def test_the_lines_that_write_clips_out_of_a_parquet_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "caption-tables.md"
    (lines,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    held = pa.array([{"bytes": b"%d" % n, "path": f"x/{n}.mp4"} for n in range(20)], kind)
    pq.write_table(pa.table({"video": held, "caption": ["x"] * 20}), tmp_path / "videos.parquet")
    monkeypatch.chdir(tmp_path)
    exec(lines, {})  # noqa: S102 (a page of ours)
    assert {path.name: path.read_bytes() for path in (tmp_path / "clips").iterdir()} == {
        f"{number}.mp4": b"%d" % number for number in range(20)
    }


def test_names_from_the_tables_own_folder(tmp_path: Path) -> None:
    clips = touch(tmp_path / "data" / "clips", "a.mp4")
    table = write(tmp_path / "data" / "a.csv", "file_name,caption\nclips/a.mp4,a road\n")
    assert found(read(clips, table)) == ["a"]
    table = write(tmp_path / "a.csv", "file_name,caption\n/etc/a.mp4,a road\n")
    with pytest.raises(AnnotationError, match="not inside the folder of clips"):
        read(clips, table)


def test_ids_of_activitynet(tmp_path: Path) -> None:
    clips = touch(tmp_path / "clips", "a.mp4", "v_b.mp4")
    source = read(clips, write(tmp_path / "a.json", '{"v_a": ["one"], "v_b": ["two"]}'))
    assert found(source) == ["v_a", "v_b"]
    assert source.notes[-1].startswith("1 clip of the table was found")


@pytest.mark.parametrize(
    ("ids", "names", "message"),
    [
        (
            ["1", "2"],
            ["0001.mp4", "0002.mp4"],
            "leading zeros.*'1' was sought, '0001.mp4' is there",
        ),
        (["1.0", "2.0"], ["1.mp4", "2.mp4"], r"'\.0'.*'1\.0' was sought, '1\.mp4' is there"),
        (["1.0", "2.0"], ["0001.mp4", "0002.mp4"], r"both .*'1\.0' was sought, '0001\.mp4'"),
        (["clip_7"], ["clip_007.mp4"], "1 id is the name of a file but for leading zeros"),
        (["Road", "Sea"], ["road.mp4", "sea.mp4"], "capital letters: 'Road' was sought"),
        (["a road"], ["a_road.mp4"], "blanks, hyphens and underscores"),
    ],
)
def test_what_was_sought_stands_beside_what_is_there(
    folder_builder: FolderBuilder, ids: list[str], names: list[str], message: str
) -> None:
    touch(folder_builder.clips, *names)
    rows = "".join(f"{video_id},a road\n" for video_id in ids)
    folder_builder.table_of(f"video_id,caption\n{rows}")
    with pytest.raises(MissingClipsError, match=f"(?s)sought were '{ids[0]}'.*{message}"):
        folder_builder.build()
    folder_builder.tiny.write(folder_builder.clips / "other.mp4")
    folder_builder.table_of(f"video_id,caption\nother,x\n{rows}")
    with pytest.raises(MissingClipsError, match=f"(?s)ids without a clip: .*{message}"):
        folder_builder.build()


def test_nothing_is_explained_where_nothing_is_alike() -> None:
    assert explain_names(["a"], ["b.mp4"]) == explain_names([], ["b.mp4"]) == ""
    assert explain_names(["1"], ["01.mp4", "001.mp4"]) == ""
