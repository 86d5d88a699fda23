"""Takes the pictures of the leaderboard's site that the pages show, again.

    python -m dvtr_bench leaderboard RESULTS --site SITE --root DVTR --out BOARD.md
    mkdocs build --strict
    python docs/images/make.py SITE [NAME...]
    python docs/images/make.py POOL/batch-001.html

RESULTS are the result files of leaderboard/evidence/aerosynth-full/results, with their top lists
beside them; DVTR is the folder with the dataset that they name. Without lists and dataset
the picture of single queries shows ids in place of captions and clips. Chromium with its driver is
needed, as for the tests of the site. With names, such as better-or-not, those pictures alone.
POOL is what `dvtr-bench pool --queries 60` made of the results of the quickstart.
"""

import json
import sys
import tempfile
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from PIL import Image

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]
DOCS_SITE: Final = ROOT / "build" / "docs"
SIZE: Final = (1200, 760)
MOST_BYTES: Final = 150_000
# What is outside the window loads when it is scrolled to.
PICTURES_ARE_THERE: Final = """
return [...document.images].every(
    (image) => image.complete || image.getBoundingClientRect().top > innerHeight)
"""
COMPARED: Final = ("clip4clip_meanp", "msam (block 32)")


class Shot(NamedTuple):
    """One picture: which page, scrolled to what, with what opened.

    Attributes:
        name: Of the file, without its ending.
        address: What stands behind index.html of the leaderboard's site, or a page of the docs.
        scroll_to: Selector of what is at the top of the picture; empty for the page's top.
    """

    name: str
    address: str
    scroll_to: str = ""


def shots(site: Path) -> Iterator[Shot]:
    """Yield the pictures: the board, then one for each question of reading-the-leaderboard.md."""
    (first, *_) = _read(site, "index")["boards"]
    board = _read(site, f"board-{first['id']}")
    rows = {row["name"]: row for row in board["rows"]}
    pair = ",".join(rows[name]["id"] for name in COMPARED)
    lengths = [queries for _, queries, _ in board["axes"]["caption_length"]["groups"]]
    longest = max(group for group, queries in enumerate(lengths) if queries)
    run = f"#/run/{rows[COMPARED[0]]['runs'][0]}"
    by_length = f"axis=caption_length&group={longest}"
    yield Shot("leaderboard", f"#/board/{board['id']}")
    yield Shot("best-on-long-captions", f"#/board/{board['id']}?{by_length}", "#groups")
    yield Shot("better-or-not", f"#/compare/{board['id']}?rows={pair}")
    yield Shot("what-each-gets-wrong", f"#/queries/{board['id']}?rows={pair}&sort=disagreement")
    yield Shot("what-was-run", run, "#config")
    yield Shot("cite-and-repeat", run, "#commands")
    page = DOCS_SITE / "guides" / "submitting.html"
    if not page.is_file():
        raise FileNotFoundError(f"{page}: build the documentation first, mkdocs build --strict")
    yield Shot("enter-yours", page.as_uri())


def _read(site: Path, name: str) -> Any:
    """Return what a script of the site's data folder puts."""
    text = (site / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def take(site: Path, names: Collection[str] = ()) -> None:
    """Take pictures of a site, all or those named, and write them beside this script."""
    sys.path.insert(0, str(ROOT))
    from tests.fixtures.browser import Site, open_browser

    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile), SIZE) as browser:
        page = Site(browser, site.resolve())
        for shot in shots(site):
            if names and shot.name not in names:
                continue
            if shot.address.startswith("#"):
                page.open(shot.address)
            else:
                browser.get(shot.address)
            if shot.scroll_to:
                page.run("arguments[0].scrollIntoView()", page.one(shot.scroll_to))
            page.until(lambda: page.run(PICTURES_ARE_THERE))
            _write(shot.name, browser.get_screenshot_as_png())


def take_judging(page: Path) -> None:
    """Take the picture of the page of a batch, two pairs answered, and write it."""
    sys.path.insert(0, str(ROOT))
    from tests.fixtures.browser import Site, open_browser

    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile), SIZE) as browser:
        opened = Site(browser, page.parent)
        browser.get(page.resolve().as_uri())
        opened.one("#judge").send_keys("anna")
        opened.one("form button").click()
        for key in "13":
            browser.switch_to.active_element.send_keys(key)
        opened.until(lambda: opened.run(PICTURES_ARE_THERE))
        _write("judging", browser.get_screenshot_as_png())


def _write(name: str, png: bytes) -> None:
    """Write a picture with as many colours as its bytes allow."""
    with Image.open(BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    for colours in (256, 128, 64, 32):
        made = BytesIO()
        picture.quantize(colours).save(made, "PNG", optimize=True)
        if made.tell() <= MOST_BYTES:
            break
    path = FOLDER / f"{name}.png"
    path.write_bytes(made.getvalue())
    print(f"wrote {path}: {made.tell():,} bytes")


if __name__ == "__main__":
    given = Path(sys.argv[1])
    if given.suffix == ".html":
        take_judging(given)
    else:
        take(given, sys.argv[2:])
