"""The site in a real browser, opened from disk: tables, links, comparisons, pages of runs."""

from pathlib import Path
from typing import Any

import pytest

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.group_figures import compare_groups
from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.results import write_result
from leaderboard.board import make_boards
from leaderboard.result_files import ResultFile, entry_path, read_result_file
from leaderboard.row_json import row_id
from leaderboard.site.build import write_site
from leaderboard.site.rows import board_id
from tests.fixtures.browser import Site
from tests.fixtures.records import toy_record

pytestmark = pytest.mark.slow


def test_figures_are_rounded_as_python_rounds_them(site: Site) -> None:
    values = [0.05, 50.15, 99.95, -92.25, 12345.25, *(n / 160 * 100 for n in range(161))]
    site.open()
    for digits in (0, 1, 2):
        script = f"return arguments[0].map((value) => dvtr.number(value, {digits}))"
        assert site.run(script, values) == [f"{value:,.{digits}f}" for value in values]


def test_one_board_is_shown_at_once_best_row_first(toy_site: Site, toys: list[Any]) -> None:
    toy_site.open()
    (board,) = make_boards(toys)
    assert toy_site.models == [entry.label for entry in board.entries]
    text = toy_site.text("table")
    for told in ("chance", "caption ceiling", "3 seeds", "3 epochs, frames frozen", "brought"):
        assert told in text
    cell = board.entries[0].figures["t2v", "strict", "R@1"]
    assert f"{cell.value:.1f}\n{cell.low:.1f}–{cell.high:.1f}" in text


def test_headers_sort_and_turn_round(toy_site: Site, toys: list[Any]) -> None:
    toy_site.open()
    (board,) = make_boards(toys)
    place = ("v2t", "strict", "R@1")
    best = sorted(board.entries, key=lambda entry: -entry.figures[place].value)
    toy_site.press_header("v2t/R@1")
    assert toy_site.models == [entry.label for entry in best]
    header = toy_site.one("th[aria-sort]")
    assert header.get_attribute("aria-sort") == "descending"
    # The header that was pressed keeps the keyboard.
    assert toy_site.run("return document.activeElement.dataset.column") == "v2t/R@1"
    toy_site.press_header("v2t/R@1")
    worst = sorted(board.entries, key=lambda entry: entry.figures[place].value)
    assert toy_site.models == [entry.label for entry in worst]
    toy_site.press_header("model")
    assert toy_site.models == sorted(entry.label for entry in board.entries)


def test_filters_search_and_columns(toy_site: Site) -> None:
    toy_site.open()
    toy_site.choose("#filter-family", "gamma")
    assert sorted(toy_site.models) == ["gamma_x", "gamma_y (external)"]
    toy_site.choose("#filter-by", "brought")
    assert toy_site.models == ["gamma_y (external)"]
    toy_site.choose("#filter-by", "")
    toy_site.choose("#filter-family", "")
    toy_site.one("#search").send_keys("alp")
    assert toy_site.models == ["alpha"]
    # Pressed in its box, the keys reach the search and nothing is lost between them.
    assert toy_site.run("return document.activeElement.id") == "search"
    assert "T2V MdR" not in toy_site.text("thead")
    toy_site.one("details.columns summary").click()
    toy_site.one("input[data-column='t2v/MdR']").click()
    assert "T2V MdR" in toy_site.text("thead")


