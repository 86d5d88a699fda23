"""Breakdowns of a board: every figure of every group where it belongs, with its counts."""

import io
import re
import statistics
from dataclasses import replace

from rich.console import Console

from leaderboard.board import make_boards
from leaderboard.board_text import print_boards, to_markdown
from leaderboard.tables import make_breakdowns
from tests.fixtures.records import toy_record


def tables(*records):
    (board,) = make_boards(records)
    return {breakdown.table.title: breakdown for breakdown in make_breakdowns(board)}


def shown(*records, width=80, breakdowns=True):
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    print_boards(make_boards(records), console, breakdowns=breakdowns)
    return stream.getvalue()


def test_every_group_has_its_counts_and_every_model_its_figure() -> None:
    first, second = toy_record("first"), toy_record("second", rank_seed=1)
    found = tables(first, second)
    assert list(found) == ["T2V R@1 by caption length", "T2V R@1 by category"]
    table = found["T2V R@1 by category"].table
    assert set(table.header[1:]) == {"first", "second"}
    for row, group in zip(table.rows, ("boat", "road"), strict=True):
        assert (row[0].text, row[0].detail) == (group, "30 captions, 10 videos, few")
        for field, label in zip(row[1:], table.header[1:], strict=True):
            record = first if label == "first" else second
            figure = record.breakdowns["category"].results["t2v"][group].metrics["R@1"]
            assert field.text == f"{figure.value:.1f}"
            assert field.detail == f"{figure.low:.1f}–{figure.high:.1f}"


def test_a_group_without_captions_is_shown_with_its_count_alone() -> None:
    row = tables(toy_record())["T2V R@1 by caption length"].table.rows[-1]
    assert [field.text for field in row] == ["over 30 words", ""]
    assert row[0].detail == "0 captions, 0 videos"


def test_seeds_become_mean_and_deviation() -> None:
    runs = [toy_record(rank_seed=seed, seeds=(seed,), best_rank=4) for seed in range(3)]
    groups = [run.breakdowns["category"].results["t2v"]["boat"].metrics for run in runs]
    values = [metrics["R@1"].value for metrics in groups]
    field = tables(*runs)["T2V R@1 by category"].table.rows[0][1]
    assert field.text == f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
    assert field.detail == ""


def _sorted_otherwise(record, axis="category"):
    breakdown = record.breakdowns[axis]
    codes = (1 - breakdown.codes[0], *breakdown.codes[1:])
    return replace(record, breakdowns={**record.breakdowns, axis: replace(breakdown, codes=codes)})


def test_a_row_that_was_sorted_otherwise_is_left_out_and_named() -> None:
    best = toy_record("best", best_rank=1)
    found = tables(best, _sorted_otherwise(toy_record("other", rank_seed=1)))
    assert found["T2V R@1 by category"].table.header[1:] == ("best",)
    (note,) = found["T2V R@1 by category"].notes
    assert "other is not in the table by category" in note
    assert found["T2V R@1 by caption length"].table.header[1:] == ("best", "other")
    assert found["T2V R@1 by caption length"].notes == ()


def test_a_row_without_the_axis_is_left_out_and_named() -> None:
    bare = replace(toy_record("bare", best_rank=1), breakdowns={})
    found = tables(bare, toy_record("full"))
    assert found["T2V R@1 by category"].table.header[1:] == ("full",)
    assert "bare is not in the table by category" in found["T2V R@1 by category"].notes[0]
    assert tables(bare) == {}


def test_the_page_always_holds_them_folded_and_whole() -> None:
    page = to_markdown(make_boards([toy_record("a|b"), toy_record("c", rank_seed=1)]))
    folded = re.findall(r"<details><summary>(T2V R@1 by .*?)</summary>\n\n(.*?)</details>", page,
                        flags=re.DOTALL)  # fmt: skip
    assert [title for title, _ in folded] == ["T2V R@1 by caption length", "T2V R@1 by category"]
    for _, body in folded:
        rows = [line for line in body.splitlines() if line.startswith("|")]
        assert len({len(re.split(r"(?<!\\)\|", row)) for row in rows}) == 1
        assert "###" not in body
    without = to_markdown(make_boards([replace(toy_record(), breakdowns={})]))
    assert "By group of captions" not in without


def test_names_of_groups_cannot_break_the_page_or_steer_the_terminal() -> None:
    record = toy_record("[red]m[/red]")
    category = record.breakdowns["category"]
    evil = "<b>|\x1b[2J"
    results = {
        direction: {evil if name == "boat" else name: one for name, one in groups.items()}
        for direction, groups in category.results.items()
    }
    changed = replace(category, groups=(evil, "road"), results=results, title="A <i>\n| \x1b[2J")
    record = replace(record, breakdowns={"category": changed})
    page = to_markdown(make_boards([record]))
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;\\|" in page
    text = shown(record, width=100)
    assert "\x1b" not in text
    assert "[red]m[/red]" in text


def test_the_terminal_prints_them_when_asked_and_breaks_no_figure() -> None:
    names = ("clip4clip_seqtransf", "clip4clip_meanp", "msam", "clip_zeroshot")
    records = [toy_record(name, rank_seed=seed) for seed, name in enumerate(names)]
    assert "by caption length" not in shown(*records, breakdowns=False)
    text = shown(*records)
    assert max(map(len, text.splitlines())) <= 80
    part = text[text.index("T2V R@1 by caption length") :]
    for record in records:
        for group in ("boat", "road"):
            figure = record.breakdowns["category"].results["t2v"][group].metrics["R@1"]
            assert f"{figure.low:.1f}–{figure.high:.1f}" in part


def test_the_lower_median_is_shown_where_it_differs_and_explained() -> None:
    # Of 60 captions the middle two are at places 30 and 31.
    differs = [
        figures["MdR"].value != figures["MdR-lower"].value
        for figures in (toy_record(rank_seed=n).metrics["t2v"]["strict"] for n in range(5))
    ]
    assert True in differs
    assert False in differs
    for seed, wanted in ((differs.index(True), True), (differs.index(False), False)):
        record = toy_record("clip4clip_seqtransf", rank_seed=seed)
        page = to_markdown(make_boards([record]))
        t2v = page[page.index("### Text to video (T2V)\n") : page.index("### Video to text")]
        assert ("| MdR-lower |" in t2v) == wanted
    text = shown(toy_record("clip4clip_seqtransf", rank_seed=differs.index(True)))
    assert "MdR-lower the lower one" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
