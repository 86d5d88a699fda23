"""Makes a site of the pages as they stand: they are written for GitHub, and read well there.

MkDocs knows one folder, docs/, and wants a list of its pages. Here that list is the map,
docs/README.md: a page that is put on it (which tests/contracts/test_docs.py demands) is in the
site at once. Pages and pictures elsewhere in the repository that a page links to, such as
CONTRIBUTING.md, become pages of the site under project/; the notebook becomes a page without
outputs; the reference of the Python functions is set by mkdocstrings in place of the plain
text that docs/reference/make_python.py writes for readers on GitHub.
"""

import importlib.util
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PROJECT: Final = "project"
"""Folder of the site for pages that stand outside docs/."""

_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MAP_LINE: Final = re.compile(r"^## (.+)$|^\| \[([^\]]+)\]\(([^)#]+)\) \|", re.MULTILINE)
_TAKEN: Final = (".md", ".png", ".svg", ".jpg", ".ipynb", ".cff")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the order and the titles of the pages from the map."""
    nav: list[dict[str, Any]] = [{"Home": "README.md"}]
    for heading, title, path in _MAP_LINE.findall((DOCS / "README.md").read_text("utf-8")):
        if heading:
            nav.append({heading: []})
        else:
            section = nav[-1]
            section[next(iter(section))].append({title: _place_in_site(DOCS / path)})
    outside = [{_title(path): _place_in_site(path)} for path in _pages_outside()]
    nav.append({"Project": outside})
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what stands outside docs/, and the notebook as a page."""
    for path in _linked_from_outside_in():
        files.append(File.generated(config, _place_in_site(path), abs_src_path=str(path)))
    for path in sorted(DOCS.rglob("*.ipynb")):
        files.append(File.generated(config, _place_in_site(path), content=_notebook(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into links of the site, and the Python reference over to mkdocstrings."""
    source = _source(page.file.src_uri)
    if source == DOCS / "reference" / "python.md":
        markdown = _with_directives(markdown)
    return _outside_code(markdown, lambda text: _LINK.sub(_relinked(source, page), text))


def _place_in_site(path: Path) -> str:
    """Return where a file of the repository is in the site."""
    if path.is_relative_to(DOCS):
        place = path.relative_to(DOCS)
        return (place.with_suffix(".md") if place.suffix == ".ipynb" else place).as_posix()
    return f"{PROJECT}/{path.relative_to(ROOT).as_posix()}"


def _source(place: str) -> Path:
    """Return the file of the repository that a page of the site is made from."""
    if place.startswith(f"{PROJECT}/"):
        return ROOT / place.removeprefix(f"{PROJECT}/")
    path = DOCS / place
    return path if path.exists() else path.with_suffix(".ipynb")


def _links(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to."""
    for link, _ in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        path = (page.parent / link).resolve()
        if path.is_file() and path.suffix in _TAKEN:
            yield path


def _linked_from_outside_in() -> list[Path]:
    """Return the files outside docs/ that its pages link to, and those that they link to."""
    waiting, seen = sorted(DOCS.rglob("*.md")), set[Path]()
    while waiting:
        for path in _links(waiting.pop()):
            if not path.is_relative_to(DOCS) and path not in seen:
                seen.add(path)
                if path.suffix == ".md":
                    waiting.append(path)
    return sorted(seen)


def _pages_outside() -> list[Path]:
    return [path for path in _linked_from_outside_in() if path.suffix == ".md"]


def _title(page: Path) -> str:
    (heading, *_) = re.findall(r"(?m)^# (.+)$", page.read_text("utf-8"))
    return str(heading)


def _relinked(source: Path, page: Page) -> Any:
    """Return what rewrites a link of a page: to where its target is in the site."""
    folder = PurePosixPath(page.file.src_uri).parent

    def rewrite(found: re.Match[str]) -> str:
        path = (source.parent / found[1]).resolve()
        if not path.is_file():
            return found[0]
        return posixpath.relpath(_place_in_site(path), folder) + (found[2] or "")

    return rewrite


def _outside_code(text: str, change: Any) -> str:
    """Change a text outside its blocks of code."""
    parts, blocks = _FENCE.split(text), _FENCE.findall(text)
    changed = [change(part) for part in parts]
    return "".join(part + block for part, block in zip(changed, [*blocks, ""], strict=True))


def _notebook(path: Path) -> str:
    """Return a notebook as a page: its texts, and its code as blocks."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells)
    shown = [
        text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for cell, text in zip(cells, texts, strict=True)
    ]
    return "\n\n".join(shown) + "\n"


def _make_python() -> ModuleType:
    """Load the script that knows which functions and classes the reference has."""
    path = DOCS / "reference" / "make_python.py"
    spec = importlib.util.spec_from_file_location("make_python", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _with_directives(page: str) -> str:
    """Put mkdocstrings' directive in place of what stands below each function and class."""
    import dvtr_bench

    made = _make_python()
    functions = (name for names in made.SECTIONS.values() for name in names)
    places = {name: f"{dvtr_bench._PLACES[name]}.{name}" for name in functions}
    places |= {place.rpartition(".")[2]: place for place in made.CLASSES}

    def replace(found: re.Match[str]) -> str:
        return f'<a id="{found[1]}"></a>\n\n::: {places[found[1]]}\n\n'

    names = "|".join(map(re.escape, places))
    return re.sub(rf"^### ({names})\n.*?(?=^##|\Z)", replace, page, flags=re.M | re.S)
