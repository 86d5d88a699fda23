"""`croissant.json`: the dataset described in MLCommons' Croissant 1.1 (JSON-LD).

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. Written without its
    library; the tests compare with `mlcroissant`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from builders.engine.assemble import Assembled
from builders.engine.parquet import Rows
from dvtr_bench.dataset.manifest import (
    CLIPS_CONFIG,
    FileRecord,
    Manifest,
)
from dvtr_bench.reading.json_toml_text import readable_json

CROISSANT_NAME: Final = "croissant.json"
_PARQUET: Final = "application/x-parquet"
_TERMS: Final = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty "
    "fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet "
    "references regex repeated replace samplingRate separator source subField transform"
).split()
_CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    **{term: f"cr:{term}" for term in _TERMS},
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}
_ABOUT: Final = {
    "default": "One record per video, with its captions and, unless this is an annotations-only "
    "build, its frames.",
    "captions": "One record per caption: the queries of text-to-video retrieval.",
    "qrels": "Which video is relevant to which caption, under BEIR's names.",
    CLIPS_CONFIG: "One record per video: the file of its clip, as it was found.",
}


def make_croissant(rows: Rows, assembled: Assembled) -> str:
    """Describe a dataset in Croissant 1.1.

    Args:
        rows: The rows, for their columns.
        assembled: The files.

    Returns:
        The text of ``croissant.json``; the same for the same dataset.
    """
    info, manifest = rows.source.info, assembled.manifest
    files = [file for split in manifest.splits.values() for file in split.files]
    value = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.pretty_name,
        "alternateName": manifest.name,
        "description": info.description,
        "license": _licence(manifest),
        "url": manifest.homepage,
        "creator": _creators(manifest),
        "datePublished": _year(manifest.citation),
        "version": manifest.version,
        "citeAs": manifest.citation or _own_citation(manifest),
        "keywords": ["video", "dvtr-bench", *info.tags],
        "inLanguage": manifest.language,
        "distribution": [
            *map(_file_object, files),
            *(_file_set(c, files) for c in manifest.configs),
        ],
        "recordSet": [
            _split_names(manifest),
            *(_record_set(config, rows.schema_of(config), manifest) for config in manifest.configs),
        ],
    }
    present = {key: item for key, item in value.items() if item is not None}
    return readable_json(present, indent=2) + "\n"


def _licence(manifest: Manifest) -> str:
    licence = manifest.licence
    if licence.id in ("unknown", "other"):
        return licence.link or licence.statement
    return licence.link or f"https://spdx.org/licenses/{licence.id}"


def _creators(manifest: Manifest) -> list[dict[str, str]] | None:
    """Read the authors from the first citation; None if there are none."""
    match = re.search(r"author\s*=\s*\{([^}]*)\}", manifest.citation)
    if not match:
        return None
    names = [" ".join(name.split()) for name in re.split(r"\s+and\s+", match.group(1))]
    return [
        {"@type": "sc:Person", "name": " ".join(reversed(name.split(", ", 1)))}
        for name in names
        if name != "others"
    ]


def _year(citation: str) -> str | None:
    """Return the year of the first citation; None if not stated."""
    match = re.search(r"year\s*=\s*\{?(\d{4})", citation)
    return match.group(1) if match else None


def _own_citation(manifest: Manifest) -> str:
    return (
        f"@misc{{{manifest.name},\n  title = {{{manifest.pretty_name}}},\n"
        f"  note  = {{Version {manifest.version}, fingerprint {manifest.fingerprint[:12]}, built "
        f"with {manifest.built_with}}}\n}}"
    )


def _file_object(file: FileRecord) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": file.sha256,
    }


def _file_set(config: str, files: list[FileRecord]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{config}-files",
        "name": f"{config}-files",
        "description": f"The Parquet files of {config}.",
        "encodingFormat": _PARQUET,
        "includes": [file.path for file in files if file.config == config],
    }


def _split_names(manifest: Manifest) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits. Models learn from train and are chosen by validation.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}
        ],
        "data": [{"splits/name": name} for name in manifest.splits],
    }


def _record_set(config: str, schema: pa.Schema, manifest: Manifest) -> dict[str, Any]:
    # Also matches its own result, because mlcroissant applies it again to join keys.
    name = rf"(?:.*/)?({'|'.join(manifest.splits)})(?:[-.][^/]*)?$"
    split = {
        "@type": "cr:Field",
        "@id": f"{config}/split",
        "name": "split",
        "description": "The split that the record belongs to.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{config}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": name},
        },
        "references": {"field": {"@id": "splits/name"}},
    }
    keys = {
        "default": "video_id",
        "captions": "caption_id",
        "qrels": "query-id",
        CLIPS_CONFIG: "video_id",
    }
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": _ABOUT[config],
        "key": {"@id": f"{config}/{keys[config]}"},
        "field": [split, *fields_of(config, schema)],
    }


_TYPES: Final = {
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.int32(): "cr:Int32",
    pa.int64(): "cr:Int64",
    pa.float32(): "cr:Float32",
    pa.float64(): "cr:Float64",
}


def fields_of(config: str, schema: pa.Schema) -> list[dict[str, Any]]:
    """Describe the columns of a config.

    Args:
        config: Its name, also that of the record set.
        schema: Its columns.

    Returns:
        One Croissant field per column, lists as arrays, structs as sub-fields.
    """
    return [
        _field(config, column.name, f"{config}/{column.name}", column.type, ()) for column in schema
    ]


def _field(
    config: str, column: str, identifier: str, kind: pa.DataType, path: tuple[str, ...]
) -> dict[str, Any]:
    depth, kind = _unwrapped(kind)
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier.rpartition("/")[2],
    }
    if depth:
        field |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
    if column == "frames":
        # Images in a list: mlcroissant 1.1.1 opens them only if the field is also `repeated`.
        field |= {"repeated": True, "dataType": "sc:ImageObject"}
        path = ("bytes",)
    elif config == CLIPS_CONFIG and column == "video":
        field["dataType"] = "sc:VideoObject"
        path = ("bytes",)
    elif pa.types.is_struct(kind):
        return field | {
            "subField": [
                _field(
                    config, column, f"{identifier}/{inner.name}", inner.type, (*path, inner.name)
                )
                for inner in kind
            ]
        }
    else:
        field["dataType"] = _TYPES[kind]
    source: dict[str, Any] = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column}}
    if path:
        source["transform"] = {"jsonPath": ".".join(path)}
    return field | {"source": source}


def _unwrapped(kind: pa.DataType) -> tuple[int, pa.DataType]:
    depth = 0
    while pa.types.is_list(kind):
        depth, kind = depth + 1, kind.value_type
    return depth, kind
