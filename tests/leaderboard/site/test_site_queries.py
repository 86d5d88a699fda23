"""The site in a real browser: single queries, clips, texts of others, access, phones, hosts."""

import importlib.util
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import dvtr_bench as dvtr
from tests.fixtures.browser import TO_WAIT_SECONDS, Site
from tests.fixtures.local_server import local_server
from tests.fixtures.scored_site import HOSTILE, STRONG

pytestmark = pytest.mark.slow


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
        # The page may still ask for pictures further down, and the server is about to end.
        browser.get("about:blank")


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
