"""The pages of docs/: examples run, tables are those of the program, pictures are described."""

import doctest
import importlib.util
import io
import re
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from builders.sources.caption_rows import CaptionRow, find_columns, parse_row
from builders.sources.caption_table import read_table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
RUN_ELSEWHERE = DOCS / "reference" / "python.md"
"""Its examples are those of the docstrings, which run where they stand."""

PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
MOST_PICTURE_BYTES = 150_000


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, kind: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


WITH_EXAMPLES = [page for page in PAGES if blocks(page, "pycon") and page != RUN_ELSEWHERE]


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    """The script that fills the tables."""
    path = DOCS / "reference" / "make_tables.py"
    spec = importlib.util.spec_from_file_location("make_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_examples() -> None:
    assert DOCS / "concepts" / "worked-examples.md" in WITH_EXAMPLES


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=named)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(blocks(page, "pycon"))
    examples = doctest.DocTestParser().get_doctest(text, {}, named(page), str(page), 0)
    said = io.StringIO()
    outcome = doctest.DocTestRunner().run(examples, out=said.write)
    assert outcome.failed == 0, said.getvalue()
    assert outcome.attempted > 0


def test_tables_are_those_of_the_program(tables: ModuleType) -> None:
    pages = tables.pages()
    assert [page.name for page in pages] == ["caption-tables.md", "command-line.md", "settings.md"]
    for page in pages:
        found = page.read_text(encoding="utf-8")
        assert found == tables.make_page(page), "run python docs/reference/make_tables.py"


def test_a_command_without_a_table_gets_one(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "command-line.md"
    monkeypatch.setattr(tables, "COMMAND_LINE", page)
    page.write_text("# Command line\n\n## doctor\n\nChecks.\n\n## verify\n\nVerifies.\n")
    made = tables.make_page(page)
    assert made.index("Checks.") < made.index("made: options doctor") < made.index("## verify")
    assert "| `--fingerprint <str>` |" in made.partition("## verify")[2]
    page.write_text(made)
    assert tables.make_page(page) == made


def read_example(folder: Path, name: str, text: str) -> list[CaptionRow]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    table = read_table(path)
    columns = find_columns(table)
    return [parse_row(row, columns) for row in table]


def test_the_three_ways_to_write_captions_are_read(tmp_path: Path) -> None:
    page = DOCS / "reference" / "caption-tables.md"
    rows, wide, parts = (
        read_example(tmp_path, f"{number}.csv", text)
        for number, text in enumerate(blocks(page, "csv"))
    )
    (text,) = blocks(page, "json")
    lists = read_example(tmp_path, "lists.jsonl", text)
    assert [(row.file_name, row.split) for row in rows] == [
        ("farm/a.mp4", "train"), ("farm/a.mp4", "train"), ("port/b.mp4", "test"),
    ]  # fmt: skip
    assert [(row.captions, row.category) for row in wide] == [
        ((rows[0].captions[0], rows[1].captions[0]), "farm"),
        (rows[2].captions, "port"),
    ]
    assert [row.segment for row in parts] == [(0, 12.5), (12.5, 31), (12.5, 31)]
    assert [len(row.captions) for row in lists] == [2, 1]
    assert [row.extra for row in lists] == [{"flight": "7"}, {"flight": "8"}]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pictures_are_described_and_small(page: Path) -> None:
    for told, place in PICTURE.findall(page.read_text(encoding="utf-8")):
        assert len(told.split()) >= 3, f"{place}: say what the picture shows"
        picture = page.parent / place
        if picture.is_relative_to(DOCS):
            assert picture.stat().st_size <= MOST_PICTURE_BYTES
            if picture.suffix != ".svg":
                with Image.open(picture) as opened:
                    assert opened.width >= 600


def test_every_picture_is_shown() -> None:
    shown = {
        (page.parent / place).resolve()
        for page in PAGES
        for _, place in PICTURE.findall(page.read_text(encoding="utf-8"))
    }
    assert sorted(map(named, set((DOCS / "images").glob("*.png")) - shown)) == []
