"""Read the answers of judges: files that a page saved, or CSV files that were filled in."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.border import reading, require_size, require_unicode
from dvtr_bench.reading.json_records import Positive, Sha256, Text, from_json
from dvtr_bench.reading.json_toml_text import LARGEST_JSON_BYTES, read_json_bytes
from dvtr_bench.reports.others_text import one_line
from leaderboard.judging.facts import GRADES, Answer
from leaderboard.judging.pool import Pool

_FORMAT_VERSION: Final = 1
_NEEDED: Final = ("pair", "answer")
_DELIMITERS: Final = ",;\t"
_WORDS: Final[Mapping[str, Answer]] = {
    **{name: name for name in ("yes", "partly", "no", "skip")},
    **{"y": "yes", "p": "partly", "n": "no", "s": "skip"},
    **{"2": "yes", "1": "partly", "0": "no"},
}
"""What a cell may say, in any case; an empty one is no answer."""


@dataclass(frozen=True)
class SavedAnswers:
    """What the page of a batch saves.

    Attributes:
        format_version: Of the file.
        pool: Fingerprint of the pool.
        batch: Number of the batch.
        judge: Name of the judge.
        answers: By pair.
    """

    format_version: Positive
    pool: Sha256
    batch: Positive
    judge: Annotated[str, Field(min_length=1, max_length=60)]
    answers: Mapping[Text, Answer]


def read_answers(pool: Pool, files: Iterable[str | Path]) -> dict[str, dict[str, Answer]]:
    """Read answers to a pool.

    Args:
        pool: The pool.
        files: Files that a page saved (``.json``), or CSV files; ``NAME=FILE`` says who answered,
            which a CSV file does not.

    Returns:
        By judge, then by pair. Files of one judge are joined: batches, or sittings.

    Raises:
        NotFoundError: A file does not exist.
        InputError: A file is damaged, is of another pool, names a pair that the pool does not ask,
            or a judge contradicts herself.
    """
    batch_of = {pair.pair: pair.batch for pair in pool.to_judge}
    answers: dict[str, dict[str, Answer]] = {}
    said_in: dict[tuple[str, str], Path] = {}
    for name, path in map(_judge_and_path, files):
        if not path.is_file():
            raise NotFoundError(f"{path}: there is no such file of answers")
        if path.suffix.lower() != ".csv":
            judge, found = _read_saved(path, pool, batch_of)
            judge = name or judge
        elif name is None:
            raise InputError(
                f"{path}: a CSV file does not say who answered: write NAME={path.name}"
            )
        else:
            judge, found = name, dict(_read_csv(path, batch_of))
        for pair, answer in found.items():
            before = answers.setdefault(judge, {}).setdefault(pair, answer)
            if before != answer:
                raise InputError(
                    f"{path}: {judge!r} answers {answer!r} for the pair {pair}, but {before!r} in "
                    f"{said_in[judge, pair]}: leave out the older file, or mend one of them"
                )
            said_in.setdefault((judge, pair), path)
    if not any(answers.values()):
        raise InputError("none of the files holds an answer: judge some pairs first")
    return {judge: given for judge, given in answers.items() if given}


def _judge_and_path(file: str | Path) -> tuple[str | None, Path]:
    text = str(file)
    name, sign, path = text.partition("=")
    if sign and name.strip() and not Path(text).exists():
        return require_unicode(path, name.strip(), "the name of a judge"), Path(path)
    return None, Path(file)


def _read_saved(
    path: Path, pool: Pool, batch_of: Mapping[str, int]
) -> tuple[str, dict[str, Answer]]:
    saved = from_json(SavedAnswers, read_json_bytes(path), str(path))
    if saved.format_version != _FORMAT_VERSION:
        raise InputError(
            f"{path}: format {saved.format_version}, this dvtr-bench reads {_FORMAT_VERSION}: "
            "upgrade dvtr-bench"
        )
    if saved.pool != pool.facts.fingerprint:
        raise InputError(
            f"{path}: answers to another pool (fingerprint {saved.pool[:12]}, expected "
            f"{pool.facts.fingerprint[:12]})"
        )
    for pair in saved.answers:
        if batch_of.get(pair) != saved.batch:
            raise InputError(
                f"{path}: {one_line(pair)!r} is no pair of batch {saved.batch} of this pool"
            )
    return saved.judge, dict(saved.answers)


def _read_csv(path: Path, batch_of: Mapping[str, int]) -> Iterator[tuple[str, Answer]]:
    """Yield pairs with their answers; a spreadsheet may have changed delimiter and encoding."""
    with reading(path, "a CSV file of answers"):
        require_size(path, path.stat().st_size, LARGEST_JSON_BYTES)
        text = path.read_bytes().decode("utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = max(_DELIMITERS, key=header.count)
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    if not rows or any(name not in rows[0] for name in _NEEDED):
        raise InputError(
            f"{path}: expected the columns {' and '.join(_NEEDED)}, found "
            f"{one_line(header, 100)!r}: fill in a batch-*.csv of the pool"
        )
    answered: set[str] = set()
    for number, row in enumerate(rows, start=1):
        pair, word = ((row[name] or "").strip() for name in _NEEDED)
        where = f"{path}, row {number}"
        if pair not in batch_of:
            raise InputError(f"{where}: {one_line(pair)!r} is no pair that this pool asks")
        if pair in answered:
            raise InputError(f"{where}: the pair {pair} stands in this file twice")
        answered.add(pair)
        if not word:
            continue
        if word.lower() not in _WORDS:
            raise InputError(
                f"{where}: expected one of {', '.join(GRADES)}, found {one_line(word)!r}"
            )
        yield pair, _WORDS[word.lower()]
