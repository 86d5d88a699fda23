"""Check that Parquet files have the required columns, features and rows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.checks.verify.files import records
from builders.checks.verify.finding import Finding, shown
from builders.engine.parquet import hf_features, portable_features
from dvtr_bench.dataset.manifest import (
    CAPTION_FIELDS,
    CLIP_FIELDS,
    CLIPS_CONFIG,
    QREL_FIELDS,
    VIDEO_FIELDS,
    FileRecord,
    Manifest,
)
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import brief
from dvtr_bench.reading.json_text import parse_json
from dvtr_bench.reading.parquet_files import BoundedParquet


def check_forms(folder: Path, manifest: Manifest) -> tuple[list[Finding], set[str]]:
    """Open every existing Parquet file and check everything except its rows.

    Args:
        folder: The dataset's folder.
        manifest: What the files should be.

    Returns:
        The findings, and the paths of the files whose rows can be read.
    """
    findings: list[Finding] = []
    readable: set[str] = set()
    extra_types: dict[str, pa.DataType] = {}
    for _, file in records(manifest):
        path = folder / file.path
        if not path.is_file():
            continue
        try:
            opened = BoundedParquet(path, file.path)
        except (InputError, FileNotFoundError) as failure:
            findings.append(Finding(file.path, str(failure).removeprefix(f"{file.path}: ")))
            continue
        schema, num_rows = opened.schema, opened.num_rows
        opened.close()
        if num_rows != file.num_rows:
            findings.append(
                Finding(file.path, f"expected {file.num_rows:,} rows, found {num_rows:,}")
            )
        wrong = list(_columns(file, schema, manifest, extra_types))
        findings += [*wrong, *_metadata(file.path, schema, manifest)]
        if not wrong:
            readable.add(file.path)
    return findings, readable


def _columns(
    file: FileRecord,
    schema: pa.Schema,
    manifest: Manifest,
    extra_types: dict[str, pa.DataType],
) -> Iterator[Finding]:
    """Compare columns; extra columns only need to be the same in all files."""
    fields = {
        "default": VIDEO_FIELDS,
        "captions": CAPTION_FIELDS,
        "qrels": QREL_FIELDS,
        CLIPS_CONFIG: CLIP_FIELDS,
    }
    common = fields[file.config]
    extra = manifest.extra_columns if file.config == "default" else ()
    expected = [*(field.name for field in common), *extra]
    if schema.names != expected:
        yield Finding(
            file.path,
            f"expected the columns {', '.join(expected)}; found {', '.join(schema.names)}",
        )
        return
    for field in common:
        if not schema.field(field.name).equals(field):
            yield Finding(
                file.path, f"expected the column {field}, found {schema.field(field.name)}"
            )
    for name in extra:
        kind = schema.field(name).type
        if extra_types.setdefault(name, kind) != kind:
            yield Finding(
                file.path, f"column {name}: {kind} here, {extra_types[name]} in another file"
            )


def _metadata(path: str, schema: pa.Schema, manifest: Manifest) -> Iterator[Finding]:
    """Compare the file's metadata: dataset, version, fingerprint, features."""
    metadata: Mapping[bytes, bytes] = schema.metadata or {}
    expected = {
        "format_version": manifest.format_version,
        "name": manifest.name,
        "version": manifest.version,
        "fingerprint": manifest.fingerprint,
    }
    stamp = _parsed(metadata.get(b"dvtr", b""))
    for key, value in expected.items():
        if stamp.get(key) != value:
            yield Finding(
                path,
                f"its metadata say {key} {shown(stamp.get(key))}, dataset.json {shown(value)}",
            )
    from datasets import Features

    try:
        features = Features.from_arrow_schema(schema)
    except Exception as failure:  # foreign features can make the reader fail in many ways
        yield Finding(path, f"its Hugging Face features cannot be read ({brief(failure)})")
        return
    # Compared in one spelling: builds of before 4.x's `List` and after it are both intact.
    same = portable_features(features) == portable_features(hf_features(schema))
    if b"huggingface" not in metadata or not same:
        yield Finding(path, "its Hugging Face features are not those of its columns")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        value = parse_json(text, "metadata")
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}
