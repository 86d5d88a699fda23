"""A small built dataset, and changes to it such as accidents and forgers make."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.manifest import MANIFEST_NAME, read_manifest
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.runtime.files import file_sha256
from tests.builders.tiny_clips import TinyClips

SPLITS = ["train", "train", "validation", "test", "test", "test"]
HEADER = "file_name,caption_1,caption_2,split,category,licence"


def toy_rows() -> list[str]:
    """Return one row a clip: name, two captions, split, category, licence."""
    return [
        f"{letter}.mp4,boat {letter},a lake from above,{split},{'sea' if n % 2 else 'land'},CC0"
        for n, (letter, split) in enumerate(zip("abcdef", SPLITS, strict=True))
    ]


def build_toy(
    folder: Path,
    rows: list[str] | None = None,
    name: str = "toy",
    clips_of: str = "abcdef",
    **settings: Any,
) -> BuiltDataset:
    """Build ``folder/dvtr/NAME`` from tiny clips of the names a, b, ...; `clips_of` says whose."""
    clips = folder / "clips"
    for number, letter in enumerate(clips_of):
        TinyClips().write(clips / f"{'abcdefgh'[number]}.mp4", ord(letter) - ord("a"))
    table = folder / f"{name}.csv"
    table.write_text("\n".join([HEADER, *(toy_rows() if rows is None else rows)]) + "\n")
    asked: dict[str, Any] = {"root": folder / "dvtr", "name": name, "workers": 0}
    asked |= {"progress": False, "missing": "drop", **settings}
    options = {"captions": table, **({} if asked.get("frames", 0) is None else {"clips": clips})}
    return build("folder", options, BuildSettings(**asked)).dataset


def change_values(path: Path, column: str, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change one column of a Parquet file and nothing else, metadata included."""
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    values = pa.array(change(table[column].to_pylist()), table.schema.field(column).type)
    write_again(path, table.set_column(place, table.schema.field(column), values))


def write_again(path: Path, table: pa.Table) -> None:
    """Write a table over a file."""
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table, 16)


def stamp(path: Path, **values: Any) -> None:
    """Change what a Parquet file's metadata say of its dataset."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    said = json.loads(metadata[b"dvtr"]) | values
    metadata[b"dvtr"] = json.dumps(said).encode()
    write_again(path, table.replace_schema_metadata(metadata))


def rehash(folder: Path) -> None:
    """Have ``dataset.json`` and ``croissant.json`` name the files as they are now."""
    manifest = read_manifest(folder)
    splits = {
        name: dataclasses.replace(
            split,
            files=tuple(
                dataclasses.replace(
                    file,
                    size_bytes=(folder / file.path).stat().st_size,
                    sha256=file_sha256(folder / file.path),
                    num_rows=pq.read_metadata(folder / file.path).num_rows,
                )
                for file in split.files
            ),
        )
        for name, split in manifest.splits.items()
    }
    changed = dataclasses.replace(manifest, splits=splits)
    croissant = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for entry in croissant["distribution"]:
        if entry["@type"] == "cr:FileObject":
            path = folder / entry["@id"]
            entry |= {"sha256": file_sha256(path), "contentSize": f"{path.stat().st_size} B"}
    (folder / "croissant.json").write_text(json.dumps(croissant), encoding="utf-8")
    (folder / MANIFEST_NAME).write_text(changed.to_text(), encoding="utf-8")


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit ``dataset.json`` as with a text editor."""
    value = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    change(value)
    (folder / MANIFEST_NAME).write_text(json.dumps(value), encoding="utf-8")
