"""The site in a real browser, opened from disk: tables, links, comparisons, queries, no error."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import dvtr_bench as dvtr
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.group_figures import compare_groups
from dvtr_bench.ranking.seed_means import SeedMeans
from leaderboard.board import make_boards
from leaderboard.result_files import ResultFile
from leaderboard.site.build import write_site
from leaderboard.site.rows import board_id, row_id
from tests.fixtures.browser import chromium_paths, open_browser
from tests.fixtures.local_server import local_server
from tests.fixtures.records import toy_record
from tests.fixtures.scored_site import HOSTILE, STRONG, make_scored_site

pytestmark = pytest.mark.slow

TO_WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium_paths()
    with open_browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    results = make_scored_site(folder)
    dvtr.make_leaderboard(results).write_site(folder / "site", root=folder / "dvtr")
    return folder


class Site:
    """A site in the browser: pages by address, and what they show."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.page = browser, (folder / "index.html").as_uri()

    def open(self, address: str = "") -> None:
        self.browser.get("about:blank")
        self.browser.get(self.page + address)
        self.wait()

    def wait(self) -> None:
        """Wait until the page of the address is shown."""
        self.until(
            lambda: self.run(
                "return document.getElementById('main').dataset.shown === location.hash"
            )
        )

    def until(self, found: Callable[[], Any]) -> Any:
        last = time.monotonic() + TO_WAIT_SECONDS
        while not (value := found()):
            assert time.monotonic() < last, self.text("main")
            time.sleep(0.05)
        return value

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.until(lambda: self.all(selector))[0]

    def text(self, selector: str) -> str:
        return str(self.one(selector).text)

    @property
    def models(self) -> list[str]:
        """First words of the table's rows, as the rows stand."""
        return [
            str(self.run("return arguments[0].querySelector('th a').textContent", row))
            for row in self.all("table")[0].find_elements("css selector", "tbody tr")
        ]

    @property
    def address(self) -> str:
        return str(self.run("return location.hash"))

    def press_header(self, column: str) -> None:
        self.one(f"th button[data-column='{column}']").click()

    def choose(self, selector: str, value: str) -> None:
        self.run(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
            self.one(selector),
            value,
        )

    def errors(self) -> list[dict[str, Any]]:
        return [line for line in self.browser.get_log("browser") if line["level"] != "INFO"]


@pytest.fixture
def site(browser: Any, scored: Path) -> Iterator[Site]:
    opened = Site(browser, scored / "site")
    opened.errors()
    yield opened
    assert opened.errors() == []


@pytest.fixture(scope="module")
def toys() -> list[Any]:
    """Rows of one, two and three seeds, one of them trained."""
    return [
        toy_record("alpha", best_rank=4, recipe={"epochs": 3, "freeze": "frames"}),
        *(toy_record("beta", rank_seed=seed, best_rank=9, seeds=(seed,)) for seed in range(3)),
        *(toy_record("gamma_x", rank_seed=5 + seed, seeds=(seed,), tied=True) for seed in (1, 2)),
        toy_record("gamma_y", rank_seed=9, best_rank=12, kind="external"),
    ]


