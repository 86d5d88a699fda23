"""Clips are decoded out of a zip; zips that were made to do harm are refused."""

import os
import stat
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import capera, usrd
from builders.engine.settings import BuildSettings
from builders.sources import archive, zipped_clip
from builders.sources.clips import open_clips
from dvtr_bench.errors import InputError, MissingClipsError, NotFoundError
from tests.builders.conftest import FolderBuilder
from tests.builders.engine.test_engine import count_decodes, hashes
from tests.builders.tiny_clips import TinyClips, pack


def pack_texts(path: Path, names: Iterable[str], text: str = "x") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, text)
    return path


def test_eras_own_zip(annotations: Path, tmp_path: Path, tiny_clips: TinyClips) -> None:
    names = [
        "Videos/Tra/Baseball/Baseball_008 .mp4",
        "Videos/Tra/Baseball/Baseball_010.mp4",
        "Videos/Test/Baseball/Baseball_010 .mp4",
        "Videos/Test/Nowhere/Nowhere_001 .mp4",
    ]
    folder = tiny_clips.write_folder(tmp_path / "era", names)
    tiny_clips.write(folder / "Videos/Tra/Baseball/Baseball_008.mp4", 0)
    tiny_clips.write(folder / "__MACOSX/Videos/Tra/Baseball/._Baseball_008.mp4", 5)
    tiny_clips.write(folder / "Videos/.hidden/Baseball_001.mp4", 6)
    packed = pack(tmp_path / "ERA_Dataset.zip", folder, zipfile.ZIP_DEFLATED)
    source = usrd.read(usrd.Options(annotations, clips=packed))
    found = {clip.video_id: clip.footage.label for clip in source.clips if clip.footage}
    assert found == {
        "Baseball_008 1": f"{packed}: {names[0]}",
        "Baseball_010 1": f"{packed}: {names[1]}",
        "Baseball_010 ": f"{packed}: {names[2]}",
    }
    assert source.unused_clips == (names[3],)
    assert source.notes[-1].startswith("Second copies")
    assert source.notes[-1].endswith("1 file.")
    theirs = capera.read(capera.Options(annotations, clips=packed))
    ids = {clip.video_id for clip in theirs.clips if clip.footage}
    assert ids == {"Tra_Baseball_008", "Tra_Baseball_010", "Test_Baseball_010"}


def test_a_zip_of_one_of_eras_folders(
    annotations: Path, tmp_path: Path, tiny_clips: TinyClips
) -> None:
    folder = tiny_clips.write_folder(tmp_path / "x", ["Baseball/Baseball_010 .mp4"])
    packed = pack(tmp_path / "Tra.zip", folder)
    source = usrd.read(usrd.Options(annotations, clips=packed))
    assert [clip.video_id for clip in source.clips if clip.footage] == ["Baseball_010 1"]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_the_bytes_that_its_folder_gives(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch, method: int, in_memory: bool
) -> None:
    folder_builder.five_clips()
    expected = hashes(folder_builder.build().dataset.folder)
    packed = pack(folder_builder.clips.with_suffix(".zip"), folder_builder.clips, method)
    folder_builder.clips, folder_builder.root = packed, folder_builder.root.with_name("zipped")
    if not in_memory:
        monkeypatch.setattr(zipped_clip, "IN_MEMORY_BYTES", 0)
    with monkeypatch.context() as patch:
        decoded = count_decodes(patch, fail_at=2)
        with pytest.raises(KeyboardInterrupt):
            folder_builder.build()
    assert len({path.parent for path in decoded}) == 1
    assert (decoded[0].parent == Path("/proc/self/fd")) == in_memory
    kept = [path.suffix for path in (folder_builder.root / ".mine.building/clips").iterdir()]
    assert kept == [".arrow"] * 2, "nothing unpacked is left"
    decoded = count_decodes(monkeypatch)
    built = folder_builder.build()
    assert len(decoded) == 3
    assert hashes(built.dataset.folder) == expected
    assert folder_builder.build().report is None


