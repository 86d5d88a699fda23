"""Check that files have the bytes that ``dataset.json`` states, and Parquet files their form."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from builders.checks.verify.row_stream import Finding, shown
from builders.documents.card import CARD_NAME
from builders.documents.croissant import CROISSANT_NAME
from builders.documents.texts import TREC_FOLDER
from builders.engine.parquet import hf_features, portable_features
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import (
    CAPTION_FIELDS,
    CLIP_FIELDS,
    CLIPS_CONFIG,
    FEATURES_FOLDER,
    MANIFEST_NAME,
    QREL_FIELDS,
    REPORT_NAME,
    VIDEO_FIELDS,
    FileRecord,
    Manifest,
)
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import brief
from dvtr_bench.reading.json_toml_text import parse_json
from dvtr_bench.reading.parquet_files import BoundedParquet
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import progress_bar

if TYPE_CHECKING:
    from builders.sources.source import DatasetInfo


_ALWAYS: Final = (CARD_NAME, MANIFEST_NAME, REPORT_NAME)
_MEGABYTE: Final = 1_000_000


def records(manifest: Manifest) -> list[tuple[str, FileRecord]]:
    """Return every Parquet file with the name of its split."""
    return [(name, file) for name, split in manifest.splits.items() for file in split.files]


def check_names(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Find missing files and files that belong to no dataset.

    Hidden files and folders are ignored: systems and the Hub's client create them (``.DS_Store``,
    ``.cache/``, ``.gitattributes``), and no reader of a dataset uses them.

    Args:
        folder: The dataset's folder.
        manifest: What should be in it.

    Yields:
        A finding for each.
    """
    expected_paths = {*_ALWAYS, *(file.path for _, file in records(manifest))}
    present = set(visible_files(folder))
    for path in sorted(expected_paths - present):
        if not (folder / path).is_file():
            yield Finding(path, "missing")
    # Older builds do not have such files and are intact without them.
    also = {CROISSANT_NAME, *(f"{TREC_FOLDER}/{name}.qrels" for name in manifest.splits)}
    for path in sorted(present - expected_paths - also):
        yield Finding(path, "no file of this dataset: dataset.json does not name it")


def check_bytes(folder: Path, manifest: Manifest, *, progress: bool) -> Iterator[Finding]:
    """Compare size and SHA-256 of every Parquet file that is there.

    Args:
        folder: The dataset's folder.
        manifest: What the files should be.
        progress: Show a progress bar.

    Yields:
        A finding for each file with other bytes.
    """
    files = [file for _, file in records(manifest) if (folder / file.path).is_file()]
    total = sum(_megabytes(folder / file.path) for file in files)
    with progress_bar("hash files (MB)", total, enabled=progress) as advance:
        for file in files:
            path = folder / file.path
            size_bytes = path.stat().st_size
            if size_bytes != file.size_bytes:
                yield Finding(
                    file.path, f"expected {file.size_bytes:,} bytes, found {size_bytes:,}"
                )
            elif (digest := file_sha256(path)) != file.sha256:
                yield Finding(
                    file.path,
                    f"its bytes changed: expected SHA-256 {file.sha256[:16]}..., found "
                    f"{digest[:16]}...",
                )
            advance(_megabytes(path))


def visible_files(folder: Path) -> Iterator[str]:
    """Yield the files of a dataset's folder that are not hidden, relative to it, with ``/``.

    Published features are left out: they are no part of the dataset, and have hashes of their own.
    """
    for folder_path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if Path(folder_path) == folder:
            folders[:] = [name for name in folders if name != FEATURES_FOLDER]
        for name in names:
            if not name.startswith("."):
                yield (Path(folder_path) / name).relative_to(folder).as_posix()


def _megabytes(path: Path) -> int:
    return path.stat().st_size // _MEGABYTE + 1


def published_sha256() -> dict[str, str]:
    """Return the known SHA-256 of published annotation files, by URL."""
    infos: list[DatasetInfo] = [module.INFO for module in DATASETS.load_all().values()]
    return {
        file.url: file.sha256
        for info in infos
        for file in info.files.values()
        if file.sha256 is not None
    }


def check_sources(manifest: Manifest) -> Iterator[Finding]:
    """Compare a manifest's statements about its annotation files with known hashes.

    Args:
        manifest: The manifest.

    Yields:
        A finding for each file that is wrongly called published, or wrongly not.
    """
    known_hashes = published_sha256()
    for source in manifest.sources:
        if source.url not in known_hashes:
            continue
        is_published = source.sha256 == known_hashes[source.url]
        if source.is_published_file != is_published:
            claim = "the published file" if source.is_published_file else "not the published file"
            yield Finding(
                MANIFEST_NAME,
                f"sources: it calls {source.name} {claim}; SHA-256 {source.sha256[:16]}..., "
                f"published {known_hashes[source.url][:16]}...",
            )


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
