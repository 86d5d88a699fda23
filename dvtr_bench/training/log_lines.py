"""Read what a training wrote line by line."""

from pathlib import Path
from typing import Any

from dvtr_bench.errors import InputError, WeightsError
from dvtr_bench.reading.border import reading, require_size
from dvtr_bench.reading.json_toml_text import LARGEST_JSON_BYTES, parse_json
from dvtr_bench.training.run import LOG_FILE


def read_log_lines(folder: Path) -> list[dict[str, Any]]:
    """Read the log of a run.

    Args:
        folder: The run's folder, with its ``log.jsonl``.

    Returns:
        The object of each line. A line that a killed run left incomplete is left out.

    Raises:
        WeightsError: The file is missing, too large or no text.
    """
    path = folder / LOG_FILE
    if not path.is_file():
        raise WeightsError(f"{path}: expected the log of a training, found nothing")
    with reading(path, "a log of a training", WeightsError, "train again"):
        require_size(path, path.stat().st_size, LARGEST_JSON_BYTES, error=WeightsError)
        lines = path.read_text(encoding="utf-8").splitlines()
    objects = (_object(line, path) for line in lines)
    return [told for told in objects if told is not None]


def _object(line: str, path: Path) -> dict[str, Any] | None:
    try:
        told = parse_json(line, str(path))
    except InputError:
        return None
    return told if isinstance(told, dict) else None
