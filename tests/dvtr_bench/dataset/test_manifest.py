import dataclasses
import json
from pathlib import Path

import pytest

from dvtr_bench.dataset.manifest import (
    FORMAT_VERSION,
    FileRecord,
    FrameRecord,
    LicenceRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
    read_manifest,
)
from dvtr_bench.errors import InputError, NotFoundError

MANIFEST = Manifest(
    format_version=FORMAT_VERSION,
    name="mine",
    version="1.0.0",
    fingerprint="f" * 64,
    inputs_sha256="a" * 64,
    pretty_name="Mine",
    summary="One clip.",
    language="en",
    homepage=None,
    citation="",
    licence=LicenceRecord("unknown", "None stated.", None),
    sources=(SourceRecord("captions.csv", None, "b" * 64, None),),
    splits={
        "test": SplitRecord(
            num_videos=1,
            num_captions=2,
            video_ids_sha256="c" * 64,
            caption_ids_sha256="d" * 64,
            identical_caption_ceiling=100.0,
            files=(FileRecord("default", "data/test-00000-of-00001.parquet", 1, 9, "e" * 64),),
        )
    },
    frames=FrameRecord("uniform:12", 224, "png", "1", 12, 9.5),
    extra_columns=("flight",),
    left_out={"broken clips": 3},
    notes=("A note.",),
    built_with="dvtr-bench 0.1.0",
)


def write(folder: Path, text: str) -> Path:
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    return folder


def changed(**fields: object) -> str:
    return json.dumps(json.loads(MANIFEST.to_text()) | fields)


@pytest.mark.parametrize("manifest", [MANIFEST, dataclasses.replace(MANIFEST, frames=None)])
def test_what_is_written_reads_back(tmp_path: Path, manifest: Manifest) -> None:
    assert read_manifest(write(tmp_path, manifest.to_text())) == manifest
    assert manifest.size_bytes == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON file"),
        ("[]", "format_version: expected an integer, found None"),
        (changed(format_version=FORMAT_VERSION + 1), "too new.*upgrade"),
        (changed(format_version=FORMAT_VERSION - 1), "too old.*build the dataset again"),
        (changed(format_version="1"), "expected an integer"),
        (changed(format_version=True), "expected an integer"),
        (changed(colour="red"), "'colour' is unknown"),
        (changed(name=None), "name: expected string, found None"),
        (changed(notes="x"), "notes: expected array"),
        (changed(left_out={"x": 1.5}), r"left_out\.x: expected integer"),
        (changed(frames={"sampling": "12"}), "frames: the field 'short_side_px' is missing"),
        (changed(splits={}), "at least one split"),
        (changed(splits={"dev": json.loads(MANIFEST.to_text())["splits"]["test"]}), "'dev'"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_manifest(write(tmp_path, text))


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/data.parquet", "data/../../x.parquet"])
def test_files_stay_inside_the_folder(tmp_path: Path, path: str) -> None:
    value = json.loads(MANIFEST.to_text())
    value["splits"]["test"]["files"][0]["path"] = path
    with pytest.raises(InputError, match="a path inside the folder, found"):
        read_manifest(write(tmp_path, json.dumps(value)))


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not a built dataset"):
        read_manifest(tmp_path)
