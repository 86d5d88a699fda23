"""The charts of the site in a real browser: marks, their values, links, phones, access."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dvtr_bench.ranking.seed_means import SeedMeans
from leaderboard.board import Board, make_boards
from leaderboard.result_files import ResultFile
from leaderboard.row_json import row_id, run_id
from leaderboard.site.build import write_site
from leaderboard.site.rows import board_id
from tests.fixtures.browser import TO_WAIT_SECONDS, Site
from tests.leaderboard.test_plot import LOG, write_run

pytestmark = pytest.mark.slow

KINDS = ("recall", "parameters", "seconds", "breakdown", "curves", "ranks", "differences")


@pytest.fixture(scope="module")
def built(toys: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose first row was trained, and its log."""
    folder = tmp_path_factory.mktemp("charts")
    write_run(folder / "runs", toys[0], LOG)
    files = [ResultFile(record, None) for record in toys]
    write_site(make_boards(toys), files, folder / "site", folder / "nothing", folder / "runs")
    return folder / "site"


@pytest.fixture
def charts(browser: Any, built: Path) -> Iterator[Site]:
    opened = Site(browser, built)
    opened.errors()
    yield opened
    assert opened.errors() == []


@pytest.fixture(scope="module")
def board(toys: list[Any]) -> Board:
    (made,) = make_boards(toys)
    return made


def open_chart(site: Site, board: Board, kind: str, settings: str = "") -> None:
    site.open(f"#/charts/{board_id(board)}?kind={kind}{settings}")
    site.one("#charts figure svg.chart")


def marks(site: Site, where: str = "") -> list[dict[str, str]]:
    found: list[dict[str, str]] = site.run(
        f"return [...document.querySelectorAll('{where} svg.chart .mark')]"
        ".map((one) => ({...one.dataset}))"
    )
    return found


def test_recall_has_a_mark_for_each_figure_with_its_interval(charts: Site, board: Board) -> None:
    open_chart(charts, board, "recall")
    found = {(one["row"], one["part"]): one for one in marks(charts)}
    assert len(found) == len(marks(charts)) == 3 * len(board.entries)
    for entry in board.entries:
        for k in (1, 5, 10):
            cell = entry.figures["t2v", "strict", f"R@{k}"]
            shown = found[row_id(entry), f"R@{k}"]
            values = [float(shown[name]) for name in ("value", "low", "high")]
            assert values == pytest.approx([cell.value, cell.low, cell.high], abs=1e-4)
    # Marks stand where their values are: R@1 of the best row further right than that of the worst.
    places = charts.run(
        "return [...document.querySelectorAll('.mark[data-part=\"R@1\"] circle')].map((one) => "
        "[Number(one.parentNode.dataset.value), Number(one.getAttribute('cx'))])"
    )
    (a, at_a), (b, at_b) = places[0], places[-1]
    zero = at_a - a * (at_a - at_b) / (a - b)
    for value, at in places:
        per_cent = (at_a - at_b) / (a - b)
        assert at == pytest.approx(zero + value * per_cent, abs=0.2)
    assert charts.run("return document.querySelector('.mark title').textContent").startswith(
        board.entries[0].name
    )


def test_the_table_behind_a_chart_has_its_figures(charts: Site, board: Board) -> None:
    open_chart(charts, board, "recall")
    charts.one("details.behind summary").click()
    rows = charts.all("details.behind tbody tr")
    assert len(rows) == len(board.entries)
    cell = board.entries[0].figures["t2v", "strict", "R@5"]
    assert f"{cell.value:.1f}\n{cell.low:.1f}–{cell.high:.1f}" in rows[0].text


@pytest.mark.parametrize("kind", ["parameters", "seconds"])
def test_size_and_speed_are_those_of_the_rows(charts: Site, board: Board, kind: str) -> None:
    open_chart(charts, board, kind)
    found = {one["row"]: one for one in marks(charts)}
    assert len(found) == len(board.entries)
    for entry in board.entries:
        cell = entry.figures["t2v", "strict", "R@1"]
        assert float(found[row_id(entry)]["value"]) == pytest.approx(cell.value, abs=1e-4)
        run = entry.runs[0]
        number = run.model.num_parameters if kind == "parameters" else run.seconds.score
        expected = number / 1e6 if kind == "parameters" and number else number
        assert float(found[row_id(entry)]["x"]) == pytest.approx(expected)


