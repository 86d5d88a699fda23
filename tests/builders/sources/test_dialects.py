"""Tables in the dialects that programs write read back as what was written."""

import csv
import io
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from builders.sources.caption_table import read_table
from dvtr_bench.errors import AnnotationError

Rows = list[dict[str, str]]
NAMES = ("file_name", "caption", "split")
TAME = ["a", "road,", "two", "cars;", "it's", "5%", "größer", "[aerial]", "|", "a\\b", "über", "#1"]
QUOTES = ['"STOP"', 'a "red" car', '""', '"', 'says "go", then']


def made_rows(seed: int, words: list[str], count: int = 30) -> Rows:
    draw = random.Random(seed)
    return [
        {
            "file_name": f"clip {number}.mp4",
            "caption": f"{' '.join(draw.choices(words, k=4))} {number}",
            "split": draw.choice(["train", "test"]),
        }
        for number in range(count)
    ]


def read(path: Path, text: str, encoding: str = "utf-8") -> Rows:
    path.write_bytes(text.encode(encoding))
    return [dict(row.cells) for row in read_table(path, encoding)]


def by_csv(rows: Rows, delimiter: str = ",", line_end: str = "\n", **how: object) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, **how)  # type: ignore[arg-type]
    writer.writerows([NAMES, *(row.values() for row in rows)])
    return out.getvalue()


def joined(rows: Rows, between: str, line_end: str = "\n", header: str | None = None) -> str:
    lines = [header or between.join(NAMES), *(between.join(row.values()) for row in rows)]
    return line_end.join(lines) + line_end


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("seed", range(5))
def test_what_the_csv_module_writes(
    tmp_path: Path, delimiter: str, line_end: str, seed: int
) -> None:
    rows = made_rows(seed, [*TAME, *QUOTES, "two\nlines"])
    if line_end != "\r":  # the csv module quotes no line break then that is not its own
        assert read(tmp_path / "a.csv", by_csv(rows, delimiter, line_end)) == rows
    everything = by_csv(rows, delimiter, line_end, quoting=csv.QUOTE_ALL)
    assert read(tmp_path / "a.csv", everything) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("seed", range(5))
