"""Result files: one run, one file, never half-written, never over another run."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from dvtr_bench.errors import NotFoundError, ResultError
from dvtr_bench.results.checked import remember_checked, was_checked
from dvtr_bench.results.checks import completed
from dvtr_bench.results.json_form import from_text, to_text
from dvtr_bench.results.record import RunRecord
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.json_records import read_json_bytes


def write_result(record: RunRecord, folder: Path) -> Path:
    """Write a record into a folder.

    The name says dataset, split, model, text block, post-processing, seeds and checkpoint. The same
    run evaluated again (same identity, same ranks) takes the place of its file; any other run of
    that name gets a number of its own.

    Args:
        record: A run.
        folder: Where result files go; made when it is not there.

    Returns:
        The file.

    Raises:
        ResultError: The record holds a number that is not finite.
    """
    text = to_text(record)
    folder.mkdir(parents=True, exist_ok=True)
    path = result_path(record, folder)
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return path


def result_path(record: RunRecord, folder: Path) -> Path:
    """Return the file that `write_result` would write.

    Args:
        record: A run.
        folder: Where result files go.

    Returns:
        The file of the same run where there is one, else one that is not there.
    """
    stem = file_stem(record)
    number = 1
    path = folder / f"{stem}.json"
    while path.exists() and not _same_run(path, record):
        number += 1
        path = folder / f"{stem}-{number}.json"
    return path


def read_result(path: Path) -> RunRecord:
    """Read a result file and check it against its own ranks.

    A file that passed is remembered by the hash of its bytes in this user's cache folder and not
    checked a second time (`dvtr_bench.results.checked` says what that promises).

    Args:
        path: A result file.

    Returns:
        The record, with the figures of every metric there is: those that the file lacks are
        computed from its ranks.

    Raises:
        NotFoundError: There is no such file.
        ResultError: It is not a result, of another version, or a figure differs from what its ranks
            give; names the place.
    """
    content = _content(path)
    record = from_text(content, str(path))
    if was_checked(content):
        return record
    found = completed(record, str(path))
    if found is record:  # else it lacks figures, which are computed at every read
        remember_checked(content)
    return found


def load_results(places: str | Path | Iterable[str | Path]) -> list[RunRecord]:
    """Read result files, all of them checked.

    Args:
        places: A result file, a folder of them (its ``*.json``), or several of either.

    Returns:
        The records, folders in order of file name.

    Raises:
        NotFoundError: A place is not there.
        ResultError: A file is not a result that agrees with itself.

    Example:
        >>> from dvtr_bench.results import load_results, to_frame
        >>> to_frame(load_results("results"))  # doctest: +SKIP
    """
    several = [places] if isinstance(places, (str, Path)) else places
    return [read_result(path) for place in several for path in result_paths(place)]


def result_paths(place: str | Path) -> list[Path]:
    """Return the result files of a place.

    Args:
        place: A result file, or a folder of them (its ``*.json``).

    Returns:
        The files, in order of their names.

    Raises:
        NotFoundError: The place is not there.
    """
    place = Path(place)
    if not place.exists():
        raise NotFoundError(
            f"no result at {place}: `dvtr-bench evaluate` writes result files into ./results"
        )
    return sorted(place.glob("*.json")) if place.is_dir() else [place]


def file_stem(record: RunRecord) -> str:
    """Return the file name of a record, without its ending.

    Args:
        record: A run.

    Returns:
        Letters, digits, ``.``, ``_`` and ``-`` alone, whatever the names in the record hold.
    """
    parts = [record.dataset.name, record.dataset.split, record.model.name]
    if record.scoring.text_block is not None:
        parts.append(f"block{record.scoring.text_block}")
    if record.scoring.post_processing != "none":
        done = record.scoring.post_processed
        parts.append(record.scoring.post_processing if done is None else done.name)
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