def test_groups_stand_in_a_heat_map_and_as_bars(charts: Site, board: Board) -> None:
    open_chart(charts, board, "breakdown", "&axis=category")
    found = marks(charts)
    assert len(charts.all("svg.chart")) == 2
    assert len(charts.all(".heat")) == 2 * len(board.entries)
    for entry in board.entries:
        for group in ("boat", "road"):
            figures = [
                run.breakdowns["category"].results["t2v"][group].metrics["R@1"].value
                for run in entry.runs
            ]
            shown = [
                float(one["value"])
                for one in found
                if (one["row"], one["part"]) == (row_id(entry), group)
            ]
            assert shown == pytest.approx([np.mean(figures)] * 2, abs=1e-4)
    charts.choose("#axis", "caption_length")
    charts.until(lambda: "caption length" in charts.text("#charts figcaption"))
    assert "axis=caption_length" in charts.address


def test_curves_and_ranks_are_counted_from_the_ranks(charts: Site, board: Board) -> None:
    for kind in ("curves", "ranks"):
        open_chart(charts, board, kind, "&direction=v2t")
        lines = charts.run(
            "return [...document.querySelectorAll('.series')].map((one) => ({...one.dataset}))"
        )
        assert [one["row"] for one in lines] == [row_id(entry) for entry in board.entries]
        assert {one["points"] for one in lines} == {"20"}
        assert {float(one["last"]) for one in lines} == {100.0}
    shown = [one for one in marks(charts) if one["x"] == "2"]
    for entry, one in zip(board.entries, shown, strict=True):
        ranks = [run.rank_table.ranks["v2t"]["strict"].pessimistic for run in entry.runs]
        expected = np.mean([100 * (part <= 2).mean() for part in ranks])
        assert float(one["value"]) == pytest.approx(expected)


def test_differences_are_pythons(charts: Site, board: Board) -> None:
    base = board.entries[1]
    open_chart(charts, board, "differences", f"&against={row_id(base)}")
    found = {one["row"]: one for one in marks(charts)}
    assert len(found) == len(board.entries) - 1
    first = SeedMeans.of([run.rank_table for run in base.runs])
    for entry in board.entries:
        if entry is base:
            continue
        other = SeedMeans.of([run.rank_table for run in entry.runs])
        wanted = first.difference(other, "t2v", "strict", "R@1")
        shown = [float(found[row_id(entry)][name]) for name in ("value", "low", "high")]
        assert shown == pytest.approx([wanted.difference, wanted.low, wanted.high], abs=1e-9)
        hollow = charts.all(f".mark[data-row='{row_id(entry)}'] .hollow")
        assert bool(hollow) == (wanted.low <= 0 <= wanted.high)


def test_charts_follow_the_filters_and_the_chosen_rows(charts: Site, board: Board) -> None:
    charts.open()
    charts.choose("#filter-family", "gamma")
    charts.one("#to-charts").click()
    charts.wait()
    assert {one["row"] for one in marks(charts)} == {
        row_id(entry) for entry in board.entries if "gamma" in entry.name
    }
    charts.choose("#filter-family", "")
    charts.until(lambda: len(marks(charts)) == 3 * len(board.entries))
    charts.one("details.columns summary").click()
    charts.one(f"input[data-row='{row_id(board.entries[0])}']").click()
    charts.until(lambda: len(marks(charts)) == 3 * (len(board.entries) - 1))
    charts.one("nav.kinds a[data-kind='parameters']").click()
    charts.wait()
    address = charts.address
    charts.open(address)
    assert len(marks(charts)) == len(board.entries) - 1
    assert row_id(board.entries[0]) not in {one["row"] for one in marks(charts)}
    assert charts.text("nav.kinds a[aria-current]") == "Parameters"