@pytest.fixture
def toy_site(browser: Any, toys: list[Any], tmp_path: Path) -> Iterator[Site]:
    write_site(
        make_boards(toys),
        [ResultFile(record, None) for record in toys],
        tmp_path / "site",
        tmp_path / "nothing",
    )
    opened = Site(browser, tmp_path / "site")
    opened.errors()
    yield opened
    assert opened.errors() == []


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


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, as a package of the development extra carries it."""
    package = importlib.util.find_spec("axe_selenium_python")
    if package is None or package.origin is None:
        pytest.skip("no axe-core here: pip install axe-selenium-python")
    (script,) = Path(package.origin).parent.rglob("axe.min.js")
    return script.read_text(encoding="utf-8")


def ids_of_rows(site: Site, board: str) -> list[str]:
    ids: list[str] = site.browser.execute_async_script(
        "const [board, done] = arguments;"
        "dvtr.load(`board-${board}`).then((told) => done(told.rows.map((row) => row.id)))",
        board,
    )
    return ids


def board_address(site: Site) -> str:
    site.open()
    return site.address.removeprefix("#/board/").partition("?")[0]


def test_queries_show_the_first_clips_and_the_right_one(site: Site, scored: Path) -> None:
    board = board_address(site)
    site.one("#browse").click()
    site.wait()
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    records = {one.model.name: one for one in dvtr.load_results(scored / "results")}
    chosen = [records[name] for name in list(STRONG)[:2]]
    articles = site.all("article.query")
    assert len(articles) == 10
    for article in articles:
        query = int(article.get_attribute("data-query"))
        for found, record in zip(
            article.find_elements("css selector", ".found"), chosen, strict=True
        ):
            rank = int(record.rank_table.ranks["t2v"]["strict"].pessimistic[query])
            assert int(found.get_attribute("data-rank")) == rank
            tiles = found.find_elements("css selector", ".tile")
            right = [n for n, tile in enumerate(tiles) if "right" in tile.get_attribute("class")]
            assert len(tiles) == (5 if rank <= 5 else 6)
            assert right == [min(rank, 6) - 1]
            own = split.video_ids[split.caption_video_index[query]]
            assert own in tiles[right[0]].text
    image = site.one(".tile img")
    site.until(lambda: site.run("return arguments[0].naturalWidth", image) == 160)
    assert board in site.address


def test_queries_are_sorted_by_disagreement_and_worst_rank(site: Site, scored: Path) -> None:
    board = board_address(site)
    records = {one.model.name: one for one in dvtr.load_results(scored / "results")}
    ranks = [
        records[name].rank_table.ranks["t2v"]["strict"].pessimistic for name in list(STRONG)[:2]
    ]
    pairs = [sorted(pair) for pair in zip(*(one.tolist() for one in ranks), strict=True)]
    for sort, key in (
        ("disagreement", lambda query: -pairs[query][1] / pairs[query][0]),
        ("worst", lambda query: -pairs[query][1]),
    ):
        site.open(f"#/queries/{board}?sort={sort}")
        shown = [int(one.get_attribute("data-query")) for one in site.all("article.query")]
        assert shown == sorted(range(len(pairs)), key=key)[:10]
    site.open(f"#/queries/{board}?axis=half&group=1")
    shown = [int(one.get_attribute("data-query")) for one in site.all("article.query")]
    assert shown == list(range(12, 22))


def test_a_clip_has_a_page(site: Site, scored: Path) -> None:
    board = board_address(site)
    site.open(f"#/queries/{board}")
    site.one(".tile a").click()
    site.wait()
    assert site.address.startswith(f"#/clip/{board}?clip=")
    clip = int(site.address.rpartition("clip=")[2])
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    assert site.text("h1") == split.video_ids[clip]
    assert "a drone looks down" in site.text("table") or HOSTILE[:9] in site.text("table")


def test_texts_of_others_stay_texts(site: Site) -> None:
    board = board_address(site)
    rows = ids_of_rows(site, board)
    ids = ",".join(rows)
    pages = [f"#/board/{board}", f"#/compare/{board}?rows={ids}", f"#/clip/{board}?clip=3"]
    pages += [f"#/queries/{board}?rows={ids}&search=evil"]
    pages += [f"#/run/{row}-42" for row in rows]
    for page in pages:
        site.open(page)
        text = site.run("return document.documentElement.textContent")
        assert "</script><img src=x" in text or page.startswith("#/run"), page
        assert not set(text) & set("\u202e\u2028\x1b"), page
        assert site.run("return document.querySelectorAll('img[src=x]').length") == 0
        assert "owned" not in site.browser.title.split("·")[-1]
        assert site.run("return document.title") != "owned"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(site: Site, axe: str, scheme: str) -> None:
    board = board_address(site)
    rows = ids_of_rows(site, board)
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    site.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    site.browser.set_script_timeout(TO_WAIT_SECONDS)
    pages = {
        f"#/board/{board}": ["T2V R@1 by group", "Downloads"],
        f"#/compare/{board}?rows={','.join(rows)}": ["By figure"],
        f"#/queries/{board}?rows={','.join(rows)}": ["Models"],
        f"#/clip/{board}?clip=3": ["Its captions"],
        f"#/run/{rows[0]}-42": ["Honesty checks"],
    }
    for page, told in pages.items():
        site.open(page)
        assert all(one in site.text("main") for one in told)
        site.run(axe)
        found = site.browser.execute_async_script(
            """
            const done = arguments[0];
            document.querySelectorAll('details').forEach((one) => { one.open = true; });
            axe.run().then((report) => done(report.violations.map((one) =>
              [one.id, one.impact, one.nodes[0].html, one.nodes[0].failureSummary])));
            """
        )
        assert [one for one in found if one[1] in ("serious", "critical")] == [], page


def test_the_keyboard_reaches_tables_headers_and_rows(toy_site: Site) -> None:
    from selenium.webdriver import ActionChains, Keys

    toy_site.open()

    def press(key: str) -> None:
        ActionChains(toy_site.browser).send_keys(key).perform()

    press(Keys.TAB)
    assert toy_site.run("return document.activeElement.className") == "skip"
    press(Keys.ENTER)
    assert toy_site.run("return document.activeElement.id") == "main"
    assert toy_site.address.startswith("#/board/")
    seen = []
    for _ in range(40):
        press(Keys.TAB)
        focused = "const at = document.activeElement; return at"
        seen.append(
            toy_site.run(f"{focused}.dataset.column || at.ariaLabel || at.id || at.tagName")
        )
        if seen[-1] == "v2t/R@1":
            break
    assert {"browse", "search", "Results", "model", "t2v/R@1"} <= set(seen)
    press(Keys.ENTER)
    assert toy_site.one("th[aria-sort]").text.startswith("V2T R@1")


def test_any_static_host_serves_it(browser: Any, scored: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on the terminal."""

    browser.get_log("browser")
    with local_server(partial(Quiet, directory=str(scored / "site"))) as address:
        served = Site(browser, scored / "site")
        served.page = address.replace("127.0.0.1", "localhost") + "/index.html"
        served.open()
        assert len(served.models) == len(STRONG)
        served.one("#browse").click()
        served.wait()
        image = served.one(".tile img")
        served.until(lambda: served.run("return arguments[0].naturalWidth", image) == 160)
    assert served.errors() == []


def test_an_address_that_leads_nowhere_says_so(site: Site) -> None:
    for address in ("#/board/../../x", "#/nonsense/x", "#/compare/x?rows=1"):
        site.open(address)
        assert site.all("h1")
    site.browser.get_log("browser")  # that data/x.js is not there is told there, rightly


@pytest.mark.parametrize("width", [1280, 768, 375])
def test_nothing_is_wider_than_the_screen_and_wide_tables_say_so(site: Site, width: int) -> None:
    board = board_address(site)
    site.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        for page in (f"#/board/{board}", f"#/queries/{board}", f"#/clip/{board}?clip=1"):
            site.open(page)
            assert site.run("return document.documentElement.scrollWidth <= innerWidth"), page
        site.open(f"#/board/{board}")
        box = "const box = document.querySelector('.wide');"
        over = site.run(f"{box} return box.scrollWidth > box.clientWidth + 1")
        hint = site.one(".hint")
        site.until(lambda: hint.is_displayed() == over)
        assert over or width > 375
    finally:
        site.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
