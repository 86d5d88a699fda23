"""`dvtr-bench report`: one run as one file, in a real browser; texts of others stay texts."""

import base64
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from leaderboard.result_files import read_result_file
from leaderboard.row_json import run_id
from leaderboard.site.one_file import as_one_file
from tests.fixtures.browser import TO_WAIT_SECONDS, Site
from tests.fixtures.scored_site import CLIPS, HOSTILE


def hostile_result(scored: Path) -> Path:
    files = map(read_result_file, sorted((scored / "results").glob("*.json")))
    (path,) = (file.path for file in files if file.record.model.name == HOSTILE)
    assert path is not None
    return path


@pytest.fixture(scope="module")
def report(scored: Path) -> Path:
    return dvtr.report(hostile_result(scored), scored / "report.html", root=scored / "dvtr")


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Site]:
    opened = Site(browser, report.parent)
    opened.page = report.as_uri()
    opened.errors()
    yield opened
    assert opened.errors() == []


def test_a_report_is_one_file_that_asks_for_nothing(report: Path, scored: Path) -> None:
    text = report.read_text(encoding="utf-8")
    without_data = re.sub(r'"data:[^"]*"', '""', text).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(src|href)=\"?[\w/]+\.(js|css|svg|jpg)", without_data)
    assert not re.search(r"https?:|//[a-z]+\.", without_data)
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 1
    assert "<img src=x" not in text
    again = dvtr.report(hostile_result(scored), scored / "again.html", root=scored / "dvtr")
    assert again.read_bytes() == report.read_bytes()


def test_what_would_end_a_script_is_refused(scored: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    dvtr.make_leaderboard(hostile_result(scored)).write_site(site, root=tmp_path)
    assert "<script>" in as_one_file(site, "#/")
    for ending in ("</SCRIPT ", "<!--"):
        (site / "data.js").write_text(f'"use strict"; // {ending}', encoding="utf-8")
        with pytest.raises(ValueError, match="a script or style of the site holds"):
            as_one_file(site, "#/")


def test_the_command_names_the_file_after_the_result(
    scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = hostile_result(scored)
    ended = CliRunner().invoke(make_app(), ["report", str(result), "--root", str(scored / "dvtr")])
    assert ended.exit_code == 0, ended.output
    assert ended.output == f"wrote {result.stem}.html\n"
    assert (tmp_path / f"{result.stem}.html").is_file()


@pytest.mark.slow
def test_it_opens_at_the_run_with_its_worst_queries_as_frames(page: Site, scored: Path) -> None:
    page.open()
    record = read_result_file(hostile_result(scored)).record
    assert page.address == f"#/run/{run_id(record)}"
    main = page.text("main")
    figure = record.metrics["t2v"]["strict"]["R@5"]
    assert f"{figure.value:.1f}" in main
    assert f"{figure.low:.1f}–{figure.high:.1f}" in main
    for told in ("Repeat it", "dvtr-bench evaluate", "Honesty checks", "Environment", "By group"):
        assert told in main
    page.until(lambda: len(page.all("#failures article")) == 6)
    ranks = record.rank_table.ranks["t2v"]["strict"].pessimistic
    shown = [int(one.get_attribute("data-query")) for one in page.all("#failures article")]
    assert shown == sorted(range(len(ranks)), key=lambda query: (-ranks[query], query))[:6]
    for article in page.all("#failures article"):
        tiles = article.find_elements("css selector", ".tile")
        rank = int(ranks[int(article.get_attribute("data-query"))])
        (right,) = (n for n, tile in enumerate(tiles) if "right" in tile.get_attribute("class"))
        assert right == min(rank, 6) - 1
    image = page.one("#failures .tile img")
    page.run("arguments[0].scrollIntoView()", image)
    page.until(lambda: page.run("return arguments[0].naturalWidth", image) == 160)


@pytest.mark.slow
def test_all_its_pages_work_and_texts_of_others_stay_texts(page: Site) -> None:
    page.open()
    page.until(lambda: page.all("#failures article"))
    board = page.run(
        "return document.querySelector('main a[href^=\"#/board/\"]').hash"
    ).removeprefix("#/board/")
    for address in (f"#/board/{board}", f"#/queries/{board}?search=evil", f"#/clip/{board}?clip=3"):
        page.open(address)
        text = page.run("return document.body.textContent.replace(/dvtr\\.put.*/s, '')")
        assert "</script><img src=x" in text, address
        assert page.run("return document.querySelectorAll('img[src=x]').length") == 0
        shown = page.run("return document.getElementById('main').textContent")
        assert not set(shown) & set("\u202e\u2028\x1b")
        assert "owned" not in page.browser.title.split("·")[-1]
    page.open(f"#/board/{board}")
    link = page.run("return document.querySelector('#downloads a[download$=\".csv\"]').href")
    kind, _, content = link.partition(";base64,")
    assert kind == "data:text/csv"
    assert base64.b64decode(content).startswith(b"dataset,version,split")
    assert page.all("main a[download='']") == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 800, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_width_and_axe_finds_nothing_serious(
    page: Site, width: int, scheme: str
) -> None:
    package = importlib.util.find_spec("axe_selenium_python")
    if package is None or package.origin is None:
        pytest.skip("no axe-core here: pip install axe-selenium-python")
    (script,) = Path(package.origin).parent.rglob("axe.min.js")
    browser = page.browser
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.set_script_timeout(TO_WAIT_SECONDS)
    try:
        page.open()
        page.until(lambda: page.all("#failures article"))
        assert page.run("return document.documentElement.scrollWidth") <= width
        page.run(script.read_text(encoding="utf-8"))
        found = browser.execute_async_script(
            "const done = arguments[0];"
            "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
            "axe.run().then((told) => done(told.violations.filter((one) =>"
            " ['serious', 'critical'].includes(one.impact)).map((one) => one.id)))"
        )
        assert found == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.slow
def test_without_the_dataset_it_shows_what_was_kept(
    browser: Any, scored: Path, tmp_path: Path
) -> None:
    from dvtr_bench.reports.kept_clips import keep_split, write_kept
    from dvtr_bench.results import write_result
    from dvtr_bench.results.top_lists import write_top_lists

    file = read_result_file(hostile_result(scored))
    path = write_result(file.record, tmp_path / "kept")
    write_top_lists(file.top_lists(), path)
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    write_kept(keep_split(split, range(CLIPS)), path)
    opened = Site(browser, tmp_path)
    opened.page = dvtr.report(path, tmp_path / "kept.html", root=tmp_path).as_uri()
    opened.errors()
    opened.open()
    opened.until(lambda: len(opened.all("#failures article img")) >= 30)
    told = opened.text("#failures")
    assert any(caption in told for caption in split.captions)
    assert "not shown" not in told
    assert opened.errors() == []