def test_a_link_restores_what_was_shown(toy_site: Site) -> None:
    toy_site.open()
    toy_site.press_header("t2v/R@5")
    toy_site.press_header("t2v/R@5")
    toy_site.choose("#filter-family", "gamma")
    toy_site.choose("#relevance", "text_identical")
    toy_site.one("details.columns summary").click()
    toy_site.one("input[data-column='v2t/R@1']").click()
    address, models = toy_site.address, toy_site.models
    toy_site.open(address)
    assert toy_site.models == models
    assert toy_site.one("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    assert "V2T R@1" not in toy_site.text("thead")
    assert toy_site.one("#filter-family").get_attribute("value") == "gamma"
    assert toy_site.one("#relevance").get_attribute("value") == "text_identical"


def test_chosen_rows_are_compared(toy_site: Site) -> None:
    toy_site.open()
    assert toy_site.all("#compare") == []
    for name in ("alpha", "beta"):
        toy_site.one(f"input[aria-label='Compare {name}']").click()
    toy_site.one("#compare").click()
    toy_site.wait()
    assert toy_site.text("h1") == "2 rows compared"
    assert "T2V R@1" in toy_site.text("#said")


def test_the_pages_comparison_is_pythons_to_the_last_digit(toy_site: Site, toys: list[Any]) -> None:
    (board,) = make_boards(toys)
    name = board_id(board)
    toy_site.open()
    config = BootstrapConfig()
    tables = [[run.rank_table for run in entry.runs] for entry in board.entries]
    means = [SeedMeans.of(runs, config) for runs in tables]
    first = board.entries[0]
    for number, entry in list(enumerate(board.entries))[1:]:
        shown = toy_site.browser.execute_async_script(
            """
            const [board, ids, done] = arguments;
            (async () => {
              const [told, queries] =
                await dvtr.loadAll([`board-${board}`, `queries-${board}`]);
              const draws = dvtr.makeDraws(told.draws, queries.own);
              const rows = ids.map((id) => told.rows.find((row) => row.id === id));
              const runs = await Promise.all(rows.map((row) =>
                dvtr.loadAll(row.runs.map((run) => `ranks-${run}`))));
              const figures = runs.map((one) => dvtr.rowFigures(one, draws, told.videos));
              const level = told.draws.level, found = { figures: {}, groups: {} };
              for (const place of Object.keys(figures[0].points)) {
                found.figures[place] = dvtr.difference(...figures, place, level);
              }
              for (const [key, axis] of Object.entries(queries.axes)) {
                const parts = runs.map((one) =>
                  dvtr.groupFigures(one, draws, axis, queries.own));
                found.groups[key] = axis.groups.map((_, group) => parts[0].queries[group]
                  ? { ...dvtr.difference(...parts, String(group), level),
                      queries: parts[0].queries[group], videos: parts[0].videos[group] } : null);
              }
              done(found);
            })().catch((failure) => done(String(failure)));
            """,
            name,
            [row_id(first), row_id(entry)],
        )
        assert isinstance(shown, dict), shown
        expected = {
            f"{direction}/{figure}": means[0].difference(means[number], direction, kind, figure)
            for direction, kind, figure in means[0].values
            if kind == "strict"
        }
        assert shown["figures"].keys() == expected.keys()
        for place, found in shown["figures"].items():
            wanted = expected[place]
            got = (found["low"], found["high"], found["p"])
            assert got == (wanted.low, wanted.high, wanted.p_value), place
            assert found["difference"] == pytest.approx(wanted.difference, abs=1e-12)
        for axis, groups in shown["groups"].items():
            changes = compare_groups(
                tables[0], tables[number], first.runs[0].breakdowns[axis].as_groups(), config
            )
            for found, wanted in zip(groups, changes, strict=True):
                if found is None:
                    assert wanted.queries == 0
                    continue
                change = wanted.metrics["R@1"]
                assert (found["queries"], found["videos"]) == (wanted.queries, wanted.videos)
                if change.low is not None:
                    got = (found["low"], found["high"], found["p"])
                    assert got == (change.low, change.high, change.p_value)


def test_published_figures_stand_apart(browser: Any, tmp_path: Path) -> None:
    records = [toy_record(dataset="umcrd")]
    files = [ResultFile(record, None) for record in records]
    write_site(make_boards(records), files, tmp_path / "site", tmp_path)
    opened = Site(browser, tmp_path / "site")
    opened.open()
    assert opened.models == ["msam"]
    assert "49.5" in opened.text("#published")
    assert "49.5" not in opened.text("table")


def test_a_run_says_what_was_run_how_to_repeat_and_how_to_cite_it(toy_site: Site) -> None:
    toy_site.open()
    toy_site.one("tbody th a").click()
    toy_site.wait()
    assert toy_site.text("#commands").startswith("dvtr-bench train --model alpha")
    assert toy_site.text("#bibtex").startswith("@misc{dvtr-")
    text = toy_site.text("main")
    for told in ("layers", "checkpoint_sha256", "a processor", "By Caption length", "2026-01-31"):
        assert told in text


def test_who_ran_it_stands_in_the_table_and_figures_can_be_left_out(
    browser: Any, tmp_path: Path
) -> None:
    path = write_result(toy_record(dataset="umcrd"), tmp_path)
    entry_path(path).write_text(
        'ran_by = "<b>Jane"\n[rerun]\nby = "Max"\ndate = 2026-02-01\nt2v_r1 = 5.5\n'
    )
    files = [read_result_file(path)]
    write_site(make_boards([files[0].record]), files, tmp_path / "site", tmp_path)
    opened = Site(browser, tmp_path / "site")
    opened.open()
    table = opened.text("table")
    assert "<b>Jane" in table
    assert "✓ 1 of 1" in table
    for value, shown in (("published", "#published"), ("measured", "tbody th a")):
        opened.choose("#filter-figures", value)
        assert opened.one(shown).is_displayed()
    assert not opened.one("#published").is_displayed()
    opened.one("tbody th a").click()
    opened.wait()
    assert "Run again by Max on 2026-02-01: T2V R@1 5.5" in opened.text("#entry")
    assert opened.errors() == []
