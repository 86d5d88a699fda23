"""The Markdown page and the terminal: every figure stands where it belongs, names are escaped."""

import io
import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

import dvtr_bench as dvtr
from dvtr_bench.results import write_result
from leaderboard.board import make_boards
from leaderboard.board_text import print_boards, to_markdown, write_markdown
from leaderboard.result_files import entry_path
from tests.fixtures.records import VIDEOS, toy_record


def shown(*records: object, width: int = 100) -> str:
    stream = io.StringIO()
    print_boards(make_boards(records), Console(file=stream, width=width))
    return stream.getvalue()


def test_markdown_holds_figures_intervals_chance_and_ceiling() -> None:
    record = toy_record(best_rank=3)
    page = to_markdown(make_boards([record]))
    figure = record.metrics["t2v"]["strict"]["R@1"]
    assert f"| msam | {figure.value:.1f}<br><sub>{figure.low:.1f}–{figure.high:.1f}</sub>" in page
    assert re.search(rf"\| \*chance\* \| \*{100 / VIDEOS:.1f}\*", page)
    assert f"*{record.shared_text.ceiling:.1f}*" in page
    for title in ("T2V", "caption sets", "single captions", "text-identical relevance"):
        assert title in page


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_header() -> None:
    page = to_markdown(make_boards([toy_record("a|b"), toy_record("c", text_block=32)]))
    tables = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
    assert len(tables) >= 7
    for table in tables:
        rows = table.strip().splitlines()
        cells = {len(re.split(r"(?<!\\)\|", row)) for row in rows}
        assert len(cells) == 1, table


def test_names_of_others_cannot_break_the_page() -> None:
    page = to_markdown(make_boards([toy_record("<script>alert(1)</script>\n# [x](http://y)|z")]))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\# \\[x\\](http://y)\\|z" in page


def test_published_figures_stand_apart_with_their_source() -> None:
    page = to_markdown(make_boards([toy_record(dataset="umcrd")]))
    assert "As published, not measured here" in page
    assert "| MSAM | 49.5 | 84.0 | arXiv 2510.15470 |" in page
    assert "As published" not in to_markdown(make_boards([toy_record(dataset="mine")]))


def test_the_page_is_the_same_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    records = [toy_record(name, rank_seed=seed) for seed, name in enumerate("abc")]
    path = write_markdown(make_boards(records), tmp_path / "L.md")
    assert path.read_text(encoding="utf-8") == to_markdown(make_boards(records[::-1]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["L.md"]


def test_terminal_fits_eighty_columns_and_cuts_no_figure() -> None:
    record = toy_record("clip4clip_seqtransf", best_rank=3)
    text = shown(record, toy_record("msam", text_block=32), width=80)
    assert max(map(len, text.splitlines())) <= 80
    for name, figure in record.metrics["t2v"]["strict"].items():
        assert name in text
        assert f"{figure.value:.1f}" in text
        assert f"{figure.low:.1f}–{figure.high:.1f}" in text
    assert "caption ceiling" in text
    assert "chance" in text


def test_terminal_takes_markup_in_names_as_text() -> None:
    assert "[red]m[/red]" in shown(toy_record("[red]m[/red]"))


def test_a_row_whose_model_may_have_seen_the_clips_is_marked_on_page_and_terminal() -> None:
    record = toy_record("seen", recipe={"epochs": 1})
    training = replace(record.model.training, dataset="capera", fingerprint="0" * 64)
    seen = replace(record, model=replace(record.model, training=training))
    for page in (to_markdown(make_boards([seen, toy_record("clean")])), shown(seen)):
        told = " ".join(page.split())
        assert "may have seen test clips" in told
        assert "Trained on capera, which shares clips with usrd" in told
    assert "may have seen" not in shown(record)


def test_the_page_says_who_ran_a_row_where_a_note_stands_beside_its_file(tmp_path: Path) -> None:
    path = write_result(toy_record("a|b"), tmp_path)
    write_result(toy_record("c", rank_seed=1), tmp_path)
    entry_path(path).write_text(
        'ran_by = "Jane <b>"\nlink = "https://example.org/x"\n'
        '[rerun]\nby = "Max"\ndate = 2026-02-01\nt2v_r1 = 5.5\n'
    )
    page = dvtr.make_leaderboard(tmp_path).write(tmp_path / "L.md").read_text(encoding="utf-8")
    (told,) = [line for line in page.splitlines() if "Jane" in line]
    assert told == (
        "- a\\|b: Jane &lt;b&gt; (https://example.org/x); "
        "run again by Max on 2026-02-01, T2V R@1 5.5."
    )
    assert page.count("Who ran it") == 1
    assert "Who ran it" not in to_markdown(make_boards([toy_record("c", rank_seed=1)]))