def test_quotes_after_a_backslash(tmp_path: Path, delimiter: str, seed: int) -> None:
    rows = made_rows(seed, [*(word for word in TAME if "\\" not in word), *QUOTES])
    quoted = by_csv(rows, delimiter, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
    assert read(tmp_path / "a.csv", quoted) == rows
    some = by_csv(rows, delimiter, doublequote=False, escapechar="\\")
    assert read(tmp_path / "a.csv", some) == rows


def test_a_backslash_that_escapes_nothing_stays(tmp_path: Path) -> None:
    text = 'file_name,caption\na.mp4,"C:\\new \\"STOP\\" \\\\ road"\n'
    assert read(tmp_path / "a.csv", text)[0]["caption"] == 'C:\\new "STOP" \\ road'


@pytest.mark.parametrize("seed", range(5))
def test_quotes_are_text_in_tsv(tmp_path: Path, seed: int) -> None:
    rows = made_rows(seed, [*TAME, *QUOTES])
    rows[3]["caption"], rows[4]["caption"] = '"Stop" says the sign', 'no "'
    rows[5]["caption"], rows[6]["caption"] = '"one that opens', 'and one that closes"'
    assert read(tmp_path / "a.tsv", joined(rows, "\t")) == rows


def test_tsv_with_quotes_around_cells_is_as_quoted(tmp_path: Path) -> None:
    text = 'file_name\tcaption\na.mp4\t"a ""red"" car"\nb.mp4\t"a\tb"\n'
    assert [row["caption"] for row in read(tmp_path / "a.tsv", text)] == ['a "red" car', "a\tb"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_excel_writes(tmp_path: Path, seed: int, encoding: str) -> None:
    rows = made_rows(seed, [*TAME, *QUOTES, "two\nlines"])
    text = "sep=;\r\n" + by_csv(rows, ";", "\r\n")
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    read_as = "utf-8" if encoding == "utf-8-sig" else encoding
    table = read_table(path, read_as)
    assert [dict(row.cells) for row in table] == rows
    assert next(iter(table)).where.endswith("a.csv, line 3")


def test_empty_columns_at_the_right_end(tmp_path: Path) -> None:
    rows = made_rows(0, [*TAME, *QUOTES])
    lines = by_csv(rows, line_end="\r\n").splitlines()
    text = "\r\n".join([f"{line},,," for line in lines] + [",,,,,", ",,,,,"])
    assert read(tmp_path / "a.csv", text) == rows
    with pytest.raises(AnnotationError, match="line 2: expected 2 cells .*found 3"):
        read(tmp_path / "a.csv", "file_name,caption,\na.mp4,a road,another\n")


@pytest.mark.parametrize("seed", range(3))
def test_what_pandas_writes(tmp_path: Path, seed: int) -> None:
    rows = made_rows(seed, [*TAME, *QUOTES, "two\nlines"])
    frame = pd.DataFrame(rows)
    path = tmp_path / "a.csv"
    frame.to_csv(path)
    table = read_table(path)
    assert [dict(row.cells) for row in table] == rows
    assert "only counts rows, was left out" in table.notes[0]
    frame.sample(frac=1, random_state=0).to_csv(path)
    assert sorted(row.cells["caption"] for row in read_table(path)) == sorted(frame["caption"])
    pd.read_csv(path).to_csv(path, index=False)
    assert read_table(path).columns == NAMES
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").columns == NAMES


def test_a_first_column_without_a_name_that_counts_nothing(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="line 1: column 1 has no name"):
        read(tmp_path / "a.csv", ",file_name,caption\nx,a.mp4,a road\n")


@pytest.mark.parametrize("seed", range(3))
def test_blanks_after_delimiters(tmp_path: Path, seed: int) -> None:
    rows = made_rows(seed, [word for word in TAME if "," not in word and "|" not in word])
    assert read(tmp_path / "a.csv", joined(rows, ", ")) == rows
    assert read(tmp_path / "a.csv", joined(rows, "| ")) == rows
    quoted = [{name: f'"{row[name]}, {name}"' for name in NAMES} for row in rows]
    expected = [{name: row[name][1:-1] for name in NAMES} for row in quoted]
    for header in (None, ",".join(NAMES)):
        assert read(tmp_path / "a.csv", joined(quoted, ", ", header=header)) == expected


def test_a_blank_after_a_delimiter_is_the_captions_where_the_header_has_none(
    tmp_path: Path,
) -> None:
    assert read(tmp_path / "a.csv", "file_name,caption\na.mp4, a road\n")[0]["caption"] == " a road"


def test_commas_in_captions_have_no_vote(tmp_path: Path) -> None:
    rows = [{"file_name": f"{n}.mp4", "caption": "one, two, three, four"} for n in range(5)]
    for between in (";", "|", "\t"):
        text = joined(rows, between, "\r", between.join(("file_name", "caption")))
        assert read(tmp_path / "a.csv", text) == rows


def test_quotes_are_text_where_nothing_else_fits(tmp_path: Path) -> None:
    text = 'file_name,caption\na.mp4,"Stop" says the sign\nb.mp4,a sign\n'
    assert read(tmp_path / "a.csv", text)[0]["caption"] == '"Stop" says the sign'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'file_name,caption\na.mp4,"Stop" says, loud\nb.mp4,x\n',
            r"a\.csv, line 2: not CSV .*says, loud.*written twice",
        ),
        (
            "file_name,caption\na.mp4,x\nb.mp4,a car, parked\n",
            r"line 3: expected 2 cells .*found 3: 'b\.mp4,a car, parked': put captions",
        ),
        ("file_name;caption\na.mp4\n", "line 2: expected 2 cells .*found 1: .*an empty cell"),
        ('file_name,caption\na.mp4,x\nb.mp4,"y\nc.mp4,z\n', "line 3: not CSV"),
    ],
)
def test_what_no_dialect_fits_shows_the_line_and_a_fix(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(AnnotationError, match=f"(?s){message}"):
        read(tmp_path / "a.csv", text)


def test_a_wrong_encoding_far_down_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{number}.mp4,a road" for number in range(5_000)]
    path.write_bytes("\n".join(["file_name,caption", *lines, "x.mp4,un café"]).encode("cp1252"))
    with pytest.raises(AnnotationError, match=r"0xe9 in line 5002"):
        read_table(path)


def test_a_large_table_shows_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builders.sources.caption_table.SHOWS_PROGRESS_ROWS", 10)
    path = tmp_path / "a.csv"
    path.write_text(by_csv(made_rows(0, TAME)), encoding="utf-8")
    assert len(list(read_table(path))) == 30
    assert re.search(r"read a\.csv .*30/30", capsys.readouterr().err)