def test_workers_read_the_zip_too(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    expected = hashes(folder_builder.build().dataset.folder)
    folder_builder.root = folder_builder.root.with_name("zipped")
    folder_builder.clips = pack(folder_builder.clips.with_suffix(".zip"), folder_builder.clips)
    built = folder_builder.build(settings={"workers": 2})
    assert hashes(built.dataset.folder) == expected


def test_a_damaged_member_is_one_broken_clip(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    (folder_builder.clips / "b.mp4").write_text("I am no video\n" * 50)
    packed = pack(folder_builder.clips.with_suffix(".zip"), folder_builder.clips)
    data = packed.read_bytes()
    whole = (folder_builder.clips / "c.mp4").read_bytes()
    packed.write_bytes(data.replace(whole, whole[:-1] + bytes([whole[-1] ^ 1])))
    folder_builder.clips = packed
    with pytest.raises(MissingClipsError) as caught:
        folder_builder.build()
    told = str(caught.value)
    assert "broken clips: 2" in told
    assert f"'b': {packed}: b.mp4: this is not a video file" in told
    assert f"'c': {packed}: c.mp4: damaged inside the zip (BadZipFile: Bad CRC-32" in told
    built = folder_builder.build(settings={"missing": "drop"})
    assert built.dataset.manifest.left_out == {"broken clips": 2}


def test_neither_a_folder_nor_a_zip(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"a folder of clips, a \.zip, .*found nothing"):
        open_clips(tmp_path / "clips.zip")
    (tmp_path / "YouTubeClips.tar.gz").touch()
    with pytest.raises(NotFoundError, match="found another file: unpack it first, as in .*tar -xf"):
        open_clips(tmp_path / "YouTubeClips.tar.gz")
    packed = pack_texts(tmp_path / "a.zip", ["notes.txt", "__MACOSX/a.mp4"])
    with pytest.raises(NotFoundError, match=r"a\.zip: there are no clips in it.*found 1 other"):
        open_clips(packed)
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(InputError, match="not a complete zip file"):
        open_clips(packed)


@pytest.mark.parametrize(
    "name", ["../a.mp4", "x/../../a.mp4", "/etc/a.mp4", "C:\\a.mp4", "..\\a.mp4", "C:/a.mp4"]
)
def test_names_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["b.mp4", name])
    with pytest.raises(InputError, match="a name outside the folder"):
        open_clips(packed)


def test_backslashes_of_windows_are_folders(tmp_path: Path) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["Videos\\Tra\\Baseball_001 .mp4"])
    assert [file.parts for file in open_clips(packed).files] == [
        ("Videos", "Tra", "Baseball_001 .mp4")
    ]


def test_zip_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4"], "0" * 11_000_000)
    with pytest.raises(InputError, match=r"to 11,000,000: more than 200 times .*zip bomb"):
        open_clips(packed)
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to 11,000,000 bytes; at most 1,000 are read"):
        open_clips(packed)


def test_a_size_that_lies_is_found_out(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    folder_builder.clips = pack_texts(folder_builder.clips.with_suffix(".zip"), ["a.mp4"], "0" * 9)
    data = bytearray(folder_builder.clips.read_bytes())
    for offset in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        assert data[offset] == 9
        data[offset] = 4
    folder_builder.clips.write_bytes(data)
    folder_builder.table_of("file_name,caption\na.mp4,x\n")
    with pytest.raises(MissingClipsError, match="damaged inside the zip"):
        folder_builder.build()


def test_members_that_share_bytes(tmp_path: Path) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4", "b.mp4"])
    data = bytearray(packed.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    packed.write_bytes(data)
    with pytest.raises(InputError, match=r"'a\.mp4' and 'b\.mp4' share the same bytes"):
        open_clips(packed)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [(8, 1, "'a.mp4' is encrypted: unpack the zip with its password"), (10, 9, "by method 9")],
)
def test_encrypted_and_unknown_members(
    tmp_path: Path, field: int, value: int, message: str
) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4", "b.txt"])
    data = bytearray(packed.read_bytes())
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + field, value)
    packed.write_bytes(data)
    with pytest.raises(InputError, match=message):
        open_clips(packed)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(tmp_path: Path) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4", "a.mp4"])
    with pytest.raises(InputError, match=r"it contains 'a\.mp4' twice"):
        open_clips(packed)


def test_links_in_a_zip_are_no_clips(tmp_path: Path) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4"])
    link = zipfile.ZipInfo("b.mp4")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    assert [str(file) for file in open_clips(packed).files] == ["a.mp4"]


def test_a_folder_dataset_in_a_zip_needs_its_table_outside(tmp_path: Path) -> None:
    packed = pack_texts(tmp_path / "a.zip", ["a.mp4", "metadata.csv"])
    settings = BuildSettings(root=tmp_path, workers=0, progress=False)
    with pytest.raises(
        NotFoundError, match=r"needs --captions FILE.*inside a zip or tar are not read"
    ):
        build("folder", {"clips": packed, "name": "x"}, settings)


def test_a_zip_is_listed_once_a_process(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    packed = pack(folder_builder.clips.with_suffix(".zip"), folder_builder.clips)
    opened: list[object] = []
    original = zipfile.ZipFile.__init__

    def counting(self: zipfile.ZipFile, *args: object, **kwargs: object) -> None:
        opened.extend(args[:1])
        original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "__init__", counting)
    folder_builder.clips = packed
    folder_builder.build()
    assert opened.count(packed) == 3, os.linesep.join(map(str, opened))
