"""Datasets that keep the files of their clips, byte for byte."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import Video, load_dataset

from builders.build import build_source
from builders.checks.diff.difference import SettingChange, compare_settings
from builders.checks.verify.verify import verify_dataset
from builders.engine import native_clips
from builders.engine.native_clips import clip_file_name
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, Source
from dvtr_bench.dataset.manifest import read_manifest
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import BuildError, ConfigError, NotFoundError
from tests.builders.conftest import FolderBuilder
from tests.builders.datasets.test_geotext1652 import built as build_pictures
from tests.builders.datasets.test_geotext1652 import write_pictures
from tests.builders.engine.test_isolation import INFO
from tests.builders.forging import build_toy, rehash, toy_rows, write_again
from tests.builders.published_forms import write_geotext
from tests.builders.tiny_clips import TinyClips, pack

KEPT = {"keep_clips": True}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    return build_toy(tmp_path_factory.mktemp("kept"), keep_clips=True)


def findings(folder: Path) -> list[str]:
    return [str(one) for one in verify_dataset(open_dataset(folder), progress=False).findings]


def kept_rows(built: BuiltDataset) -> dict[str, dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for split in built.manifest.splits.values():
        for path in split.paths("clips"):
            rows += pq.read_table(built.folder / path).to_pylist()
    return {row["video_id"]: row["video"] for row in rows}


def test_the_bytes_are_those_of_the_files(whole: BuiltDataset) -> None:
    clips = whole.folder.parents[1] / "clips"
    assert findings(whole.folder) == []
    assert kept_rows(whole) == {
        letter: {"bytes": (clips / f"{letter}.mp4").read_bytes(), "path": f"{letter}.mp4"}
        for letter in "abcdef"
    }
    for split in map(whole.split, whole.split_names):
        for row, video_id in enumerate(split.video_ids):
            data = split.clip_bytes(row)
            assert data == (clips / f"{video_id}.mp4").read_bytes()
            assert hashlib.sha256(data).hexdigest() == split.row(row)["clip_sha256"]


@pytest.mark.parametrize("by", ["card", "files"])
def test_datasets_reads_them_as_videos(whole: BuiltDataset, by: str, tmp_path: Path) -> None:
    cache = str(tmp_path)
    if by == "card":
        loaded = load_dataset(str(whole.folder), "clips", split="test", cache_dir=cache)
    else:
        files = str(whole.folder / "clips/test-*.parquet")
        loaded = load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    assert loaded.features["video"] == Video()
    rows = loaded.cast_column("video", Video(decode=False))
    clips = whole.folder.parents[1] / "clips"
    assert {row["video_id"]: row["video"]["bytes"] for row in rows} == {
        letter: (clips / f"{letter}.mp4").read_bytes() for letter in "def"
    }


def test_a_row_group_holds_one_clip_and_files_have_a_limit(tmp_path: Path) -> None:
    built = build_toy(tmp_path, keep_clips=True, shard_bytes=12_000)
    paths = built.manifest.splits["test"].paths("clips")
    assert paths == tuple(f"clips/test-{n:05d}-of-{len(paths):05d}.parquet" for n in range(2))
    assert not list((built.folder / "clips").glob("*.part"))
    for path in paths:
        metadata = pq.read_metadata(built.folder / path)
        assert metadata.num_row_groups == metadata.num_rows
    assert findings(built.folder) == []
    assert built.split("test").clip_bytes(2) == (tmp_path / "clips/f.mp4").read_bytes()


def test_clips_change_the_fingerprint_and_no_row(whole: BuiltDataset, tmp_path: Path) -> None:
    bare = build_toy(tmp_path)
    assert bare.manifest.fingerprint != whole.manifest.fingerprint
    assert compare_settings(bare.manifest, whole.manifest) == (
        SettingChange("clips", None, "kept"),
    )
    assert bare.manifest.configs == ("default", "captions", "qrels")
    assert "clips" not in (bare.folder / "README.md").read_text().partition("\n---\n")[0]
    for name in bare.split_names:
        assert list(bare.split(name).clip_sha256) == list(whole.split(name).clip_sha256)
        assert bare.split(name).encoded_frames(0) == whole.split(name).encoded_frames(0)
    with pytest.raises(NotFoundError, match="build it again with --keep-clips"):
        bare.split("test").clip_bytes(0)


def test_settings_without_clips_are_described_as_before() -> None:
    described = BuildSettings().describe()
    assert set(described) == {"format_version", "frames"}
    assert BuildSettings(keep_clips=True).describe() == {**described, "keep_clips": True}


def test_the_card_names_the_config(whole: BuiltDataset) -> None:
    card = (whole.folder / "README.md").read_text()
    assert 'clips = load_dataset("dvtr/toy", "clips")' in card
    assert "dtype: video" in card
    croissant = json.loads((whole.folder / "croissant.json").read_text())
    (record,) = (one for one in croissant["recordSet"] if one["@id"] == "clips")
    types = {field["name"]: field["dataType"] for field in record["field"]}
    assert types == {"split": "sc:Text", "video_id": "sc:Text", "video": "sc:VideoObject"}


def changed_byte(rows: list[dict[str, Any]]) -> None:
    data = rows[1]["video"]["bytes"]
    rows[1]["video"]["bytes"] = data[:100] + bytes([data[100] ^ 1]) + data[101:]


def swapped(rows: list[dict[str, Any]]) -> None:
    rows[0], rows[1] = rows[1], rows[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed_byte, "row 1 ('e'): its bytes are not those of the clip: SHA-256"),
        (swapped, "row 0: expected video_id 'd' by data/test-00000-of-00001.parquet row 0, found"),
        (lambda rows: rows.pop(), "it has not as many clips as there are videos"),
        (lambda rows: rows[2]["video"].update(bytes=None), "row 2 ('f'): its bytes are not those"),
    ],
)
def test_other_clips_are_found(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], object], message: str
) -> None:
    folder = build_toy(tmp_path, keep_clips=True).folder
    path = folder / "clips/test-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    write_again(path, table.schema.empty_table().from_pylist(rows, schema=table.schema))
    rehash(folder)
    told = [found for found in findings(folder) if found.startswith("clips/")]
    assert len(told) == 1
    assert message in told[0]


def test_a_split_without_its_clips_is_found(tmp_path: Path) -> None:
    folder = build_toy(tmp_path, keep_clips=True).folder
    text = json.loads((folder / "dataset.json").read_text())
    files = text["splits"]["test"]["files"]
    text["splits"]["test"]["files"] = [file for file in files if file["config"] != "clips"]
    (folder / "dataset.json").write_text(json.dumps(text))
    assert any("test: no clips, which other splits have" in found for found in findings(folder))
    assert read_manifest(folder).keeps_clips


def test_clips_of_a_zip(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    zipped = pack(folder_builder.root.parent / "clips.zip", folder_builder.clips)
    built = folder_builder.build(clips=zipped, settings=KEPT).dataset
    assert kept_rows(built) == {
        letter: {
            "bytes": (folder_builder.clips / f"{letter}.mp4").read_bytes(),
            "path": f"{letter}.mp4",
        }
        for letter in "abcde"
    }
    assert findings(built.folder) == []


def test_still_pictures(tmp_path: Path) -> None:
    annotations = write_geotext(tmp_path / "annotations", (1, 1))
    clips = write_pictures(tmp_path / "clips" / "images", annotations).parent
    built = build_pictures(tmp_path / "dvtr", annotations, clips, keep_clips=True).dataset
    assert findings(built.folder) == []
    kept = kept_rows(built)
    assert kept["0000__image-00.jpeg"]["path"] == "0000__image-00.jpeg.jpeg"
    picture = next(path for path in clips.rglob("0000/image-00.jpeg"))
    assert kept["0000__image-00.jpeg"]["bytes"] == picture.read_bytes()


def test_parts_of_files_and_bare_annotations_are_refused(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, ["a.mp4", "b.mp4"])
    folder_builder.table_of(
        "file_name,start_seconds,end_seconds,caption\n"
        "a.mp4,0,0.5,a boat\nb.mp4,,,a field\na.mp4,0.5,1,a quay\n"
    )
    with pytest.raises(ConfigError, match=r"a part of a longer file .*a\.mp4.*leave --keep-clips"):
        folder_builder.build(settings=KEPT)
    assert not folder_builder.root.exists()
    with pytest.raises(ConfigError, match="--annotations-only reads none"):
        folder_builder.build(settings={"keep_clips": True, "frames": None})


def test_a_folder_for_rendered_clips_has_another_name() -> None:
    with pytest.raises(ConfigError, match="expected True or False, found 'mp4'; .* is clips_to"):
        BuildSettings(keep_clips="mp4")  # type: ignore[arg-type]


def test_a_clip_too_large_for_a_row(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_builder.five_clips()
    sizes = [path.stat().st_size for path in folder_builder.clips.iterdir()]
    monkeypatch.setattr(native_clips, "MAX_CLIP_BYTES", max(sizes) - 1)
    with pytest.raises(BuildError, match=rf"has {max(sizes):,} bytes, and at most"):
        folder_builder.build(settings=KEPT)


@dataclass(frozen=True)
class Changing:
    """Footage that is another file when it is opened again."""

    first: Path
    then: Path

    @property
    def label(self) -> str:
        return "changing.mp4"

    def identity(self) -> str:
        return hashlib.sha256(self.first.read_bytes()).hexdigest()

    @property
    def identity_is_sha256(self) -> bool:
        return True

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        yield self.first
        if self.first.exists():
            self.then.replace(self.first)

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        return {}


def test_a_clip_that_changes_meanwhile_is_not_kept(tmp_path: Path, tiny_clips: TinyClips) -> None:
    first = tiny_clips.write(tmp_path / "first.mp4", 0)
    footage = Changing(first, tiny_clips.write(tmp_path / "then.mp4", 1))
    source = Source(info=INFO, clips=(Clip("a", ("a boat",), "test", footage),))
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False, keep_clips=True)
    with pytest.raises(BuildError, match=r"changing\.mp4: changed while the dataset was built"):
        build_source(source, settings)
    assert not (tmp_path / "dvtr" / INFO.name).exists()


def test_what_is_said_of_the_licence(folder_builder: FolderBuilder) -> None:
    folder_builder.five_clips()
    (remark,) = folder_builder.build(settings=KEPT).remarks
    assert "no named licence allows to pass them on (found 'unknown')" in remark
    named = folder_builder.build(licence="cc-by-4.0", settings={**KEPT, "name": "named"})
    assert named.remarks == ()


def test_frames_may_be_read_without_the_files_of_the_clips(tmp_path: Path) -> None:
    from dvtr_bench.dataset.split import require_whole_split

    built = build_toy(tmp_path, toy_rows(), keep_clips=True)
    for path in (built.folder / "clips").iterdir():
        path.unlink()
    require_whole_split(built.split("test"))


@pytest.mark.parametrize(
    ("video_id", "name"),
    [
        ("a", "a.mp4"),
        ("DJI 0012 (50%)", "DJI%200012%20%2850%25%29.mp4"),
        (".hidden", "%2Ehidden.mp4"),
        ("église", "%C3%A9glise.mp4"),
    ],
)
def test_file_names(video_id: str, name: str) -> None:
    assert clip_file_name(video_id, ".mp4") == name


def test_long_names_are_cut_and_differ() -> None:
    names = {clip_file_name("é" * 90 + last, ".mp4") for last in "ab"}
    assert len(names) == 2
    assert max(map(len, names)) < 200
