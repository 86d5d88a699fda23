"""The pages say what is there: links, commands, options, paths, and what the code cites of them."""

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from dvtr_bench.catalog import DATASETS
from dvtr_bench.cli import make_app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")),
        *DOCS.rglob("*.md"),
    ]
    + [*(ROOT / ".github").rglob("*.md")]
)
SOURCES = ("dvtr_bench", "builders", "baselines", "msam", "leaderboard", "tests")

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_PROGRAM = re.compile(r"(?:^|\s)(?:dvtr-bench|-m dvtr_bench)\s+([a-z][a-z-]*)(.*)", re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
_PATH = re.compile(rf"(?:{'|'.join((*SOURCES, 'docs', '.github', '.ci'))})/[\w./-]*")
_CITED = re.compile(r'\bdocs/[\w/-]+\.md(?:, "[^"]+")*')

NEW_FILES = DOCS / "guides" / "extending.md"
"""Names files that its reader is about to write."""


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def inline_code(page: Path) -> list[str]:
    return [" ".join(found.split()) for found in _INLINE.findall(prose(page))]


@cache
def headings(page: Path) -> tuple[str, ...]:
    return tuple(_HEADING.findall(prose(page)))


@cache
def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    found: list[str] = []
    for heading in headings(page):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        before = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one) is not None for one in found)
        found.append(f"{slug}-{before}" if before else slug)
    return set(found)


@cache
def commands() -> dict[str, Any]:
    app: Any = typer.main.get_command(make_app())
    found: dict[str, Any] = app.commands
    return found


@cache
def options(name: str) -> set[str]:
    """All options of a command; those that datasets bring to `build` belong to each of them."""
    found = {"--help", "-h"}
    for parameter in commands()[name].params:
        found.update((*parameter.opts, *parameter.secondary_opts))
    return found


@cache
def options_of_dataset(name: str) -> set[str]:
    fields = dataclasses.fields(DATASETS.load(name).Options)
    return {f"--{field.name.replace('_', '-')}" for field in fields}


def options_of_all_datasets() -> set[str]:
    return {option for name in DATASETS.names() for option in options_of_dataset(name)}


def options_here(command: str, words: str) -> set[str]:
    """The options of a command as it stands in a page: `build usrd` takes what usrd takes."""
    first = next(iter(words.split()), "")
    if command != "build":
        return options(command)
    own = options_of_dataset(first) if first in DATASETS.names() else options_of_all_datasets()
    return options(command) | own


def typed_commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block, a script or inline code, and the words behind it."""
    lines = list(inline_code(page))
    for kind, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            lines += re.split(r"(?m)^\$ ", block)[1:]
        elif kind == "bash":
            lines += block.replace("\\\n", " ").splitlines()
    for line in lines:
        for part in line.split("&&"):
            if (found := _PROGRAM.search(part)) is not None:
                yield found[1], re.sub(r"'[^']*'|\"[^\"]*\"", "", found[2])


def test_github_names_the_anchors_so(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b`: c, d\n\n## 2. Same_one\n\n```\n# no\n```\n\n## 2. Same_one\n")
    assert anchors(page) == {"a-b-c-d", "2-same_one", "2-same_one-1"}


def test_a_command_and_its_options_are_found_in_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`dvtr-bench info x`\n\n```console\n$ cd x && dvtr-bench run S [--only N]...\n"
        "                      [--list]\n$ python -c 'print(1)'\n"
        "$ torchrun -m dvtr_bench train\n```\n\n"
        '```bash\nset -e\ndvtr-bench evaluate --model "$model" \\\n    --all-seeds\n```\n'
    )
    found = dict(typed_commands(page))
    assert list(found) == ["info", "run", "train", "evaluate"]
    assert _OPTION.findall(found["run"]) == ["--only", "--list"]
    assert _OPTION.findall(found["evaluate"]) == ["--model", "--all-seeds"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_resolve(page: Path) -> None:
    lost = []
    for link in _LINK.findall(re.sub(_INLINE, "", prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            lost.append(f"{link}: there is no such file")
        elif anchor and anchor not in anchors(target):
            lost.append(f"{link}: {named(target)} has no such heading")
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_exist(page: Path) -> None:
    wrong = []
    for command, words in typed_commands(page):
        if command not in commands():
            wrong.append(f"there is no command {command}")
            continue
        unknown = set(_OPTION.findall(words)) - options_here(command, words)
        wrong += [f"{command} has no option {option}" for option in sorted(unknown)]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_options_named_alone_exist(page: Path) -> None:
    known = {option for name in commands() for option in options_here(name, "")}
    known |= {"--version", "--install-completion", "--show-completion"}
    known |= {old for command in commands().values() for old in command.old_spellings}
    alone = {code.split()[0] for code in inline_code(page) if code.startswith("--")}
    assert sorted(alone - known) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_paths_exist(page: Path) -> None:
    paths = {code for code in inline_code(page) if _PATH.fullmatch(code)}
    if page == NEW_FILES:
        paths = {path.rpartition("/")[0] for path in paths}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_page_is_on_the_map() -> None:
    linked = {
        (DOCS / link.partition("#")[0]).resolve()
        for link in _LINK.findall(prose(DOCS / "README.md"))
    }
    pages = {path for kind in ("*.md", "*.ipynb") for path in DOCS.rglob(kind)}
    assert sorted(map(named, pages - linked - {DOCS / "README.md"})) == []


def test_the_command_line_page_has_a_section_for_every_command() -> None:
    page = DOCS / "reference" / "command-line.md"
    assert list(headings(page)[1:]) == sorted(commands())
    for section in re.split(r"(?m)^## ", prose(page))[1:]:
        name = section.partition("\n")[0]
        told = {code.split()[0] for code in _INLINE.findall(section) if code.startswith("-")}
        assert told - options_here(name, "") == set(), name


def test_the_code_cites_pages_and_headings_that_are_there() -> None:
    lost, cited = [], 0
    for package in SOURCES:
        for source in (ROOT / package).rglob("*.py"):
            text = re.sub(r"\s+", " ", source.read_text(encoding="utf-8").replace('\\"', '"'))
            for found in _CITED.findall(text):
                path, *wanted = found.split(', "')
                page, cited = ROOT / path, cited + 1
                there = set(headings(page)) if page.is_file() else None
                if there is None or {heading.rstrip('"') for heading in wanted} - there:
                    lost.append(f"{named(source)} cites {found}")
    assert lost == []
    assert cited > 10


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_blocks_are_python(page: Path) -> None:
    for kind, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            compile(block, named(page), "exec")
