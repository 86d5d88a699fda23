"""Pools, answers and judgements that others sent."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.reading.json_records import to_json
from leaderboard.judging.answers import read_answers
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.judgements import read_judgements
from leaderboard.judging.pool import Pool
from leaderboard.judging.pool_folder import FACTS_FILE, PAIRS_FILE, read_pool
from tests.fixtures.judged_world import make_world, save_answers, saved
from tests.hostile.case import Hostile
from tests.hostile.making import bomb, edited, holds

_COLUMNS = ("pair", "caption_id", "video_id", "caption", "known")


@cache
def _pool() -> Pool:
    with TemporaryDirectory() as folder:
        return make_world(Path(folder), videos=4, runs=1).pool(depth=2)


@cache
def _judged() -> Any:
    with TemporaryDirectory() as folder:
        files = save_answers(_pool(), Path(folder), "anna", lambda pair: "yes")
        return to_json(judgements_of(_pool(), files)[0])


def _answers(name: str, content: str | bytes, message: str, file: str = "a.json") -> Hostile:
    return Hostile(
        f"answers: {name}",
        holds(file, content),
        lambda path: read_answers(_pool(), [f"anna={path}"]),
        rf"a\.(json|csv).*{message}",
    )


def _saved(name: str, answers: dict[str, str], judge: str, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        return holds("a.json", json.dumps(saved(_pool(), 1, judge, answers)))(folder)

    return Hostile(
        f"answers: {name}", make, lambda path: read_answers(_pool(), [path]), rf"a\.json.*{message}"
    )


def _judgements(name: str, place: str, item: object, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        return holds("judged.json", json.dumps(edited(_judged(), place, item)))(folder)

    return Hostile(f"judgements: {name}", make, read_judgements, rf"judged\.json: .*{message}")


def _facts(name: str, content: str | bytes, message: str) -> Hostile:
    return Hostile(
        f"pool: {name}",
        holds(FACTS_FILE, content),
        lambda path: read_pool(path.parent),
        rf"pool\.json: .*{message}",
    )


def _pairs(name: str, content: Callable[[], pa.Table] | bytes, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        holds(FACTS_FILE, json.dumps(to_json(_pool().facts)))(folder)
        if isinstance(content, bytes):
            return holds(PAIRS_FILE, content)(folder)
        pq.write_table(content(), folder / PAIRS_FILE)
        return folder / PAIRS_FILE

    return Hostile(
        f"pairs: {name}", make, lambda path: read_pool(path.parent), rf"pairs\.parquet: .*{message}"
    )


def _bombs() -> pa.Table:
    numbers = pa.array([1] * 5_000, pa.int64())
    columns = {name: bomb(5_000) for name in _COLUMNS}
    return pa.table({**columns, "batch": numbers, "grade": numbers})


INPUTS = [
    _answers("nested deep", "[" * 200_000, "nested too deep"),
    _answers("not UTF-8", b'{"a": "\xff"}', "not a text file in utf-8"),
    _answers("empty", "", "JSON"),
    _answers("NUL bytes in a table", b"pair,answer\n\0,\0\n", "is no pair", "a.csv"),
    _answers("a cell of a megabyte", "pair,answer\n" + "x" * 1_000_000, "field larger", "a.csv"),
    _answers("a quote that never ends", 'pair,answer\n"', "end of data", "a.csv"),
    _answers("columns twice", "pair,pair\n1,2\n", "expected the columns", "a.csv"),
    _saved("half a character in the name", {}, "\ud800", "half a character"),
    _saved("a name of a thousand letters", {}, "x" * 1_000, "judge: "),
    _saved("half a character as a pair", {"\ud83d": "yes"}, "anna", "half a character"),
    _judgements("grades nested wrong", "grades", {"a": [1]}, "grades.a: expected"),
    _judgements("a grade beyond 64 bits", "grades", {"a": {"b": 2**70}}, "expected"),
    _judgements("kappa as a text", "agreement", [{"kappa": "1"}], "agreement"),
    _judgements("half a character", "source", "\ud800", "half a character"),
    _facts("a list", "[]", "expected"),
    _facts("nested deep", '{"a":' * 200_000, "nested too deep"),
    _pairs("bytes", b"PAR1" * 100, "the pairs of a pool"),
    _pairs("another table", lambda: pa.table({"a": [1]}), "expected a column"),
    _pairs("texts that unpack to gigabytes", _bombs, "unpacks to"),
]
