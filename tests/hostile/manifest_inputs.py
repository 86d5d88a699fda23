"""The dataset.json of a folder that others sent."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from dvtr_bench.dataset.manifest import FileRecord, SplitRecord
from dvtr_bench.dataset.reader import open_dataset
from tests.hostile.case import Hostile
from tests.hostile.making import DROPPED, edited, holds, manifest


@cache
def _valid() -> Any:
    file = FileRecord("default", "data/a.parquet", 1, 9, "e" * 64)
    split = SplitRecord(1, 2, "c" * 64, "d" * 64, 100.0, (file,))
    return json.loads(manifest(split).to_text())


def _text(name: str, text: str | bytes, message: str) -> Hostile:
    make = holds("dataset.json", text)
    return Hostile(
        name, lambda folder: make(folder).parent, open_dataset, rf"dataset\.json: .*{message}"
    )


def _edited(name: str, place: str, item: object, message: str) -> Hostile:
    def make(folder: Path) -> Path:
        return holds("dataset.json", json.dumps(edited(_valid(), place, item)))(folder).parent

    return Hostile(name, make, open_dataset, rf"dataset\.json: .*{message}")


_FILE = "splits/test/files/0"

INPUTS = [
    _text("nested deep", "[" * 100_000, "nested too deep"),
    _text("a number of 5,000 digits", "9" * 5_000, "digits"),
    _text("half a character", '"\\ud800"', "half a character"),
    _text("empty", b"", "Expecting value"),
    _text("a key twice", '{"name": 1, "name": 2}', "occurs twice"),
    _text("not UTF-8", b"\xff", "not a text file"),
    _edited("a format that is true", "format_version", True, "expected an integer"),
    _edited("a format of tomorrow", "format_version", 2**62, "too new"),
    _edited(
        "a name that leaves the folder", "name", "../..", r"name: expected one name, found '\."
    ),
    _edited("a name with a slash", "name", "a/b", "name: expected one name"),
    _edited("a name with ESC", "name", "a\x1b[2J", "name: expected one name"),
    _edited("no name", "name", "", "name: expected one name"),
    _edited("a name of half a character", "name", "a\udc80", "half a character"),
    _edited("a fingerprint that is a path", "fingerprint", "/../../etc/pw", "64 hex digits"),
    _edited("a fingerprint of 1 MB", "fingerprint", "f" * 1_000_000, "64 hex digits, found 'ff"),
    _edited("a fingerprint in capitals", "fingerprint", "F" * 64, "64 hex digits"),
    _edited("no splits", "splits", {}, "at least one split"),
    _edited(
        "a split that is a path", "splits", {"../x": _valid()["splits"]["test"]}, "named train"
    ),
    _edited("an unknown config", f"{_FILE}/config", "evil", "expected a config"),
    _edited("an absolute path", f"{_FILE}/path", "/etc/passwd", "inside the folder"),
    _edited("a path upwards", f"{_FILE}/path", "data/../../x", "inside the folder"),
    _edited("a path with a drive", f"{_FILE}/path", "C:/x", "inside the folder"),
    _edited("a path with NUL", f"{_FILE}/path", "data/\0", "inside the folder"),
    _edited(
        "a path upwards as Windows has it", f"{_FILE}/path", "data\\..\\x", "inside the folder"
    ),
    _edited("an empty path", f"{_FILE}/path", "", "inside the folder"),
    _edited("a number of rows beyond 64 bits", f"{_FILE}/num_rows", 2**70, "64 bits"),
    _edited("-1 videos", "splits/test/num_videos", -1, "rows of at least 0"),
    _edited("-1 rows", f"{_FILE}/num_rows", -1, "rows of at least 0"),
    _edited("videos that are a text", "splits/test/num_videos", "1", "expected integer"),
    _edited("a field too few", "licence/id", DROPPED, "the field 'id' is missing"),
    _edited("100,000 sources that are none", "sources", [0] * 100_000, r"sources\[0\]: expected"),
]
