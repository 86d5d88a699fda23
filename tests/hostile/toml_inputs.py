"""Studies, notes of submissions and other TOML that people wrote."""

from dataclasses import dataclass
from pathlib import Path

from dvtr_bench.studies.study_file import StudyFile
from leaderboard.result_files import read_toml
from tests.hostile.case import Hostile
from tests.hostile.making import holds


@dataclass(frozen=True)
class Note:
    """A record.

    Attributes:
        a: A number.
    """

    a: int


def _both(name: str, content: str | bytes, message: str) -> list[Hostile]:
    make = holds("x.toml", content)
    return [
        Hostile(f"study: {name}", make, StudyFile.read, rf"x\.toml: .*{message}"),
        Hostile(f"record: {name}", make, _record, rf"x\.toml: .*{message}"),
    ]


def _record(path: Path) -> Note:
    return read_toml(Note, path)


INPUTS = [
    *_both("no TOML", "a b c", "not a TOML file"),
    *_both("nested deep", "a = " + "[" * 100_000, "nested too deep"),
    *_both("a number of 5,000 digits", "a = " + "1" * 5_000, "digits"),
    *_both("a key of 100,000 parts", "a." * 100_000 + "a = 1", "dots in one key"),
    *_both("a table of 100,000 parts", "[" + "a." * 100_000 + "a]", "dots in one key"),
    *_both("not UTF-8", b"a = '\xff'", "not a text file in utf-8"),
    *_both("half a character", 'a = "\\ud800"', "not a TOML file"),
    *_both("2^70", f"a = [{{b = {2**70}}}]", "64 bits do not hold: 1180591620717411303424"),
    *_both("a table twice", "[a]\n[a]\n", "not a TOML file"),
    *_both("2 MB", "#" * 2_000_000, "2,000,000 bytes: expected at most"),
    Hostile("study: 10,000 lines", holds("x.toml", "\n" * 10_000), StudyFile.read, "2,000 lines"),
    Hostile("record: infinity", holds("x.toml", "a = inf"), _record, "a|Infinity"),
]
