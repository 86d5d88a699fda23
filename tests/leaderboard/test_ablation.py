"""An ablation's table and answers: against figures of the records, and a gain that is none."""

import statistics
from io import StringIO

import pytest
from rich.console import Console

from dvtr_bench.ablation.variant import Ablations, Question, Variant
from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.protocol.bootstrap import BootstrapConfig
from leaderboard.ablation.figures import make_ablation
from leaderboard.ablation.pages import print_ablation, write_ablation
from leaderboard.ablation.tables import ablation_tables, answer_lines, how_to_read
from tests.fixtures.records import toy_record

CONFIG = BootstrapConfig(resamples=200)
TOY = Ablations(
    "msam",
    (Variant("full", "as it is"), Variant("pooling=mean", "a | mean", {"pooling": "mean"})),
    frozenset(),
    (Question("pooling=mean", "full", "Fusion pooling against mean pooling"),),
    lambda model, settings, captions: model,
    lambda verdicts: f"In all: {verdicts[0]}.",
)
RECIPE = {"epochs": 5, "freeze": "backbone"}


def runs(best_rank: int, start: int = 0, seeds=(42, 43, 44), **changes):
    return [
        toy_record(
            rank_seed=start + number,
            seeds=(seed,),
            best_rank=best_rank,
            recipe=RECIPE,
            **changes,
        )
        for number, seed in enumerate(seeds)
    ]


def r1(record, direction="t2v"):
    return record.metrics[direction]["strict"]["R@1"].value


def test_rows_hold_mean_deviation_and_the_difference_to_the_full_model() -> None:
    full, other = runs(2), runs(6, start=9)
    ablation = make_ablation(TOY, {"full": full, "pooling=mean": other[::-1]}, CONFIG)
    table, _ = ablation_tables(ablation, about=True)
    values = [[r1(record) for record in one] for one in (full, other)]
    means = [statistics.mean(one) for one in values]
    assert [row[0].text for row in table.rows] == ["full", "pooling=mean"]
    assert table.rows[1][0].detail == "a | mean"
    for row, one, mean in zip(table.rows, values, means, strict=True):
        assert row[1].text == f"{mean:.1f} ± {statistics.stdev(one):.1f}"
        assert "–" in row[1].detail
    assert table.rows[0][-1].text == ""
    assert table.rows[1][-1].text.startswith(f"{means[1] - means[0]:+.1f}, p ")
    (answer, _) = ablation.answers
    assert list(answer.by_seed) == [42, 43, 44]
    assert list(answer.by_seed.values()) == pytest.approx(
        [one - two for one, two in zip(*values, strict=True)]
    )
    assert answer.verdict == "gain"
    assert answer_lines(ablation)[-1] == "In all: gain."


def test_a_difference_on_which_the_seeds_disagree_is_open() -> None:
    full, other = runs(2), runs(6, start=9)
    swapped = [full[0], full[1], toy_record(seeds=(44,), best_rank=20, recipe=RECIPE)]
    ablation = make_ablation(TOY, {"full": swapped, "pooling=mean": other}, CONFIG)
    answer = ablation.answers[0]
    assert answer.difference.low > 0
    assert min(answer.by_seed.values()) < 0
    assert answer.verdict == "none"
    assert make_ablation(TOY, {"full": other, "pooling=mean": full}, CONFIG).conclusion == (
        "In all: loss."
    )


def test_a_part_of_the_rows_has_no_conclusion() -> None:
    ablation = make_ablation(TOY, {"full": runs(2)}, CONFIG)
    assert (ablation.answers, ablation.conclusion, answer_lines(ablation)) == ((), "", [])


def test_a_row_with_fewer_seeds_says_so_and_a_single_seed_has_no_deviation() -> None:
    ablation = make_ablation(TOY, {"full": runs(2), "pooling=mean": runs(6)[:1]}, CONFIG)
    table, _ = ablation_tables(ablation, about=False)
    assert (table.rows[0][0].detail, table.rows[1][0].detail) == ("", "1 seed")
    assert "±" not in table.rows[1][1].text
    single = make_ablation(TOY, {"full": runs(2)[:1]}, CONFIG)
    assert "±" not in how_to_read(single)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(NotFoundError, match="full model"):
        make_ablation(TOY, {"pooling=mean": runs(2)}, CONFIG)
    other = runs(3, fingerprint="0" * 64)
    with pytest.raises(IncomparableError, match="fingerprint differs"):
        make_ablation(TOY, {"full": runs(2), "pooling=mean": other}, CONFIG)


def test_terminal_and_page_show_the_same(tmp_path) -> None:
    ablation = make_ablation(TOY, {"full": runs(2), "pooling=mean": runs(6, start=9)}, CONFIG)
    page = write_ablation(ablation, tmp_path / "deep" / "ABLATION.md").read_text()
    console = Console(width=80, record=True, file=StringIO())
    print_ablation(ablation, console)
    told = console.export_text()
    for text in ("pooling=mean", "In all: gain.", "Text to video", "Video to text", "42, 43, 44"):
        assert text in page
        assert text in told
    assert "a | mean" not in page
    assert "a \\| mean" in page
    assert "freeze backbone; epochs 5" in told
    assert max(map(len, told.splitlines())) <= 80
