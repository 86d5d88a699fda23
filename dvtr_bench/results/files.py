"""Result files: one file a run, its JSON, written atomically, never over another run."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes, readable_json
from dvtr_bench.results.build import require_relations
from dvtr_bench.results.checks import completed, remember_checked, was_checked, with_score_intervals
from dvtr_bench.results.record import RESULT_FORMAT_VERSION, RunRecord
from dvtr_bench.runtime.files import written_beside

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
        _require_versions(parse_json(text, file, ResultError, any_number=True), file)
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
    return readable_json(value)


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


def write_result(record: RunRecord, folder: Path) -> Path:
    """Write a record into a folder.

    The file name states dataset, split, model, text block, post-processing, seeds and checkpoint.
    The same run evaluated again (same identity, same ranks) replaces its file. A different run with
    the same name gets a number added.

    Args:
        record: A run.
        folder: Folder of result files; created if missing.

    Returns:
        The file.

    Raises:
        ResultError: The record holds a number that is not finite.
    """
    text = to_text(record)
    path = result_path(record, folder)
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return path


def result_path(record: RunRecord, folder: Path) -> Path:
    """Return the file that `write_result` would write.

    Args:
        record: A run.
        folder: Folder of result files.

    Returns:
        The file of the same run if it exists, else a new file name.
    """
    stem = file_stem(record)
    number = 1
    path = folder / f"{stem}.json"
    while path.exists() and not _same_run(path, record):
        number += 1
        path = folder / f"{stem}-{number}.json"
    return path


def parsed_result(content: bytes, file: str) -> RunRecord:
    """Return a result as its readers see it, before its figures are compared with its ranks.

    Args:
        content: The bytes of a result file.
        file: The file's name, for messages.

    Returns:
        The record. Files from before Wilson's intervals get these (`with_score_intervals`).

    Raises:
        ResultError: As of `from_text`.
    """
    return with_score_intervals(from_text(content, file))


def read_result(path: Path) -> RunRecord:
    """Read a result file and check it against its own ranks.

    A file that passed is remembered by the hash of its bytes in this user's cache folder and not
    checked a second time (see `dvtr_bench.results.checks`).

    Args:
        path: A result file.

    Returns:
        The record with the figures of every metric; those missing in the file are computed from its
        ranks.

    Raises:
        NotFoundError: There is no such file.
        ResultError: The file is not a result, has another version, states a figure that its ranks
            do not give, or facts that contradict each other. The message names the field.
    """
    content = _content(path)
    record = parsed_result(content, str(path))
    if was_checked(content):
        return record
    record_with_figures = completed(record, str(path))
    require_relations(record, str(path))
    if (
        record_with_figures is record
    ):  # otherwise it lacks figures, which are computed at every read
        remember_checked(content)
    return record_with_figures


def load_results(places: str | Path | Iterable[str | Path]) -> list[RunRecord]:
    """Read and check result files.

    Args:
        places: A result file, a folder of them (its ``*.json``), or several of either.

    Returns:
        The records; those of a folder in order of file name.

    Raises:
        NotFoundError: A file or folder does not exist.
        ResultError: A file is not a result, or its figures differ from its ranks.

    Example:
        >>> from dvtr_bench.results import load_results, to_frame
        >>> to_frame(load_results("results"))  # doctest: +SKIP
    """
    paths = [places] if isinstance(places, (str, Path)) else places
    return [read_result(file) for path in paths for file in result_paths(path)]


def result_paths(path: str | Path) -> list[Path]:
    """Return the result files at a path.

    Args:
        path: A result file, or a folder of them (its ``*.json``).

    Returns:
        The files, sorted by name.

    Raises:
        NotFoundError: The path does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise NotFoundError(
            f"no result at {path}: `dvtr-bench evaluate` writes result files into ./results"
        )
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def file_stem(record: RunRecord) -> str:
    """Return the file name of a record, without its ending.

    Args:
        record: A run.

    Returns:
        A name of letters, digits, ``.``, ``_`` and ``-`` only.
    """
    parts = [record.dataset.name, record.dataset.split, record.model.name]
    if record.scoring.text_block is not None:
        parts.append(f"block{record.scoring.text_block}")
    if record.scoring.post_processing != "none":
        post_processed = record.scoring.post_processed
        parts.append(
            record.scoring.post_processing if post_processed is None else post_processed.name
        )
    if record.model.seeds:
        parts.append("seed" + "_".join(map(str, record.model.seeds)))
    if record.model.checkpoint_sha256 is not None:
        parts.append(record.model.checkpoint_sha256[:8])
    name = "-".join(parts)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")
    if len(safe) > 150:
        safe = f"{safe[:130]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return safe


def _content(path: Path) -> bytes:
    try:
        return read_json_bytes(path, ResultError)
    except FileNotFoundError:
        raise NotFoundError(f"no result at {path}") from None


def _same_run(path: Path, record: RunRecord) -> bool:
    try:
        other = from_text(_content(path), str(path))
    except ResultError:
        return False
    return (other.kind, other.dataset, other.model, other.scoring, other.ranks) == (
        record.kind,
        record.dataset,
        record.model,
        record.scoring,
        record.ranks,
    )
