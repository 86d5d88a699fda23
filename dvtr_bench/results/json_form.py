"""Records as JSON text and back."""

import json
from typing import Any, Final

from dvtr_bench.errors import ResultError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.results.record import RESULT_FORMAT_VERSION, RunRecord
from dvtr_bench.runtime.json_records import from_json, parse_json, to_json

_LINE_LENGTH: Final = 100

_VERSIONS: Final = {"format_version": RESULT_FORMAT_VERSION, "protocol_version": PROTOCOL_VERSION}


def to_text(record: RunRecord) -> str:
    """Write a record as JSON text.

    Args:
        record: A run.

    Returns:
        JSON; what fits on a line stands on one, and so does every list of numbers.

    Raises:
        ResultError: A number of the record is not finite, or the model's config is not JSON.
    """
    try:
        return laid_out(to_json(record)) + "\n"
    except (ValueError, TypeError) as failure:
        raise ResultError(
            f"the result of {record.label} on {record.dataset.name} cannot be written as JSON "
            f"({failure}): a result holds finite numbers, texts, lists and objects only"
        ) from None


def from_text(text: str | bytes, file: str) -> RunRecord:
    """Read a record from JSON text without checking its figures.

    Args:
        text: What `to_text` wrote.
        file: The file's name, for messages.

    Returns:
        The record.

    Raises:
        ResultError: The text is not JSON, has another format version, or does not match
            ``results/schema.json``.
    """
    try:
        record = from_json(RunRecord, text, file, ResultError)
    except ResultError as failure:
        # A file of another version differs in many fields: report the version instead of one field.
        _require_versions(parse_json(text, file, ResultError), file)
        raise ResultError(f"{failure}; evaluate again rather than editing a result") from None
    _require_versions({name: getattr(record, name) for name in _VERSIONS}, file)
    return record


def laid_out(value: Any, margin: str = "") -> str:
    """Format JSON for human readers.

    Args:
        value: Nested dicts, lists and scalars.
        margin: Indentation of every line after the first.

    Returns:
        JSON; what fits on a line stands on one, and so does every list of numbers.
    """
    inner = margin + "  "
    if isinstance(value, dict):
        items = [laid_out(item, inner) for item in value.values()]
        line = ", ".join(f"{_dumps(k)}: {item}" for k, item in zip(value, items, strict=True))
        members = [f"{json.dumps(k)}: {item}" for k, item in zip(value, items, strict=True)]
        first, last = "{}"
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        members = [laid_out(item, inner) for item in value]
        line = ", ".join(members)
        first, last = "[]"
    else:
        return _dumps(value)
    if "\n" not in line and len(margin) + len(line) + 2 <= _LINE_LENGTH:
        return f"{first}{line}{last}"
    body = ",\n".join(inner + member for member in members)
    return f"{first}\n{body}\n{margin}{last}"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _require_versions(value: object, file: str) -> None:
    for name, supported in _VERSIONS.items():
        version = value.get(name) if isinstance(value, dict) else None
        if type(version) is not int:
            raise ResultError(f"{file}: expected a whole number {name}, found {version!r}")
        if version != supported:
            age = "too new" if version > supported else "too old"
            step = "upgrade dvtr-bench" if version > supported else "evaluate again"
            raise ResultError(
                f"{file}: {age}: {name} {version}, this dvtr-bench reads {supported}: {step}"
            )
