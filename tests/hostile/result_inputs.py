"""Result files that others sent."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from dvtr_bench.results.files import read_result, to_text
from tests.fixtures.records import toy_record
from tests.hostile.case import Hostile
from tests.hostile.making import DROPPED, edited, holds


@cache
def _valid() -> Any:
    return json.loads(to_text(toy_record()))


def _result(name: str, text: str | bytes, message: str) -> Hostile:
    return Hostile(name, holds("run.json", text), read_result, rf"run\.json: .*{message}")


def _edited(name: str, place: str, item: object, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        return holds("run.json", json.dumps(edited(_valid(), place, item)))(folder)

    return Hostile(name, make, read_result, rf"run\.json: .*{message}")


def _replaced(name: str, before: str, after: str, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        text = json.dumps(_valid())
        assert before in text
        return holds("run.json", text.replace(before, after, 1))(folder)

    return Hostile(name, make, read_result, rf"run\.json: .*{message}")


INPUTS = [
    _result("nested deep", "[" * 200_000, "nested too deep"),
    _result("objects nested deep", '{"a":' * 200_000, "nested too deep"),
    _result("a number of 5,000 digits", '{"a": ' + "1" * 5_000 + "}", "digits"),
    _result(
        "20,000 keys, one of them twice",
        "{" + ", ".join(f'"{i}": 0' for i in range(20_000)) + ', "7": 0}',
        "the field '7' occurs twice",
    ),
    _result("not UTF-8", b'{"a": "\xff"}', "not a text file in utf-8"),
    _result("UTF-16", '{"a": 1}'.encode("utf-16"), "not a text file in utf-8"),
    _result("NUL bytes alone", b"\0" * 1_000, "Expecting value"),
    _result("empty", "", "Expecting value"),
    _result("a number alone", "3", "expected a whole number format_version, found None"),
    _result("a list", "[]", "expected a whole number format_version, found None"),
    _edited("another format", "format_version", 10**9, "too new: format_version"),
    _edited("a format beyond 64 bits", "format_version", 10**400, "too new: format_version"),
    _edited("half a character in the name", "model/name", "\ud800", "half a character"),
    _edited("half a character in the config", "model/config", {"a": "\udfff"}, "half a character"),
    _edited("half a character as a key", "model/config", {"\ud83d": 1}, "half a character"),
    _edited("a size beyond 64 bits", "model/num_parameters", 2**63, "64 bits"),
    _edited("a seed beyond 64 bits", "model/seeds", [10**30], "64 bits"),
    _edited("a number beyond 64 bits in free JSON", "model/config", {"a": -(10**20)}, "64 bits"),
    _edited("a rank beyond 64 bits", "ranks/t2v/strict/pessimistic/0", 2**63, "t2v.strict"),
    _edited("a negative rank", "ranks/t2v/strict/pessimistic/0", -1, "t2v.strict"),
    _edited("a rank that is a fraction", "ranks/t2v/strict/pessimistic/0", 1.5, "t2v.strict"),
    _edited("a video index beyond 64 bits", "caption_video_index/0", 2**64, "caption_video_index"),
    _edited("a field too many", "model/config_2", 1, "the field 'config_2' is unknown"),
    _edited("a field too few", "model", DROPPED, "the field 'model' is missing"),
    _edited("text in place of an object", "ranks", "x", "ranks: expected object, found 'x'"),
    _edited("100,000 wrong items", "model/seeds", ["x"] * 100_000, r"seeds\[0\]: expected integer"),
    _replaced("NaN", '"seeds": [42]', '"seeds": [NaN]', "NaN is not allowed"),
    _replaced("infinity in free JSON", '"layers": 4', '"layers": Infinity', "Infinity is not"),
    _replaced("1e999 in free JSON", '"layers": 4', '"layers": 1e999', "too large: 1e999"),
    _replaced("a key twice", '"layers": 4', '"layers": 4, "layers": 4', "occurs twice"),
    _replaced(
        "free JSON nested deep",
        '"layers": 4',
        '"layers": ' + "[" * 300 + "]" * 300,
        "nested too deep",
    ),
]
