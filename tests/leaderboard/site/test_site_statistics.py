"""Corrected p-values, groups of few and figures of plug-ins, as the page shows them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.group_figures import compare_groups
from dvtr_bench.ranking.holm import holm
from dvtr_bench.ranking.seed_means import SeedMeans
from leaderboard.board import make_boards
from leaderboard.leaderboard import Leaderboard
from leaderboard.result_files import ResultFile
from leaderboard.row_json import row_id
from leaderboard.site.build import write_site
from leaderboard.site.rows import board_id
from tests.dvtr_bench.results.test_new_metrics import metric_added
from tests.fixtures.browser import Site
from tests.fixtures.records import toy_record
from tests.leaderboard.test_others_text import HOSTILE, files

__all__ = ["files"]

pytestmark = pytest.mark.slow

TESTS = """
const table = document.querySelectorAll("table")[arguments[0]];
return [...table.querySelectorAll("tbody tr")].map((row) => [row.dataset.row,
  [...row.querySelectorAll("[data-p]")].map((one) =>
    [Number(one.dataset.p), Number(one.dataset.corrected)])]);
"""


def test_corrected_p_values_are_pythons_to_the_last_digit(toy_site: Site, toys: list[Any]) -> None:
    (board,) = make_boards(toys)
    entries = board.entries[:3]
    toy_site.open()
    rows = ",".join(map(row_id, entries))
    toy_site.open(
        toy_site.run(f"return dvtr.link('compare', '{board_id(board)}', {{rows: '{rows}'}})")
    )
    tables = [[run.rank_table for run in entry.runs] for entry in entries]
    first, *others = (SeedMeans.of(runs, BootstrapConfig()) for runs in tables)
    shown = dict(toy_site.run(TESTS, 0))
    for direction, kind, name in first.values:
        if kind == "strict":
            raw = [first.difference(each, direction, kind, name).p_value for each in others]
            wanted = [list(pair) for pair in zip(raw, holm(raw).tolist(), strict=True)]
            assert shown[f"{direction}/{name}"] == wanted
    groups = entries[0].runs[0].breakdowns["caption_length"].as_groups()
    changes = [compare_groups(tables[0], runs, groups, BootstrapConfig()) for runs in tables[1:]]
    by_group = [
        [change.metrics["R@1"].p_value for change in pair if change.metrics["R@1"].low is not None]
        for pair in zip(*changes, strict=True)
        if pair[0].queries
    ]
    corrected = iter(holm([p for pair in by_group for p in pair]).tolist())
    wanted = [[[p, next(corrected)] for p in pair] for pair in by_group]
    assert [tests for _, tests in toy_site.run(TESTS, 1)] == wanted
    text = toy_site.text("main")
    assert "for the 2 comparisons by that figure" in text
    assert "all groups and rows of the table" in text


def test_groups_of_few_say_so(toy_site: Site) -> None:
    toy_site.open()
    toy_site.choose("#axis", "category")
    text = toy_site.text("#groups")
    assert "30 captions, 10 videos, few" in text
    assert "fewer than 20 captions or videos" in text
    toy_site.one("tbody th a").click()
    toy_site.wait()
    source = toy_site.run("return document.getElementById('main').textContent")
    assert "30 queries, 10 videos, few" in source


def test_figures_of_plug_ins_can_be_chosen(browser: Any, tmp_path: Path) -> None:
    with metric_added():
        record = toy_record()
        write_site(make_boards([record]), [ResultFile(record, None)], tmp_path / "s", tmp_path)
    opened = Site(browser, tmp_path / "s")
    opened.open()
    opened.choose("#axis", "category")
    opened.choose("#group-figure", "MRR")
    assert "T2V MRR by group" in opened.text("#groups")
    value = record.breakdowns["category"].results["t2v"]["boat"].metrics["MRR"].value
    assert f"{value:.1f}" in opened.text("#groups table")
    assert opened.errors() == []


def test_nothing_of_others_runs(browser: Any, files: Any, tmp_path: Path) -> None:
    records = [file.record for file in files]
    boards = make_boards(records)
    made = Leaderboard(boards, records, (), files)
    made.write_site(tmp_path / "site", root=tmp_path)
    opened = Site(browser, tmp_path / "site")
    name = board_id(boards[0])
    rows = ",".join(row_id(entry) for entry in boards[0].entries)
    opened.open()
    addresses = ["", f"#/board/{name}", *(
        opened.run("return dvtr.link(arguments[0], arguments[1], {rows: arguments[2]})", kind,
                   name, rows) for kind in ("compare", "queries"))]  # fmt: skip
    opened.one("tbody th a").click()
    opened.wait()
    for address in [*addresses, opened.address]:
        opened.open(address)
        assert "owned" in opened.run("return document.body.textContent"), address
        assert opened.run("return document.title") != "owned", address
        assert opened.all("img[onerror], main script") == []
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{made._repr_html_()}", encoding="utf-8")
    browser.get(page.as_uri())
    assert browser.title != "owned"
    assert browser.find_elements("css selector", "script, img") == []
    assert HOSTILE[:9] in browser.find_element("css selector", "body").text
    assert np.all([line["level"] == "INFO" for line in browser.get_log("browser")])
