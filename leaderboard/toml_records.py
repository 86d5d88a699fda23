"""Read TOML files that people write into frozen dataclasses, with checks."""

import json
import tomllib
from pathlib import Path
from typing import Final, TypeVar

from dvtr_bench.errors import DvtrError, InputError, NotFoundError
from dvtr_bench.runtime.json_records import from_json

Record = TypeVar("Record")

_LARGEST_BYTES: Final = 1 << 20
"""Larger files are rejected before they are read: people write a few kilobytes."""


def read_toml(kind: type[Record], path: Path, error: type[DvtrError] = InputError) -> Record:
    """Read a dataclass from a TOML file.

    Args:
        kind: A dataclass, as `dvtr_bench.runtime.json_records.from_json` takes it.
        path: The file. A date in it becomes a string, such as ``2026-01-31``.
        error: Type of the error to raise.

    Returns:
        An instance of ``kind``.

    Raises:
        NotFoundError: There is no such file.
        DvtrError: It is not TOML, too large, or a field is missing, unknown or invalid; the message
            names it. Of the type ``error``.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise error(f"{path}: {size:,} bytes: expected at most {_LARGEST_BYTES:,}")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as failure:
        raise error(f"{path}: cannot be read as text ({failure})") from None
    try:
        content = tomllib.loads(text)
        # NaN and infinity are numbers in TOML; from_json refuses them.
        as_json = json.dumps(content, default=str)
    except (ValueError, RecursionError) as failure:
        raise error(f"{path}: not a TOML file ({failure})") from None
    return from_json(kind, as_json, str(path), error)
