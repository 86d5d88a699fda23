"""A dataset's version, and hashes of its content: what they cover, and that rows still have them.

The fingerprint is a hash of the build settings and, of every row of every split, the id, category,
captions, hash of the clip and the dataset's own columns. The same clips, captions, splits and
settings give the same fingerprint on any machine and with any version of the Parquet writer. It
says nothing about the stored frames: they follow from the clip and the settings, but whoever can
write to the folder can replace them.

That rows were checked is remembered in the user's cache folder (`runtime/checked_marks.py`), by the
manifest and by what the system says of the files: their place, size and times, of which a program
cannot set the last change. Reading 100,000 captions takes 3 to 30 seconds, depending on how much a
dataset says of a clip; files with frames are too large to be hashed for each evaluation.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dvtr_bench import __version__
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.errors import InputError, NotFoundError, ProtocolError
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.runtime.checked_marks import CheckedMarks


def canonical_json(value: Any) -> bytes:
    """Serialise a JSON value in a unique way: keys sorted, no spaces, no NaN.

    Args:
        value: A JSON value.

    Returns:
        The JSON text, in UTF-8.

    Example:
        >>> canonical_json({"b": 1, "a": "é"}).decode()
        '{"a":"é","b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def ids_sha256(ids: Iterable[str]) -> str:
    """Hash a list of ids; their order matters.

    Args:
        ids: Ids, verbatim.

    Returns:
        SHA-256, 64 hex digits. Ids are separated, so ``["ab"]`` and ``["a", "b"]`` differ.
    """
    digest = hashlib.sha256()
    for identifier in ids:
        digest.update(canonical_json(identifier))
        digest.update(b"\n")
    return digest.hexdigest()


class Fingerprint:
    """Hash of settings and rows; rows are added one by one, in constant memory.

    Example:
        >>> fingerprint = Fingerprint({"sampling": "uniform:12"})
        >>> fingerprint.add({"video_id": "a", "captions": ["a boat"]})
        >>> len(fingerprint.hexdigest())
        64
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Start with the settings that the rows were made with (JSON values)."""
        self._digest = hashlib.sha256()
        self.add(settings)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row (JSON values); the order of rows matters."""
        self._digest.update(canonical_json(dict(row)))
        self._digest.update(b"\n")

    def hexdigest(self) -> str:
        """Return the hash of everything added so far, 64 hex digits."""
        return self._digest.hexdigest()


_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?")


def version_tag(version: str) -> str:
    """Return the git tag of a published version.

    The ``+`` before a variant becomes ``-`` in the tag, because a URL may read ``+`` as a space.
    The numbers before it contain no ``-``, so different versions have different tags.

    Args:
        version: Semantic version, with or without a variant.

    Returns:
        The tag.

    Raises:
        InputError: The version is malformed.

    Example:
        >>> version_tag("1.0.0"), version_tag("1.0.1+small")
        ('v1.0.0', 'v1.0.1-small')
    """
    _parse(version)
    return "v" + version.replace("+", "-")


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version, which order versions.

    Args:
        version: As for `version_tag`.

    Returns:
        Major, minor, patch.

    Raises:
        InputError: The version is malformed.

    Example:
        >>> release("1.0.10+small") > release("1.0.9")
        True
    """
    major, minor, patch = _parse(version).group(1, 2, 3)
    return int(major), int(minor), int(patch)


def _parse(version: str) -> re.Match[str]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(
            f"version {version!r}: expected MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH+VARIANT, such "
            "as 1.0.0 or 1.0.0+small"
        )
    return match


FINGERPRINTED: Final = ("video_id", "category", "captions", "clip_sha256")
"""The common columns in the fingerprint; the others follow from these and the settings."""

_ROWS_AT_ONCE: Final = 1_000

_MARKS: Final = CheckedMarks("datasets", "checks of datasets are")


def fingerprinted_settings(manifest: Manifest) -> dict[str, Any]:
    """Return the settings that a fingerprint starts with, as when it was made."""
    kept = ("sampling", "short_side_px", "image_format", "extractor")
    described = to_json(manifest.frames) if manifest.frames else None
    settings = {
        "format_version": manifest.format_version,
        "frames": {name: described[name] for name in kept} if described else None,
    }
    return {**settings, "keep_clips": True} if manifest.keeps_clips else settings


