import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.sources.caption_rows import CaptionRow, find_columns, parse_row
from builders.sources.caption_table import read_table
from dvtr_bench.errors import AnnotationError, NotFoundError


def understood(path: Path, group_by: str | None = None) -> list[CaptionRow]:
    rows = read_table(path)
    columns = find_columns(rows, group_by)
    return [parse_row(row, columns) for row in rows]


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_says_the_same(tmp_path: Path) -> None:
    values = [
        {"file_name": "a.mp4", "caption": 'a "red" car, parked', "split": "val"},
        {"file_name": "b.mp4", "caption": "two\nlines", "split": "test"},
    ]
    csv = 'file_name,caption,split\na.mp4,"a ""red"" car, parked",val\nb.mp4,"two\nlines",test\n'
    paths = [
        write(tmp_path, "a.csv", csv),
        write(tmp_path, "crlf.csv", csv.replace("\n", "\r\n").replace("two\r\n", "two\n")),
        write(
            tmp_path,
            "semicolon.csv",
            'file_name;caption;split\na.mp4;"a ""red"" car, parked";val\nb.mp4;"two\nlines";test\n',
        ),
        write(tmp_path, "a.jsonl", "".join(json.dumps(value) + "\n" for value in values)),
        write(tmp_path, "a.json", json.dumps(values)),
    ]
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "a.parquet")
    for path in [*paths, tmp_path / "a.parquet"]:
        first, second = understood(path)
        assert (first.file_name, first.captions, first.split) == (
            "a.mp4",
            ('a "red" car, parked',),
            "validation",
        )
        assert (second.captions, second.split) == (("two\nlines",), "test")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'file_name,captions\na.mp4,"[""one x"", ""two""]"\n'),
        ("a.csv", "file_name,captions\na.mp4,\"['one x', 'two']\"\n"),
        ("a.csv", "file_name,caption_1,caption_2,caption_3\na.mp4,one x,two,\n"),
        ("a.csv", "File_Name,Caption2,Caption10,Caption1\na.mp4,two,,one x\n"),
        ("a.jsonl", '{"file_name": "a.mp4", "text": ["one x", "two"]}\n'),
    ],
)
def test_several_captions_in_a_row(tmp_path: Path, name: str, text: str) -> None:
    (row,) = understood(write(tmp_path, name, text))
    assert row.captions == ("one x", "two")


def test_a_caption_in_brackets_is_no_list(tmp_path: Path) -> None:
    (row,) = understood(write(tmp_path, "a.csv", "file_name,caption\na.mp4,[aerial] a road\n"))
    assert row.captions == ("[aerial] a road",)


def test_captions_are_kept_verbatim(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"file_name": "a.mp4", "caption": "  A road。 "}\n')
    assert understood(path)[0].captions == ("  A road。 ",)


def test_other_columns_are_kept_as_text(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.jsonl",
        '{"file_name": "a.mp4", "caption": "x", "height": 12.5, "tags": ["a"], "group": "g"}\n',
    )
    (row,) = understood(path)
    assert row.extra == {"height": "12.5", "tags": '["a"]', "group": "g"}
    assert row.group == "g"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,caption\na.mp4,\n", "line 2: a caption without words"),
        ("file_name,caption\na.mp4,x\nb.mp4,   \n", "line 3: a caption without words"),
        ("file_name,caption_1,caption_2\na.mp4,,\n", "line 2: no caption"),
        ("file_name,caption\na.mp4,a car, parked\n", "line 2: expected 2 cells.*found 3.*quotes"),
        ("file_name,caption\n,x\n", "line 2: the column 'file_name' is empty"),
        ("file_name,caption,split\na.mp4,x,holdout\n", "train, validation.*'holdout'"),
        ("file_name,caption,split\na.mp4,x,\n", "in every row"),
        ("file_name,words\na.mp4,x\n", r"expected a column for captions .*found file_name, words"),
        ("clip_name,caption\na.mp4,x\n", "expected a column for the clip"),
        ("file_name,caption,caption\na.mp4,x,y\n", "'caption' occurs twice"),
        ("file_name,,caption\na.mp4,x,y\n", "column 2 has no name"),
        ("file_name,caption\n", "found none"),
        ("", "found none"),
        ('file_name,caption\na.mp4,"x\n', "not CSV"),
    ],
)
def test_bad_tables_say_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        understood(write(tmp_path, "a.csv", text))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"file_name": "a.mp4"\n', "line 1: not JSON"),
        ("a.jsonl", '\n["a.mp4", "x"]\n', "line 2: expected an object"),
        ("a.json", '{"a": 1}', "expected a list"),
        ("a.parquet", "not parquet", "not a Parquet file"),
        ("a.xlsx", "x", "expected a name that ends in"),
        ("a.jsonl", '{"file_name": "a.mp4", "caption": 5}\n', "without words"),
    ],
)
def test_bad_files_of_other_forms(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        understood(write(tmp_path, name, text))


def test_missing_group_column(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "file_name,caption\na.mp4,x\n")
    with pytest.raises(AnnotationError, match="--group-by flight: no such column"):
        understood(path, "flight")


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_table(tmp_path / "a.csv")
