"""Check whether result files of others may enter the leaderboard."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from dvtr_bench.errors import DvtrError, InputError, NotFoundError, ResultError
from dvtr_bench.reading.json_toml_text import read_json_bytes
from dvtr_bench.results import RunRecord
from dvtr_bench.results.build import DATE_FORMAT, RELATIONS, require_relations
from dvtr_bench.results.checks import completed
from dvtr_bench.results.files import file_stem, parsed_result
from dvtr_bench.results.setups import setup_of
from leaderboard.result_files import SUFFIX, entry_path, read_entry
from leaderboard.submissions.checks import check_record
from leaderboard.submissions.known_datasets import KNOWN_DATASETS, KnownDataset, read_known
from leaderboard.submissions.report import Line, Submission, SubmissionReport

ENTERED: Final = Path("leaderboard/results")
"""Folder of the results that have entered: one folder a dataset below it."""

_LARGEST_BYTES: Final = 32 << 20
"""Larger files do not belong into a repository: the result of 100,000 captions fits."""

_Records = dict[Path, RunRecord]


def check_submissions(
    paths: Iterable[str | Path], *, known: Path = KNOWN_DATASETS, entered: Path = ENTERED
) -> SubmissionReport:
    """Check whether result files may enter the leaderboard.

    Figures are always computed again: what this user's cache remembers does not count.

    Args:
        paths: Result files, notes beside them (``NAME.entry.toml``), or folders, whose result files
            are checked at any depth.
        known: The list of known datasets.
        entered: Folder of the results that have entered. A file below it must stand in the folder
            of its dataset, and no run may stand there twice; it need not exist.

    Returns:
        One line a check, for every file.

    Raises:
        NotFoundError: A path does not exist, or there is no result file.
        InputError: The list of known datasets is not valid.
    """
    datasets = read_known(known)
    files = _result_files(paths)
    others = {file.resolve(): file for file in [*_entered_files(entered), *files]}
    records = {place: record for place, file in others.items() if (record := _unchecked(file))}
    return SubmissionReport(
        tuple(Submission(file, tuple(_lines(file, datasets, entered, records))) for file in files)
    )


def _lines(
    path: Path, known: Mapping[str, KnownDataset], entered: Path, records: _Records
) -> Iterator[Line]:
    try:
        read = _read(path)
        record = completed(read, path.name)
    except DvtrError as failure:
        yield Line("figures", "FAIL", str(failure))
        return
    yield Line("format", "PASS", f"version {record.format_version}, every field as the schema says")
    yield Line("figures", "PASS", "computed again from the ranks, all equal")
    yield _facts(record, path.name)
    yield from check_record(record, known)
    yield _name(path, record, entered)
    yield _duplicate(path, record, records)
    yield from _who(path, record)


def _facts(record: RunRecord, file: str) -> Line:
    try:
        require_relations(record, file)
    except ResultError as failure:
        return Line("facts", "FAIL", str(failure))
    ended = datetime.strptime(record.environment.date_utc, DATE_FORMAT).replace(tzinfo=UTC)
    if ended > datetime.now(UTC) + timedelta(days=1):
        return Line("facts", "FAIL", f"environment.date_utc is {ended:%Y-%m-%d}, a day to come")
    return Line("facts", "PASS", f"{len(RELATIONS)} relations between them hold")


def _read(path: Path) -> RunRecord:
    """Read a plain file of reasonable size, without checking its figures."""
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path.name}: expected a plain file, found a link or something else")
    if (size := path.stat().st_size) > _LARGEST_BYTES:
        raise InputError(f"{path.name}: {size:,} bytes: expected at most {_LARGEST_BYTES:,}")
    return parsed_result(read_json_bytes(path), path.name)


def _unchecked(path: Path) -> RunRecord | None:
    """Read a file to compare others with it; None if it is not readable."""
    try:
        return _read(path)
    except DvtrError:
        return None


def _name(path: Path, record: RunRecord, entered: Path) -> Line:
    stem, folder = file_stem(record), dataset_folder(record)
    if not re.fullmatch(rf"{re.escape(stem)}(-[2-9]|-[1-9]\d+)?", path.stem):
        return Line("file name", "FAIL", f"expected {stem}.json, as the run named it")
    place = f"{ENTERED.as_posix()}/{folder}/{path.name}"
    if entered.resolve() in path.resolve().parents and (
        path.resolve().parent != (entered / folder).resolve()
    ):
        return Line("file name", "FAIL", f"stands in the wrong folder: expected {place}")
    return Line("file name", "PASS", f"goes to {place}")


def dataset_folder(record: RunRecord) -> str:
    """Return the name of the folder for results of a record's dataset."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", record.dataset.name).lstrip(".")[:100] or "_"


