"""The page of a batch in a real browser: answers by key, kept, saved, loaded; texts stay texts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leaderboard.judging.answers import read_answers
from leaderboard.judging.page import batch_page
from leaderboard.judging.pool import Pool
from tests.fixtures.browser import Site
from tests.fixtures.judged_world import World, make_world, saved

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e & a boat"
LEFT, RIGHT = "\ue012", "\ue014"
OPTIONS = {"depth": 4, "batch_pairs": 30}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    made = make_world(folder, runs=1, levels=((40, 120, 200),) * 14)
    fifth = made.pool(**OPTIONS).batch(1)[4].caption_id
    video, caption = divmod(made.split.caption_ids.index(fifth), 3)
    made.split.texts[video][caption] = HOSTILE
    return made


@pytest.fixture(scope="module")
def pool(world: World) -> Pool:
    pool = world.pool(**OPTIONS)
    assert any(pair.caption == HOSTILE for pair in pool.batch(1))
    return pool


@pytest.fixture
def page(browser: Any, world: World, pool: Pool, tmp_path: Path) -> Iterator[Site]:
    opened = Site(browser, tmp_path)
    path = tmp_path / "batch.html"
    path.write_text(batch_page(pool, 1, world.split, "all"), encoding="utf-8")
    opened.page = path.as_uri()
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    opened.errors()
    browser.get(opened.page)
    yield opened
    assert opened.errors() == []
    opened.run("localStorage.clear()")


def press(page: Site, *keys: str) -> None:
    for key in keys:
        page.browser.switch_to.active_element.send_keys(key)


def begin(page: Site, name: str) -> None:
    page.one("#judge").send_keys(name)
    page.one("form button").click()


def load_again(page: Site) -> Any:
    """Load the page anew; returns the button that goes on with what is kept."""

    def loaded() -> list[Any]:
        # What a page has kept reaches the next page's process a moment later.
        page.browser.get(page.page)
        return page.all(".tools button")

    return page.until(loaded)[0]


def shown(page: Site) -> tuple[str, str]:
    return page.text("#caption"), page.text("#done")


def test_it_is_one_file_that_names_neither_run_nor_rank(world: World, pool: Pool) -> None:
    text = batch_page(pool, 1, world.split, "all")
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 1
    assert "onerror=alert(1)>" not in text
    without_pictures = re.sub(r'"data:[^"]*"', '""', text)
    assert not re.search(r"https?:|<[a-z]+[^>]*(src|href)=", without_pictures)
    assert "model_0" not in text
    assert text == batch_page(pool, 1, world.split, "all")
    # No licence is stated for this split: its frames are shown only to whoever asks for them.
    assert "data:image/jpeg" in text
    assert "keep this page to yourself" in text
    assert "data:image/jpeg" not in batch_page(pool, 1, world.split)
    assert "data:image/jpeg" not in batch_page(pool, 1, world.split, "none")


def test_answers_by_key_are_kept_and_saved(page: Site, pool: Pool, tmp_path: Path) -> None:
    pairs = pool.batch(1)
    begin(page, " Anna  B ")
    assert shown(page) == (pairs[0].caption, f"0 of {len(pairs)}")
    assert len(page.all(".frames img")) == 3
    press(page, "1", "p", "N")
    assert shown(page) == (pairs[3].caption.replace(">\u202e", ">"), f"3 of {len(pairs)}")
    press(page, LEFT)
    assert page.one("#no").get_attribute("aria-pressed") == "true"
    page.one("#skip").click()
    press(page, "x", "5")
    load_again(page).click()
    assert shown(page)[1] == f"3 of {len(pairs)}"
    press(page, *"2" * (len(pairs) - 3))
    assert "All pairs of this batch have an answer" in page.text("main")
    press(page, "1")
    page.one("#save").click()
    path = page.until(lambda: list(tmp_path.glob("answers-*.json")))[0]
    assert path.name == f"answers-{pool.facts.fingerprint[:8]}-001-Anna_B.json"
    wanted = dict.fromkeys((pair.pair for pair in pairs), "partly")
    wanted |= {pairs[0].pair: "yes", pairs[2].pair: "skip"}
    assert read_answers(pool, [path]) == {"Anna B": wanted}


def test_a_saved_file_is_loaded_on_another_machine(page: Site, pool: Pool, tmp_path: Path) -> None:
    pairs = pool.batch(1)
    begin(page, "ben")
    press(page, "1")
    older = {pairs[0].pair: "no", pairs[1].pair: "no", "__proto__": "yes", "stranger": "yes"}
    for name, change in (("mine", {}), ("hers", {"judge": "anna"}), ("other", {"batch": 2})):
        content = saved(pool, 1, "ben", older)
        (tmp_path / f"{name}.json").write_text(json.dumps({**content, **change}))

    def load(name: str) -> str:
        page.run("document.getElementById('note').textContent = ''")
        page.one("#load").send_keys(str(tmp_path / f"{name}.json"))
        return page.until(lambda: page.text("#note"))

    assert load("hers") == "hers.json holds the answers of anna, not yours."
    assert load("other") == "other.json does not hold answers to this batch."
    assert load("mine") == "Loaded 2 answers. 1 differ from those here, which stay."
    assert shown(page)[1] == f"2 of {len(pairs)}"
    press(page, LEFT, LEFT)
    assert page.one("#yes").get_attribute("aria-pressed") == "true"


def test_texts_of_others_stay_texts_and_nothing_is_wider_than_a_phone(
    page: Site, pool: Pool
) -> None:
    number = next(n for n, pair in enumerate(pool.batch(1)) if pair.caption == HOSTILE)
    begin(page, "anna")
    press(page, *[RIGHT] * number)
    assert page.text("#caption").startswith("</script><img src=x onerror=alert(1)>")
    assert page.all("img[src=x]") == []
    for width in (360, 1280):
        page.browser.set_window_size(width, 800)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        axe = pytest.importorskip("axe_selenium_python").Axe(page.browser)
        axe.inject()
        found = axe.run(options={"runOnly": ["wcag2a", "wcag2aa", "best-practice"]})
        assert found["violations"] == []
    page.browser.set_window_size(1280, 900)
