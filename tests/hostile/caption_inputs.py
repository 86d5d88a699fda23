"""Tables of captions, as `build folder` reads them."""

import json
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.datasets import folder as folder_builder
from builders.engine.check import check_source
from tests.hostile.case import Hostile
from tests.hostile.making import bomb, holds


def _read(path: Path, encoding: str = "utf-8") -> None:
    options = folder_builder.Options("mine", captions=path, encoding=encoding)
    check_source(folder_builder.read(options))


def _table(name: str, file: str, content: str | bytes, message: str) -> Hostile:
    return Hostile(name, holds(file, content), _read, message)


def _encoded(name: str, encoding: str, content: bytes, message: str) -> Hostile:
    return Hostile(name, holds("a.csv", content), partial(_read, encoding=encoding), message)


def _parquet(name: str, make: Callable[[], pa.Table], message: str, damage: str = "") -> Hostile:
    def write(folder: Path) -> Path:
        path = folder / "a.parquet"
        pq.write_table(make(), path)
        data = path.read_bytes()
        if damage == "cut off":
            path.write_bytes(data[: len(data) // 2])
        elif damage == "middle":
            path.write_bytes(data[:4] + b"\xff" * 40 + data[44:])
        elif damage == "footer length":
            path.write_bytes(data[:-8] + struct.pack("<I", 1 << 31) + b"PAR1")
        elif damage == "footer":
            start = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
            path.write_bytes(data[:start] + b"\x19\xfc\xff\xff\xff\x0f" + data[start + 6 :])
        return path

    return Hostile(name, write, _read, message)


def _rows(*captions: object) -> str:
    return json.dumps([{"video_id": f"v{n}", "caption": one} for n, one in enumerate(captions)])


_HEADER = "video_id,caption\n"
_DEEP = "[" * 90 + "]" * 90

INPUTS = [
    _table("empty CSV", "a.csv", "", "at least one row"),
    _table("a header alone", "a.csv", _HEADER, "at least one row"),
    _table("a quote that never ends", "a.csv", _HEADER + 'a,"' + "x" * 100_000, "not CSV"),
    _table("a cell of 1 MB", "a.csv", _HEADER + "a," + "x" * 1_000_000, "not CSV .*field larger"),
    _table("300,000 columns", "a.csv", ",".join(f"c{n}" for n in range(300_000)) + "\n1", "cells"),
    _table("100,000 columns of one name", "a.csv", "a," * 100_000 + "b\n1", "occurs twice"),
    _table("NUL in CSV", "a.csv", _HEADER + "a\0b,x\n", "line 2|control character"),
    _table("not UTF-8", "a.csv", _HEADER.encode() + b"a,caf\xe9\n", "byte 0xe9 in line 2"),
    _table("UTF-16 unannounced", "a.csv", _HEADER.encode("utf-16"), "byte order mark of utf-16"),
    _table(
        "a caption column of 5,000 digits",
        "a.csv",
        "video_id,caption_" + "1" * 5_000 + "\na,b",
        "expected a column for captions",
    ),
    _table("an id with a slash", "a.csv", _HEADER + "../a,x\n", "contains a slash"),
    _table("an id with ESC", "a.csv", _HEADER + "a\x1b[2J,x\n", "control character"),
    _table("an id of two dots", "a.csv", _HEADER + "..,x\n", "is not a name"),
    _table("an id of 300 letters", "a.csv", _HEADER + "a" * 300 + ",x\n", "longer than 200 bytes"),
    _table("a list that is cut off", "a.csv", _HEADER + "a,\"['x', 'y\"\n", "whose end is missing"),
    _table("a list of numbers", "a.csv", _HEADER + 'a,"[1, 2]"\n', "a list of something else"),
    _table(
        "blanks in a list",
        "a.jsonl",
        json.dumps({"video_id": "a", "caption": "[x" + " " * 300_000 + "y, z]"}),
        "may be one caption or several",
    ),
    _table(
        "half a character in a printed list",
        "a.csv",
        _HEADER + "a,\"['\\ud800']\"\n",
        "half of a character",
    ),
    _table(
        "half a character in a JSON list",
        "a.csv",
        'video_id,caption\na,"[""\\ud800""]"\n',
        "half of a character",
    ),
    _table(
        "a time that is text",
        "a.csv",
        "video_id,caption,start_seconds\na,x,now\n",
        "a time in seconds",
    ),
    _table(
        "an unknown split",
        "a.csv",
        "video_id,caption,split\na,x,evil\n",
        "expected train, validation",
    ),
    _encoded("base64", "base64", b"aGk=", "--encoding base64: no such encoding"),
    _encoded("hex", "hex", b"6869", "--encoding hex: no such encoding"),
    _encoded("rot13", "rot13", b"hi", "--encoding rot13: no such encoding"),
    _encoded("zlib", "zlib", b"hi", "--encoding zlib: no such encoding"),
    _encoded("idna", "idna", b"a.b", "--encoding idna: no such encoding"),
    _encoded("punycode", "punycode", b"a-b", "--encoding punycode: no such encoding"),
    _encoded("undefined", "undefined", b"a", "--encoding undefined: no such encoding"),
    _encoded("unicode_escape", "unicode_escape", b"a", "--encoding unicode_escape: no such"),
    _encoded("an encoding with NUL", "utf\0", b"a", "no such encoding"),
    _encoded("an encoding of 1 MB", "x" * 1_000_000, b"a", "no such encoding"),
    _encoded(
        "half a character in UTF-7",
        "utf-7",
        b"video_id,caption\na,+2AA-x\n",
        "half a character|not utf-7",
    ),
    _encoded("UTF-16 without its mark", "utf-16", _HEADER.encode(), "utf-16"),
    _encoded("UTF-32 of other bytes", "utf-32", b"\xff\xfe\0\0\xff\xff\xff\xff", "utf-32"),
    _table("JSON nested deep", "a.json", "[" * 200_000, "not JSON .*nested too deep"),
    _table("JSON nested 500 deep", "a.json", "[" * 500 + "]" * 500, "nested too deep: more than"),
    _table(
        "JSON lines nested deep", "a.jsonl", '{"a": 1}\n' + '{"a":' * 200_000, "line 2: not JSON"
    ),
    _table(
        "a number of 5,000 digits", "a.json", '[{"a": ' + "1" * 5_000 + "}]", "not JSON .*digits"
    ),
    _table(
        "digits in JSON lines", "a.jsonl", '{"a": 1}\n' + "1" * 5_000, "line 2: not JSON .*digits"
    ),
    _table("half a character in a caption", "a.json", _rows("a \ud800"), "half a character"),
    _table("half a character in an id", "a.json", '{"\\udc80": ["x"]}', "half a character"),
    _table(
        "half a character in JSON lines",
        "a.jsonl",
        '{"video_id": "a", "caption": "\\ud800"}\n',
        "half a character",
    ),
    _table(
        "200,000 keys, one of them twice",
        "a.json",
        "{" + ", ".join(f'"{n}": "x"' for n in range(200_000)) + ', "7": "x"}',
        "the key '7' occurs twice",
    ),
    _table("an empty list", "a.json", "[]", "at least one row"),
    _table("numbers", "a.json", "[1, 2]", "entry 1: expected an object"),
    _table("a caption that is a number", "a.json", _rows(7), "a caption without words"),
    _table("a caption that is an object", "a.json", _rows({"a": 1}), "a caption that is no text"),
    _table("a caption nested deep", "a.json", _rows(json.loads(_DEEP)), "no text"),
    _table(
        "an id that is an object", "a.json", '[{"video_id": {"a/b": 1}, "caption": "x"}]', "slash"
    ),
    _table(
        "MSR-VTT's form with lists as ids",
        "a.json",
        '{"videos": [{"video_id": []}], "sentences": []}',
        "MSR-VTT",
    ),
    _table(
        "COCO's form with lists as ids",
        "a.json",
        '{"images": [{"id": []}], "annotations": [{"image_id": 1, "caption": "x"}]}',
        "COCO",
    ),
    _table(
        "ActivityNet's form of numbers",
        "a.json",
        '{"a": {"sentences": 3, "timestamps": 3}}',
        "no text|without words",
    ),
    _table("values in a row", "a.json", "1 2 3", "line 1: expected an object"),
    _table(
        "an id of 400 digits",
        "a.jsonl",
        '{"id": 1' + "0" * 400 + ', "file": "x", "caption": "y"}',
        "longer than 200 bytes|inside the folder|no clip|ids",
    ),
    _table("no Parquet file", "a.parquet", b"PAR1" + b"\0" * 100 + b"PAR1", "not a Parquet file"),
    _table("empty Parquet", "a.parquet", b"", "not a Parquet file"),
    _parquet(
        "Parquet cut off",
        lambda: pa.table({"video_id": ["a"], "caption": ["x"]}),
        "not a Parquet file",
        "cut off",
    ),
    _parquet(
        "Parquet damaged",
        lambda: pa.table({"video_id": ["a"] * 9, "caption": ["x"] * 9}),
        "damaged after row 0",
        "middle",
    ),
    _parquet(
        "a footer of 2 GB",
        lambda: pa.table({"video_id": ["a"], "caption": ["x"]}),
        "not a Parquet file",
        "footer length",
    ),
    _parquet(
        "a footer of 2^32 items",
        lambda: pa.table({"video_id": ["a"], "caption": ["x"]}),
        "not a Parquet file",
        "footer",
    ),
    _parquet(
        "no rows",
        lambda: pa.table({"video_id": [""], "caption": [""]}).slice(0, 0),
        "at least one row",
    ),
    _parquet(
        "captions that unpack to 1 TB",
        lambda: pa.table(
            {"video_id": pa.array(map(str, range(1 << 20))), "caption": bomb(1 << 20)}
        ),
        "unpacks to .*at most",
    ),
    _parquet(
        "3 * 10^7 empty rows",
        lambda: pa.table({"video_id": pa.nulls(30_000_000), "caption": pa.nulls(30_000_000)}),
        "footer states 30,000,000 rows",
    ),
    _parquet(
        "not UTF-8 in Parquet",
        lambda: pa.table({"video_id": ["a"], "caption": pa.array([b"\xff"]).view(pa.string())}),
        "not a text file in utf-8|not a Parquet",
    ),
    _parquet(
        "captions that are numbers",
        lambda: pa.table({"video_id": ["a"], "caption": [7.5]}),
        "a caption without words",
    ),
    _parquet(
        "an unknown type",
        lambda: pa.table({"video_id": ["a"], "caption": pa.array([[1]], pa.list_(pa.int8()))}),
        "a caption without words",
    ),
    _parquet(
        "one name twice",
        lambda: pa.Table.from_arrays([pa.array(["a"]), pa.array(["x"])], ["caption", "caption"]),
        "two columns have one name",
    ),
    _parquet(
        "clips inside",
        lambda: pa.table({"video": [{"bytes": b"x", "path": "a"}], "caption": ["x"]}),
        "holds the clips themselves",
    ),
]
