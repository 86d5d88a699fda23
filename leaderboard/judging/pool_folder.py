"""The folder of a pool: what it is (JSON), its pairs (Parquet), and each batch as page and CSV."""

import csv
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.errors import InputError, NotFoundError, OutputExistsError
from dvtr_bench.reading.border import brief_value, reading
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.reading.json_toml_text import read_json_bytes
from dvtr_bench.reading.parquet_files import BoundedParquet
from dvtr_bench.reports.others_text import safe_cell
from dvtr_bench.results.files import laid_out
from dvtr_bench.runtime.files import folder_written_beside, written_beside
from dvtr_bench.runtime.terminal import progress_bar
from leaderboard.judging.facts import FITS, PARTLY, UNFIT, PoolFacts
from leaderboard.judging.page import Pictures, batch_page
from leaderboard.judging.pool import FORMAT_VERSION, Pair, Pool, fingerprint_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.reports.kept_clips import KeptSplit

FACTS_FILE: Final = "pool.json"
PAIRS_FILE: Final = "pairs.parquet"
CSV_COLUMNS: Final = ("pair", "video_id", "caption", "answer")
"""Of a batch's CSV file; the answer is empty until somebody fills it in."""

_SCHEMA: Final = pa.schema(
    [
        ("pair", pa.string()),
        ("batch", pa.int64()),
        ("caption_id", pa.string()),
        ("video_id", pa.string()),
        ("caption", pa.string()),
        ("known", pa.string()),
        ("grade", pa.int64()),
    ]
)
_ADVICE: Final = "make the pool again with dvtr-bench pool"


def write_pool(
    pool: Pool,
    folder: Path,
    split: "RetrievalSplit | KeptSplit",
    pictures: Pictures = "licensed",
    *,
    show_progress: bool = False,
) -> Path:
    """Write a pool.

    Args:
        pool: The pool.
        folder: The folder; it must not exist, or be empty.
        split: The split, for the frames of its clips.
        pictures: Whether the pages hold pictures.
        show_progress: Whether to show a progress bar.

    Returns:
        The folder.

    Raises:
        OutputExistsError: Something stands in the folder, such as answers to another pool.
    """
    require_new(folder)
    with (
        folder_written_beside(folder, "--out") as beside,
        progress_bar("make pages", pool.num_batches, enabled=show_progress) as advance,
    ):
        (beside / FACTS_FILE).write_text(laid_out(to_json(pool.facts)) + "\n", encoding="utf-8")
        rows = {
            field.name: [getattr(pair, field.name) for pair in pool.pairs] for field in fields(Pair)
        }
        pq.write_table(pa.table(rows, schema=_SCHEMA), beside / PAIRS_FILE)
        for number in range(1, pool.num_batches + 1):
            name = f"batch-{number:03d}"
            page = batch_page(pool, number, split, pictures)
            (beside / f"{name}.html").write_text(page, encoding="utf-8", newline="\n")
            write_batch_csv(pool.batch(number), beside / f"{name}.csv")
            advance()
    return folder


def _is_sound(pair: Pair) -> bool:
    if pair.known == "judged":
        return pair.batch == 0 and pair.grade in (UNFIT, PARTLY, FITS)
    if pair.known in ("own", "text"):
        return pair.batch == 0 and pair.grade == FITS
    return pair.known == "" and pair.batch > 0 and pair.grade is None


def require_new(folder: Path) -> None:
    """Raise if something stands in a folder, such as answers to another pool.

    Args:
        folder: The folder of a pool to come.

    Raises:
        OutputExistsError: It is not empty, or a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExistsError(
            f"{folder} exists already, and may hold answers: name another folder with --out"
        )


def write_batch_csv(pairs: Iterable[Pair], path: Path) -> Path:
    """Write pairs as a CSV file whose last column is to be filled in.

    Args:
        pairs: The pairs.
        path: The file.

    Returns:
        The path.
    """
    with (
        written_beside(path) as beside,
        beside.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for pair in pairs:
            writer.writerow([pair.pair, safe_cell(pair.video_id), safe_cell(pair.caption), ""])
    return path


def read_pool(folder: Path) -> Pool:
    """Read a pool.

    Args:
        folder: What `write_pool` wrote.

    Returns:
        The pool.

    Raises:
        NotFoundError: There is no pool.
        InputError: It is damaged or too new, or its pairs are not those whose hash it states.
    """
    path = folder / FACTS_FILE
    if not path.is_file():
        raise NotFoundError(f"{folder} holds no pool ({FACTS_FILE}): `dvtr-bench pool` makes one")
    facts = from_json(PoolFacts, read_json_bytes(path), str(path))
    if facts.format_version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format {facts.format_version}, this dvtr-bench reads {FORMAT_VERSION}: "
            "upgrade dvtr-bench, or make the pool again"
        )
    place = folder / PAIRS_FILE
    with reading(place, "the pairs of a pool", advice=_ADVICE):
        file = BoundedParquet(place, place, advice=_ADVICE, kind="the pairs of a pool")
        table = file.read(_SCHEMA.names)
        pairs = tuple(Pair(**row) for row in table.cast(_SCHEMA).to_pylist())
        own = [pair.caption_id for pair in pairs if pair.known == "own"]
        if ids_sha256(own) != facts.dataset.queries_sha256:
            raise ValueError("it does not have the own clip of each caption")
        if wrong := next((pair for pair in pairs if not _is_sound(pair)), None):
            raise ValueError(f"the pair {brief_value(wrong.pair)} is neither known nor to judge")
    if fingerprint_of(pairs, facts.seed) != facts.fingerprint:
        raise InputError(f"{place}: these are not the pairs of {path}: {_ADVICE}")
    return Pool(facts, pairs)
