"""A comparison as it is read: terminal, page, what is said where something is missing."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from leaderboard.comparison.differences import make_comparison
from leaderboard.comparison.evidence import Evidence, find_evidence
from leaderboard.comparison.run_comparison import print_comparison, write_comparison
from leaderboard.comparison.tables import p_text
from leaderboard.result_files import ResultFile
from tests.fixtures.records import toy_record
from tests.fixtures.scored_runs import random_split, scored_run

NOTHING = Evidence(None, None, ())


def toy_files(name_a="msam", name_b="clip4clip_seqtransf"):
    return (
        ResultFile(toy_record(name_a, best_rank=3, text_block=32), Path("a.json")),
        ResultFile(toy_record(name_b, rank_seed=1), Path("b.json")),
    )


def compared(files):
    return make_comparison(
        files[0].record, files[1].record, resampling=BootstrapConfig(resamples=200)
    )


def shown(files, evidence=NOTHING, width=80):
    stream = io.StringIO()
    print_comparison(compared(files), files, evidence, Console(file=stream, width=width))
    return stream.getvalue()


def test_terminal_fits_eighty_columns_and_cuts_no_figure() -> None:
    files = toy_files()
    text = shown(files)
    assert max(map(len, text.splitlines())) <= 80
    comparison = compared(files)
    for (direction, _), found in comparison.figures.items():
        if direction != "v2t_caption":
            assert f"{found.first:.1f}" in text
            assert f"{found.second:.1f}" in text
    assert "A: msam (block 32), seed 42 · a.json" in text
    assert "boat" in text
    assert "Holm's correction" in " ".join(text.split())
    assert re.search(r"caption row \d+ +\d+ +\d+", text)


def test_names_neither_steer_the_terminal_nor_break_the_page(tmp_path) -> None:
    files = toy_files("[red]m[/red]\x1b[31m", "<script>|x\n# y")
    text = shown(files)
    assert "[red]m[/red]" in text
    assert "\x1b" not in text
    page = write_comparison(compared(files), files, NOTHING, None, tmp_path / "new" / "c.md")
    assert "<script>" not in page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["c.md"]


def test_the_page_holds_what_the_terminal_shows_and_links_the_sheet(tmp_path) -> None:
    files = toy_files()
    sheet = tmp_path / "pictures" / "the sheet.png"
    path = write_comparison(compared(files), files, NOTHING, sheet, tmp_path / "c.md")
    page = path.read_text(encoding="utf-8")
    assert "](pictures/the%20sheet.png)" in page
    for table in re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE):
        cells = {len(re.split(r"(?<!\\)\|", row)) for row in table.strip().splitlines()}
        assert len(cells) == 1, table
    words = [line.split("  ")[0] for line in shown(files, width=200).splitlines()]
    for title in (word for word in words if word.startswith(("Text to", "Captions that", "T2V"))):
        assert f"### {title}" in page


def test_a_run_against_itself_says_none() -> None:
    file = toy_files()[0]
    assert shown((file, file)).count("none") == 2


@pytest.mark.parametrize(
    ("p_value", "resamples", "text"),
    [(1.0, 1000, "1.000"), (0.0444, 1000, "0.044"), (2 / 1001, 1000, "<0.002"), (0.0, 99, "<0.02")],
)
def test_no_p_value_says_more_than_the_resamples(p_value, resamples, text) -> None:
    assert p_text(p_value, resamples) == text


def test_what_is_missing_is_said_in_a_line_each(tmp_path) -> None:
    own, video_ids, caption_ids = random_split(videos=4, captions=6)
    file = scored_run(tmp_path, np.random.default_rng(0).normal(size=(6, 4)), own, video_ids,
                      caption_ids)  # fmt: skip
    evidence = find_evidence(file, file, root=tmp_path / "dvtr")
    (line,) = evidence.missing
    assert "no dataset is built at" in line
    assert "\n" not in line
    assert not evidence.can_be_drawn
    assert evidence.caption_ids == caption_ids
    file.path.with_name(file.path.stem + ".top.parquet").unlink()
    evidence = find_evidence(file, file, root=tmp_path / "dvtr")
    assert len(evidence.missing) == 2
    assert ".top.parquet: not found" in evidence.missing[1]
    assert evidence.caption_ids is None
