"""Result files that others sent."""

from collections.abc import Callable
from pathlib import Path

from dvtr_bench.results.files import read_result
from tests.hostile.case import Hostile


def _holds(text: str | bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "run.json"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make


def _result(name: str, text: str | bytes, message: str) -> Hostile:
    return Hostile(name, _holds(text), read_result, rf"run\.json: .*{message}")


INPUTS = [
    _result("nested deep", "[" * 200_000, "nested too deep"),
    _result("a number of 5,000 digits", '{"a": ' + "1" * 5_000 + "}", "digits"),
    _result(
        "200,000 keys, one of them twice",
        "{" + ", ".join(f'"{i}": 0' for i in range(200_000)) + ', "7": 0}',
        "the field '7' occurs twice",
    ),
    _result("not UTF-8", b'{"a": "\xff"}', "not a text file in utf-8"),
    _result("empty", "", "Expecting value"),
]