def _duplicate(path: Path, record: RunRecord, records: _Records) -> Line:
    for place, other in records.items():
        if place == path.resolve() or other.dataset != record.dataset:
            continue
        if _identity(other) == _identity(record):
            return Line("duplicate", "FAIL", f"the same run as {_shown(place)}: enter it once")
        if setup_of(other) == setup_of(record) and other.model.seeds == record.model.seeds:
            reason = (
                f"a run of the same setup and seed is {_shown(place)}: tables show one of them; to "
                "put this one in its place, remove that one in the same pull request"
            )
            return Line("duplicate", "FAIL", reason)
    alike = [
        _shown(place)
        for place, other in records.items()
        if place != path.resolve() and other.ranks == record.ranks
    ]
    if alike:
        reason = f"the ranks are those of {', '.join(alike[:3])}: that another model ranks alike"
        return Line("duplicate", "CLAIMED", reason)
    return Line("duplicate", "PASS", f"none among {max(0, len(records) - 1):,} other files")


def _identity(record: RunRecord) -> tuple[object, ...]:
    return record.model, record.scoring, record.ranks


def _who(path: Path, record: RunRecord) -> Iterator[Line]:
    beside = entry_path(path).name
    try:
        entry = read_entry(path)
    except DvtrError as failure:
        yield Line("who ran it", "FAIL", str(failure))
        return
    if entry is None:
        reason = (
            f'not stated: write {beside} beside it, with the line ran_by = "YOUR NAME" and, '
            'if you like, link = "https://..."'
        )
        yield Line("who ran it", "FAIL", reason)
        return
    link = f", {entry.link}" if entry.link else ""
    yield Line("who ran it", "CLAIMED", f"{entry.ran_by}{link}")
    if entry.rerun is None:
        yield Line("rerun", "CLAIMED", "not yet by a maintainer")
    else:
        stated = record.metrics["t2v"]["strict"]["R@1"]
        reason = (
            f"{beside} says that {entry.rerun.by} ran it again on {entry.rerun.date}: T2V R@1 "
            f"{entry.rerun.t2v_r1:.1f}, here {stated.value:.1f}. "
        )
        if stated.low <= entry.rerun.t2v_r1 <= stated.high:
            yield Line("rerun", "CLAIMED", f"{reason}Only maintainers add this")
        else:
            yield Line(
                "rerun",
                "FAIL",
                f"{reason}That is outside of its interval, {stated.low:.1f} to {stated.high:.1f}: "
                "a rerun that disagrees confirms nothing",
            )


def _result_files(paths: Iterable[str | Path]) -> list[Path]:
    files: dict[Path, None] = {}
    given = [Path(path) for path in paths]
    for path in given:
        if path.name.endswith(SUFFIX):
            path = path.with_name(f"{path.name.removesuffix(SUFFIX)}.json")
        if path.is_dir():
            files.update(dict.fromkeys(_entered_files(path)))
        elif os.path.lexists(path):
            files[path] = None
        else:
            raise NotFoundError(f"no result at {path}")
    if not files:
        raise NotFoundError(
            f"no result files (*.json) in {', '.join(map(str, given)) or 'an empty list'}"
        )
    return list(files)


def _entered_files(folder: Path) -> Sequence[Path]:
    return sorted(folder.rglob("*.json")) if folder.is_dir() else []


def _shown(place: Path) -> str:
    here = Path.cwd().resolve()
    return str(place.relative_to(here) if here in place.parents else place)
