"""Lists that programs printed into a cell are read as they were, and nothing else is."""

import json
import random
import re
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.sources import text_file
from builders.sources.caption_rows import CaptionRow, find_columns, parse_row
from builders.sources.caption_table import read_table
from builders.sources.text_file import ListCellError, parse_list
from dvtr_bench.errors import AnnotationError

LETTERS = string.ascii_letters + " '\",.[]()\\/\n\t" + "äπ路😀"


def texts(seed: int) -> list[str]:
    draw = random.Random(seed)
    return [
        "".join(draw.choices(LETTERS, k=draw.randint(1, 40))) for _ in range(draw.randint(1, 9))
    ]


@pytest.mark.parametrize("seed", range(200))
def test_every_printed_form_reads_back(seed: int) -> None:
    wanted = texts(seed)
    array = np.array(wanted, dtype=object)
    with np.printoptions(linewidth=20 + seed % 60, threshold=10**6):
        printed = [
            json.dumps(wanted),
            json.dumps(wanted, ensure_ascii=False),
            json.dumps(wanted, indent=1),
        ]
        printed += [repr(wanted), str(array), repr(array), repr(tuple(wanted))]
        printed += [
            repr(np.array(wanted)),
            f"[{', '.join(f'np.str_({text!r})' for text in wanted)}]",
        ]
    for cell in printed:
        assert parse_list(cell) == wanted, cell


def test_missing_values_are_told_apart() -> None:
    wanted = ["a car", None, "nan is no text"]
    for cell in (
        "['a car', None, 'nan is no text']",
        "['a car' nan\n 'nan is no text']",
        '["a car", null, "nan is no text"]',
        '["a car", NaN, "nan is no text"]',
        "['a car', <NA>, 'nan is no text']",
    ):
        assert parse_list(cell) == wanted
    assert parse_list("[]") == parse_list(" [ ] ") == []
    assert parse_list("[None]") == [None]


@pytest.mark.parametrize(
    "sentence",
    [
        "[aerial] a road",
        "[aerial view]",
        "[2023] a road [north]",
        "(from above) a road (wide)",
        "('STOP') on a sign (red)",
        "array of cars",
        "['Stop' sign] beside a road",
        "",
        "a road]",
    ],
)
def test_a_sentence_in_brackets_is_a_sentence(sentence: str) -> None:
    assert parse_list(sentence) is None


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[a car, a road]", "one caption or several"),
        ("[1, 2]", "something else than texts"),
        ("[['a', 'b']]", "something else than texts"),
        ("[{'caption': 'a'}]", "something else than texts"),
        ("['a', 'b' 'c']", "a comma is missing"),
        ("['a' 'b', 'c']", "a comma is missing"),
        ("['a car's wheel', 'b']", "cannot be read"),
        ("['a', __import__('os')]", "cannot be read"),
        ("['a' 'b' ... 'z']", "printed shortened"),
        ("['a car', 'a ro", "end is missing"),
    ],
)
def test_what_cannot_be_told_is_refused(cell: str, message: str) -> None:
    with pytest.raises(ListCellError, match=message):
        parse_list(cell)


def test_hostile_cells_end_soon() -> None:
    for cell in ("[" * 100_000 + "]" * 100_000, "['" + "\\" * 100_001 + "']", "[" + "'a'" * 50_000):
        try:
            parse_list(cell)
        except ListCellError:
            continue


def rows_of(path: Path, text: str) -> list[CaptionRow]:
    path.write_text(text, encoding="utf-8")
    table = read_table(path)
    columns = find_columns(table)
    return [parse_row(row, columns) for row in table]


@pytest.mark.parametrize(
    ("name", "text", "captions", "missing"),
    [
        ("a.csv", "file_name,captions\na.mp4,\"['one x', None, 'two']\"\n", ("one x", "two"), 1),
        ("a.csv", "file_name,captions\na.mp4,['one x' 'two' nan]\n", ("one x", "two"), 1),
        (
            "a.csv",
            "file_name,caption,caption.1,caption.2\na.mp4,one x,two,nan\n",
            ("one x", "two"),
            1,
        ),
        ("a.csv", "file_name,caption_2,caption\na.mp4,two,one x\n", ("one x", "two"), 0),
        ("a.csv", "file_name,caption 2,Caption-3,caption\na.mp4,two,,one x\n", ("one x", "two"), 0),
        (
            "a.csv",
            "file_name,caption,captions\na.mp4,two,\"['one x', 'two']\"\n",
            ("one x", "two"),
            0,
        ),
        ("a.csv", "file_name,caption,caption.1\na.mp4,one x,one x\n", ("one x", "one x"), 0),
        (
            "a.jsonl",
            '{"file_name": "a.mp4", "captions": ["one x", null, NaN, "two"]}',
            ("one x", "two"),
            2,
        ),
    ],
)
def test_captions_of_a_row(
    tmp_path: Path, name: str, text: str, captions: tuple[str, ...], missing: int
) -> None:
    (row,) = rows_of(tmp_path / name, text)
    assert (row.captions, row.num_missing) == (captions, missing)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[]", "line 2: no caption: write one"),
        ("nan", "line 2: no caption .'nan' stands for a missing value"),
        ("None", "no caption .'None'"),
        ("[None]", "line 2: no caption"),
        ('"[a car, a road]"', "line 2: the column 'caption' holds text in brackets"),
        ("['']", "a caption without words"),
    ],
)
def test_cells_without_a_caption(tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        rows_of(tmp_path / "a.csv", f"file_name,caption\na.mp4,{cell}\n")


def test_a_list_inside_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="a caption that is no text"):
        rows_of(tmp_path / "a.jsonl", '{"file_name": "a.mp4", "captions": [["a", "b"]]}')


WRAPPINGS = (
    re.compile(r"\[\s*(?P<body>.*?)\s*\]", flags=re.DOTALL),
    re.compile(r"array\(\s*\[\s*(?P<body>.*?)\s*\]\s*(?:,\s*dtype=[^()]*)?\)", flags=re.DOTALL),
    re.compile(r"""\(\s*(?P<body>["'].*?)\s*\)""", flags=re.DOTALL),
)


@given(
    st.lists(
        st.sampled_from(["[", "]", "(", ")", "array(", "'a'", '"', " ", ",", "dtype=<U3", "b"])
    )
)
def test_brackets_are_taken_away_as_patterns_would(parts: list[str]) -> None:
    """By the patterns of before, which take a time that grows as the square of blanks."""
    text = "".join(parts).strip()
    if text:
        found = next(filter(None, (one.fullmatch(text) for one in WRAPPINGS)), None)
        assert text_file._unwrapped(text) == (found["body"] if found else None)
