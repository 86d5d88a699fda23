"""The site under judged relevance, in a real browser, against the tables of the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dvtr_bench as dvtr
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.pool import PoolOptions, pool_of
from leaderboard.leaderboard import Leaderboard
from leaderboard.row_json import row_id
from leaderboard.site.build import write_site
from tests.fixtures.browser import Site
from tests.fixtures.judged_world import World, make_world, save_answers
from tests.leaderboard.site.test_site_files import read_script

pytestmark = pytest.mark.slow

WORDS = [None, "yes", None, "no", None, "partly"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), videos=24, runs=4)


@pytest.fixture(scope="module")
def made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    """Half of the pairs of two runs have an answer; the other runs were in no pool."""
    folder = tmp_path_factory.mktemp("judged")
    options = PoolOptions(directions=("t2v", "v2t_caption"))
    pool = pool_of(world.files[:2], world.split, options)
    order = [pair.pair for pair in pool.to_judge]
    answers = save_answers(pool, folder, "anna", lambda p: WORDS[order.index(p.pair) % 6])
    judgements, _ = judgements_of(pool, answers)
    board = dvtr.make_leaderboard([file.path for file in world.files], judged=judgements)
    board.write_site(folder / "site", root=folder / "none")
    return board


@pytest.fixture
def site(browser: Any, made: Leaderboard, tmp_path: Path) -> Iterator[Site]:
    opened = Site(browser, made.write_site(tmp_path / "site", root=tmp_path / "none").parent)
    opened.errors()
    yield opened
    assert opened.errors() == []


def lines(site: Site, place: int) -> list[list[str]]:
    (section,) = site.all("section.judged")
    table = section.find_elements("css selector", "table")[place]
    rows = table.find_elements("css selector", "tbody tr")
    return [[cell.text for cell in row.find_elements("css selector", "th, td")] for row in rows]


def test_the_tables_are_those_of_the_page_of_markdown(site: Site, made: Leaderboard) -> None:
    site.open()
    (judged,) = made.judged
    assert len(judged.tables) == 2
    for place, table in enumerate(judged.tables):
        (section,) = site.all("section.judged")
        box = section.find_elements("css selector", "table")[place]
        heads = [head.text for head in box.find_elements("css selector", "thead th")]
        assert [head.strip(" ▼▲").lower() for head in heads] == [
            head.lower() for head in table.header
        ]
        assert table.title in box.text
        expected = {
            field[0].text: [f"{one.text}\n{one.detail}".strip() for one in field[1:]]
            for field in table.rows
        }
        assert {row[0]: row[1:] for row in lines(site, place)} == expected
        assert any("at most" in column for column in table.header)
    text = site.text("section.judged ul")
    assert all(" ".join(note.split()) in " ".join(text.split()) for note in judged.notes)


def test_headers_sort_it_and_filters_of_the_board_count(site: Site, made: Leaderboard) -> None:
    site.open()
    (judged,) = made.judged
    of = {row.entry.label: row.figures["t2v", "nDCG@10"].value for row in judged.rows}
    assert len(set(of.values())) == len(of) == 4
    site.one("section.judged th button[data-column='t2v/nDCG@10']").click()
    assert [row[0] for row in lines(site, 0)] == sorted(of, key=lambda name: -of[name])
    assert "judged=t2v%2FnDCG%4010" in site.address or "judged=t2v/nDCG@10" in site.address
    address = site.address
    site.one("#search").send_keys("model_2")
    assert [row[0] for row in lines(site, 0)] == ["model_2"]
    site.open(address)
    assert [row[0] for row in lines(site, 1)]
    assert [row[0] for row in lines(site, 0)] == sorted(of, key=lambda name: -of[name])


def test_data_have_every_figure_by_row(made: Leaderboard, tmp_path: Path) -> None:
    page = made.write_site(tmp_path / "site", root=tmp_path / "none")
    (path,) = (page.parent / "data").glob("board-*.js")
    (found,) = read_script(path)["judged"]
    (judged,) = made.judged
    for table, direction in zip(found["tables"], judged.judgements.directions, strict=True):
        assert table["direction"] == direction
        assert [row["id"] for row in table["rows"]] == [row_id(row.entry) for row in judged.rows]
        for told, row in zip(table["rows"], judged.rows, strict=True):
            for name, (value, low, high, _) in zip(table["columns"], told["figures"], strict=True):
                cell = row.figures[direction, name]
                assert value == pytest.approx(cell.value, abs=1e-4)
                assert low == (None if cell.low is None else pytest.approx(cell.low, abs=1e-4))
                assert high == (None if cell.high is None else pytest.approx(cell.high, abs=1e-4))


def test_without_judgements_there_is_no_such_section(
    browser: Any, made: Leaderboard, tmp_path: Path
) -> None:
    page = write_site(made.boards, made.files, tmp_path / "site", tmp_path / "none")
    site = Site(browser, page.parent)
    site.open()
    assert site.models
    assert site.all("section.judged") == []
    assert site.errors() == []
