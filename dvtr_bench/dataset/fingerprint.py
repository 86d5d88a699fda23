"""Hashes that name a dataset's content: over rows and settings, never over file bytes.

The same clips, captions, splits and settings give the same fingerprint on any machine, whatever
wrote the Parquet files.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return one spelling of a JSON value: sorted keys, no spaces, UTF-8, no NaN.

    Args:
        value: A JSON value.

    Returns:
        UTF-8 bytes.

    Example:
        >>> canonical_json({"b": 1, "a": "é"}).decode()
        '{"a":"é","b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def ids_sha256(ids: Iterable[str]) -> str:
    """Hash a list of ids in order.

    Args:
        ids: Ids, verbatim.

    Returns:
        64 hex digits; every id counts with its end, so ``["ab"]`` and ``["a", "b"]`` differ.
    """
    digest = hashlib.sha256()
    for identifier in ids:
        digest.update(canonical_json(identifier))
        digest.update(b"\n")
    return digest.hexdigest()


class Fingerprint:
    """Collects rows one by one, so that memory does not grow with the dataset.

    Example:
        >>> whole = Fingerprint({"sampling": "uniform:12"})
        >>> whole.add({"video_id": "a", "captions": ["a boat"]})
        >>> len(whole.hexdigest())
        64
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Start with the settings that the rows were made with (JSON values)."""
        self._digest = hashlib.sha256()
        self.add(settings)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row (JSON values); the order of rows counts."""
        self._digest.update(canonical_json(dict(row)))
        self._digest.update(b"\n")

    def hexdigest(self) -> str:
        """Return the hash of everything added so far, 64 hex digits."""
        return self._digest.hexdigest()
