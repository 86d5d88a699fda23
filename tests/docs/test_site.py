"""The site of the documentation: it builds without a warning, and is whole by itself."""

import html
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import dvtr_bench

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NEEDED = ("mkdocs", "material", "mkdocstrings_handlers")
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Found(HTMLParser):
    """What a page links to, loads, and can be linked to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.undescribed: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if (named := given.get("id")) is not None:
            self.ids.add(named)
        if tag == "a" and (link := given.get("href")):
            self.links.append(link)
        if tag in LOADING and (loaded := given.get(LOADING[tag])):
            self.loaded.append(loaded)
        if tag == "img" and not given.get("alt"):
            self.undescribed.append(given.get("src") or "?")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module} here: pip install 'dvtr-bench[docs]'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Found]:
    return {page: Found(page) for page in sorted(site.rglob("*.html"))}


def inside(links: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the links that stay in the site: whole, path and anchor."""
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            yield link, unquote(parts.path), unquote(parts.fragment)


def test_every_page_is_in_the_site_and_on_its_menu(site: Path, pages: dict[Path, Found]) -> None:
    wanted = {
        path.relative_to(DOCS).with_suffix(".html").as_posix()
        for kind in ("*.md", "*.ipynb")
        for path in DOCS.rglob(kind)
    } - {"README.html"}
    wanted |= {"index.html", "project/CONTRIBUTING.html", "project/ARCHITECTURE.html"}
    made = {page.relative_to(site).as_posix() for page in pages}
    assert sorted(wanted - made) == []
    linked = {path for _, path, _ in inside(pages[site / "index.html"].links)}
    assert sorted(wanted - {"index.html"} - linked) == []


def test_nothing_is_requested_from_elsewhere(site: Path, pages: dict[Path, Found]) -> None:
    for page, found in pages.items():
        others = [url for url in found.loaded if urlsplit(url).netloc]
        assert others == [], page
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import", text) == [], style


def test_links_and_pictures_are_there(site: Path, pages: dict[Path, Found]) -> None:
    lost = []
    for page, found in pages.items():
        if page.name == "404.html":
            # It is shown at any address, so its links begin at the root of a server.
            continue
        for link, path, anchor in inside([*found.links, *found.loaded]):
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                lost.append(f"{page.relative_to(site)}: {link}")
            elif anchor and target in pages and anchor not in pages[target].ids:
                lost.append(f"{page.relative_to(site)}: {link} has no such anchor")
        assert found.undescribed == [], page
    assert lost == []


def test_the_python_reference_is_made_of_the_docstrings(site: Path) -> None:
    found = Found(site / "reference" / "python.html")
    for name, module in dvtr_bench._PLACES.items():
        assert {name, f"{module}.{name}"} <= found.ids
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", "", text)
    first_line = (dvtr_bench.recall_at_k.__doc__ or "").splitlines()[0]
    assert first_line.replace("`", "") in html.unescape(" ".join(plain.split()))
    assert "Source code in dvtr_bench/api/" in plain


def test_the_notebook_is_a_page(site: Path) -> None:
    text = (site / "notebooks" / "first_steps.html").read_text(encoding="utf-8")
    assert "<h1" in text
    assert "import dvtr_bench" in re.sub(r"<[^>]+>", "", text).replace("\xa0", " ")
