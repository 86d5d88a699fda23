"""Croissant metadata, as MLCommons' own library reads it."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import mlcroissant
import pyarrow as pa
import pytest

from builders.build import build_source
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, ClipFile, DatasetInfo, LicenceRecord, Source
from dvtr_bench.dataset.reader import BuiltDataset
from tests.builders.tiny_clips import TinyClips

# mlcroissant calls rdflib and pandas in ways that these will not take for ever.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

IDS = ("Baseball_008 1", "Baseball_008 ", "église\t50%", "port")
OBJECTS = pa.list_(pa.struct([("kind", pa.string()), ("boxes", pa.list_(pa.list_(pa.float32())))]))
CITATION = "@article{a,\n  author = {Doe, Jane and Max Roe and others},\n  year = {2024}\n}"
INFO = DatasetInfo(
    name="drones",
    version="1.2.0+small",
    pretty_name="Drones, small",
    summary="Four clips.",
    description="Four clips of drones.",
    licence=LicenceRecord(
        "cc-by-4.0", "CC BY 4.0.", "https://creativecommons.org/licenses/by/4.0/"
    ),
    homepage="https://localhost/drones",
    citation=CITATION,
    tags=("drone",),
)


def build(
    root: Path,
    tiny: TinyClips,
    info: DatasetInfo = INFO,
    frames: bool = True,
    keep_clips: bool = False,
) -> BuiltDataset:
    clips = tuple(
        Clip(
            video_id=video_id,
            captions=(f"caption {number}", "same"),
            split=("train", "train", "validation", "test")[number],
            footage=ClipFile(tiny.write(root / f"{number}.mp4", number)),
            extra={
                "objects": [{"kind": f"car {number}", "boxes": [[0.0, 0.5], [1.0, 0.25]]}] * number,
                "scene": None if number else "road",
            },
        )
        for number, video_id in enumerate(IDS)
    )
    fields = (pa.field("objects", OBJECTS), pa.field("scene", pa.string()))
    settings = BuildSettings(root=root / "dvtr", workers=0, progress=False, shard_bytes=1)
    settings = replace(settings, keep_clips=keep_clips)
    if not frames:
        settings = BuildSettings(root=root / "bare", workers=0, progress=False, frames=None)
    return build_source(Source(info=info, clips=clips, extra_fields=fields), settings).dataset


def opened(built: BuiltDataset) -> mlcroissant.Dataset:
    return mlcroissant.Dataset(str(built.folder / "croissant.json"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    folder = tmp_path_factory.mktemp("croissant")
    return build(folder, TinyClips())


def test_it_is_valid_without_a_warning(built, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = opened(built)
        list(dataset.records("captions"))
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings, caplog.messages) == (set(), set(), [])
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    assert dataset.metadata.version == "1.2.0+small"
    assert [creator.name for creator in dataset.metadata.creators] == ["Jane Doe", "Max Roe"]


def test_captions_and_qrels_are_the_rows(built) -> None:
    dataset = opened(built)
    captions = {
        (row["captions/split"], row["captions/caption_id"], row["captions/caption"])
        for row in dataset.records("captions")
    }
    assert (b"test", b"port#1", b"same") in captions
    assert (b"train", b"Baseball_008 #0", b"caption 1") in captions
    assert len(captions) == 8
    qrels = {(row["qrels/query-id"], row["qrels/corpus-id"]) for row in dataset.records("qrels")}
    assert ("église\t50%#1".encode(), "église\t50%".encode()) in qrels
    assert {row["splits/name"] for row in dataset.records("splits")} == set(built.split_names)


def test_videos_have_their_frames_and_structures(built) -> None:
    rows = {row["default/video_id"]: row for row in opened(built).records("default")}
    first, third = rows[b"Baseball_008 1"], rows["église\t50%".encode()]
    assert first["default/split"] == b"train"
    assert [frame.size for frame in first["default/frames"]] == [(298, 224)] * 12
    assert len(first["default/frame_pts_seconds"]) == 12
    assert third["default/objects"][1]["default/objects/kind"] == b"car 2"
    assert third["default/objects"][0]["default/objects/boxes"] == [[0.0, 0.5], [1.0, 0.25]]


def test_every_file_is_named_with_its_hash(built) -> None:
    value = json.loads((built.folder / "croissant.json").read_text())
    files = {item["@id"]: item for item in value["distribution"] if "sha256" in item}
    recorded = [file for split in built.manifest.splits.values() for file in split.files]
    assert {path: item["sha256"] for path, item in files.items()} == {
        file.path: file.sha256 for file in recorded
    }
    assert len(recorded) == 10


def test_an_annotations_only_dataset_is_described_too(tmp_path) -> None:
    dataset = opened(build(tmp_path, TinyClips(), frames=False))
    assert next(iter(dataset.records("default")))["default/frames"] is None


def test_only_a_date_that_nothing_states_is_missing(tmp_path) -> None:
    licence = LicenceRecord("unknown", "Nobody states a licence.", None)
    info = DatasetInfo("mine", "1.0.0", "Mine", "My clips.", "My clips.", licence)
    issues = opened(build(tmp_path, TinyClips(), info, frames=False)).metadata.ctx.issues
    assert issues.errors == set()
    (warning,) = issues.warnings
    assert "datePublished" in warning


def test_building_twice_gives_the_same_text(tmp_path) -> None:
    tiny = TinyClips()
    texts = {
        (build(tmp_path / place, tiny, frames=False).folder / "croissant.json").read_bytes()
        for place in ("a", "b")
    }
    assert len(texts) == 1


def test_kept_clips_are_described(tmp_path, caplog) -> None:
    built = build(tmp_path, TinyClips(), keep_clips=True)
    with caplog.at_level(logging.WARNING):
        dataset = opened(built)
        rows = {row["clips/video_id"]: row for row in dataset.records("clips")}
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings, caplog.messages) == (set(), set(), [])
    assert rows[b"port"]["clips/split"] == b"test"
    assert rows[b"port"]["clips/video"] == (tmp_path / "3.mp4").read_bytes()
