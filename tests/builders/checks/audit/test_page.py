"""The page: whole, alone, and deaf to what ids and captions say."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from builders.checks.audit.page import write_audit
from builders.checks.audit.run import Audit, finding_modules, read_audit, run_audit
from builders.checks.audit.terminal import print_audit
from tests.builders.checks.audit.made_up import MadeUpSplit, flight, subject

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;\x1b[31m"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evil_dataset(name: str = EVIL):
    def split(prefix: str) -> MadeUpSplit:
        return MadeUpSplit(
            texts=[[EVIL, f"{EVIL} {prefix}"], [EVIL]],
            categories=(EVIL, EVIL + "2"),
            ids=[f"{prefix} {EVIL} {number}" for number in range(2)],
            pictures=[flight(1), flight(2)],
            columns=[{"clip_sha256": EVIL}] * 2,
        )

    return subject({"train": split("a"), "test": split("b")}, name)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, str, Path]:
    folder = tmp_path_factory.mktemp("audit")
    dataset, other = evil_dataset(), evil_dataset("other")
    audit = run_audit(dataset, other, show_progress=False)
    files = write_audit(audit, dataset, other, folder)
    return audit, files.page.read_text(encoding="utf-8"), folder


def test_what_others_wrote_stays_text(written: tuple[Audit, str, Path]) -> None:
    _, page, _ = written
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert "script" not in tags.seen
    assert page.count("&lt;script&gt;") > 10
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert not {"iframe", "object", "link", "base", "form"} & set(tags.seen)
    assert "\x1b" not in page


def test_it_needs_nothing_but_itself(written: tuple[Audit, str, Path]) -> None:
    audit, page, folder = written
    tags = Tags()
    tags.feed(page)
    sources = [value or "" for name, value in tags.attributes if name in ("src", "href")]
    assert sources
    assert all(source.startswith(("data:image/jpeg;base64,", "#")) for source in sources)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert {path.name for path in folder.iterdir()} == {
        "audit.json",
        "index.html",
        "near-duplicates.png",
    }
    assert read_audit(folder / "audit.json") == audit


def test_every_finding_has_its_section(written: tuple[Audit, str, Path]) -> None:
    _, page, _ = written
    for name in finding_modules():
        assert f'<section id="{name}">' in page
        assert f'href="#{name}"' in page


def test_the_terminal_is_not_steered(
    written: tuple[Audit, str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    print_audit(written[0])
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "<script>" in told
