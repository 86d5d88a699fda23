"""Read TOML files that people write into frozen dataclasses, with checks."""

import json
from pathlib import Path
from typing import TypeVar

from dvtr_bench.errors import DvtrError, InputError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_records import from_json
from dvtr_bench.reading.toml_text import parse_toml, read_toml_text

Record = TypeVar("Record")


def read_toml(kind: type[Record], path: Path, error: type[DvtrError] = InputError) -> Record:
    """Read a dataclass from a TOML file.

    Args:
        kind: A dataclass, as `dvtr_bench.reading.json_records.from_json` takes it.
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
        text = read_toml_text(path, error)
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file") from None
    content = parse_toml(text, path, error)
    with reading(path, "a TOML file", error, "mend it"):
        # NaN and infinity are numbers in TOML; from_json refuses them.
        as_json = json.dumps(content, default=str)
    return from_json(kind, as_json, str(path), error)
