"""A dataset's version, and hashes of its content: its rows and settings, not its files' bytes.

The same clips, captions, splits and settings give the same fingerprint on any machine and with any
version of the Parquet writer.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dvtr_bench.errors import InputError


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