def caption_id(video_id: str, number: int) -> str:
    """Return the id of a caption: its video's id and its number from 0.

    Example:
        >>> caption_id("Baseball_008 1", 2)
        'Baseball_008 1#2'
    """
    return f"{video_id}#{number}"


def require_contents(folder: Path, manifest: Manifest, queries: "Queries") -> None:
    """Refuse a dataset whose rows are not those that its fingerprint was made from.

    All rows are read without their frames, unless the same files were read before.

    Args:
        folder: The dataset's folder.
        manifest: Its manifest.
        queries: The captions of one split, as its file of captions has them.

    Raises:
        ProtocolError: The rows give another fingerprint, or the captions are not those of the rows.
        NotFoundError: A file is missing.
        InputError: A file cannot be read.
    """
    checks = hashlib.sha256(__version__.encode()).hexdigest()
    checked = _facts(folder, manifest, queries)
    if _MARKS.has(checks, checked):
        return
    _read_and_compare(folder, manifest, queries)
    _MARKS.add(checks, checked)


def _read_and_compare(folder: Path, manifest: Manifest, queries: "Queries") -> None:
    fingerprint = Fingerprint(fingerprinted_settings(manifest))
    columns = [*FINGERPRINTED, *manifest.extra_columns]
    expected = zip(queries.ids, queries.video_ids, queries.captions, strict=True)
    for name, record in manifest.splits.items():
        for path in record.paths("default"):
            for row in _rows(folder / path, columns):
                try:
                    fingerprint.add({"split": name, **row})
                except (ValueError, TypeError) as failure:
                    raise InputError(f"{folder / path}: {row['video_id']!r}: {failure}") from None
                if name == queries.split:
                    _require_captions(folder, queries, row, expected)
    if rest := next(expected, None):
        raise _other_captions(folder, queries, rest[0])
    if (found := fingerprint.hexdigest()) != manifest.fingerprint:
        raise ProtocolError(
            f"{folder}: the rows give the fingerprint {found[:12]}, but dataset.json says "
            f"{manifest.fingerprint[:12]}: ids, captions or splits were changed after the dataset "
            "was built. Build it again, or copy it again from its source"
        )


@dataclass(frozen=True)
class Queries:
    """The captions of a split as its file of captions has them.

    Attributes:
        split: Name of the split.
        ids: T ids.
        video_ids: The id of the video of each.
        captions: T captions.
    """

    split: str
    ids: tuple[str, ...]
    video_ids: tuple[str, ...]
    captions: tuple[str, ...]


def _facts(folder: Path, manifest: Manifest, queries: Queries) -> str:
    """Hash what the system says of the files, and the manifest and captions."""
    facts: list[object] = [manifest.to_text(), queries.split]
    for record in manifest.splits.values():
        for path in record.paths("default"):
            facts.append((str((folder / path).resolve()), *_facts_of(folder / path)))
    facts.extend(zip(queries.ids, queries.video_ids, queries.captions, strict=True))
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def _facts_of(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise NotFoundError(
            f"{path} is missing: the fingerprint covers the rows of every split: copy the whole "
            "dataset, or build it again"
        ) from None
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def _require_captions(
    folder: Path, queries: Queries, row: dict[str, Any], expected: Iterator[Any]
) -> None:
    video_id = row["video_id"]
    for number, caption in enumerate(row["captions"]):
        if next(expected, None) != (caption_id(video_id, number), video_id, caption):
            raise _other_captions(folder, queries, caption_id(video_id, number))


def _other_captions(folder: Path, queries: Queries, caption: str) -> ProtocolError:
    return ProtocolError(
        f"{folder}: the captions of {queries.split} are not those of its videos' rows, from "
        f"{caption!r} on: they were changed after the dataset was built. Build it again, or copy "
        "it again from its source"
    )


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    from dvtr_bench.reading.parquet_files import BoundedParquet

    file = BoundedParquet(path, path, kind="a Parquet file")
    try:
        yield from file.rows(columns, _ROWS_AT_ONCE)
    finally:
        file.close()