def test_a_runs_page_shows_its_training_or_says_why_not(charts: Site, toys: list[Any]) -> None:
    charts.open(f"#/run/{run_id(toys[0])}")
    figures = charts.all("figure.charted")
    titles = [one.text.split("\n")[0] for one in figures]
    assert titles == ["R@k over k", "T2V R@1 on validation", "Loss"]
    training = marks(charts, "#main > figure")
    assert [(float(one["x"]), float(one["value"])) for one in training] == [
        (1, 10.0), (2, 12.5), (1, 4.0), (2, 2.0), (3, 1.0),
    ]  # fmt: skip
    charts.open(f"#/run/{run_id(toys[1])}")
    assert "It was not trained, or not by dvtr-bench." in charts.text("main")
    assert [one.text.split("\n")[0] for one in charts.all("figure.charted")] == ["R@k over k"]


def test_a_runs_page_shows_its_recall_over_k_in_every_direction(
    charts: Site, toys: list[Any]
) -> None:
    charts.open(f"#/run/{run_id(toys[0])}")
    charts.one("#recall-curves svg.chart")
    lines = charts.run(
        "return [...document.querySelectorAll('#recall-curves .series')]"
        ".map((one) => ({...one.dataset}))"
    )
    last = min(50, toys[0].dataset.num_videos)
    assert [(one["row"], int(one["points"])) for one in lines] == [
        (direction, last) for direction in ("t2v", "v2t", "v2t_caption")
    ]
    for line in lines:
        ranks = toys[0].rank_table.ranks[line["row"]]["strict"].pessimistic
        assert float(line["last"]) == pytest.approx(100 * (ranks <= last).mean())


def test_a_trained_run_without_a_log_says_so(toys: list[Any], tmp_path: Path) -> None:
    write_site(make_boards(toys[:1]), [], tmp_path / "site", tmp_path, tmp_path / "none")
    (script,) = (tmp_path / "site" / "data").glob("run-*.js")
    told = json.loads(script.read_text().split(",", 1)[1].removesuffix(");\n"))
    assert told["curves"] is None
    assert told["aboutCurves"].startswith("There are no curves")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_charts(charts: Site, board: Board, scheme: str) -> None:
    package = importlib.util.find_spec("axe_selenium_python")
    if package is None or package.origin is None:
        pytest.skip("no axe-core here: pip install axe-selenium-python")
    (axe,) = Path(package.origin).parent.rglob("axe.min.js")
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    charts.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    charts.browser.set_script_timeout(TO_WAIT_SECONDS)
    for kind in KINDS:
        open_chart(charts, board, kind)
        charts.run(axe.read_text(encoding="utf-8"))
        found = charts.browser.execute_async_script(
            "const done = arguments[0];"
            "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
            "axe.run().then((report) => done(report.violations.map((one) =>"
            "  [one.id, one.impact, one.nodes[0].html, one.nodes[0].failureSummary])));"
        )
        assert [one for one in found if one[1] in ("serious", "critical")] == [], kind


@pytest.mark.parametrize("width", [1280, 768, 375])
def test_charts_fit_the_screen_and_their_texts_keep_their_size(
    charts: Site, board: Board, width: int
) -> None:
    charts.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        for kind in KINDS:
            open_chart(charts, board, kind)
            assert charts.run("return document.documentElement.scrollWidth <= innerWidth"), kind
            outside = charts.run(
                """
                return [...document.querySelectorAll('svg.chart')].flatMap((chart) => {
                  const edge = chart.getBoundingClientRect();
                  return [...chart.querySelectorAll('text')].filter((text) => {
                    const box = text.getBoundingClientRect();
                    return box.left < edge.left - 2 || box.right > edge.right + 2 ||
                      box.top < edge.top - 2 || box.bottom > edge.bottom + 2;
                  }).map((text) => text.textContent);
                });
                """
            )
            assert outside == [], kind
            size = "getComputedStyle(document.querySelector('svg.chart text')).fontSize"
            assert charts.run(f"return parseFloat({size})") >= 11
            scale = charts.run(
                "const chart = document.querySelector('svg.chart');"
                "return chart.getBoundingClientRect().width / chart.viewBox.baseVal.width"
            )
            assert scale == pytest.approx(1, abs=0.01)
    finally:
        charts.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
