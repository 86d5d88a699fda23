"""Three runs or more: which pairs, which p-values are corrected together, what is shown."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import dvtr_bench as dvtr
from dvtr_bench.errors import IncomparableError
from dvtr_bench.ranking.holm import holm
from leaderboard.comparison.differences import make_comparison, make_comparisons
from leaderboard.comparison.several import SeveralComparison
from leaderboard.json_form import comparison_as_json, comparisons_as_json
from leaderboard.result_files import ResultFile
from tests.fixtures.records import toy_record

RECORDS = [toy_record(name, rank_seed=seed, best_rank=4 + 8 * seed) for seed, name in
           enumerate(("a", "b", "c", "d"))]  # fmt: skip
FILES = [ResultFile(record, Path(f"{record.model.name}.json")) for record in RECORDS]


def test_all_others_are_compared_with_the_first_or_all_pairs() -> None:
    assert SeveralComparison.of(FILES).pairs == ((0, 1), (0, 2), (0, 3))
    pairs = SeveralComparison.of(FILES, all_pairs=True).pairs
    assert pairs == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def test_raw_p_values_are_those_of_two_runs_and_a_figures_are_corrected_together() -> None:
    several = SeveralComparison.of(FILES)
    alone = [make_comparison(RECORDS[a], RECORDS[b]) for a, b in several.pairs]
    for key in alone[0].figures:
        raw = [comparison.figures[key].p_value for comparison in alone]
        assert [comparison.figures[key].p_value for comparison in several.comparisons] == raw
        corrected = [comparison.p_corrected[key] for comparison in several.comparisons]
        assert corrected == holm(raw).tolist()
        assert all(comparison.p_corrected[key] == comparison.figures[key].p_value
                   for comparison in alone)  # fmt: skip


def test_the_groups_of_an_axis_are_one_family() -> None:
    for comparisons in ([make_comparison(*RECORDS[:2])], SeveralComparison.of(FILES).comparisons):
        for axis in comparisons[0].groups:
            rows = [row for each in comparisons for row in each.groups[axis]]
            tested = [row for row in rows if row.has_interval]
            assert all(row.p_corrected is None for row in rows if not row.has_interval)
            assert [row.p_corrected for row in tested] == holm(
                [row.change.p_value for row in tested]
            ).tolist()


def test_many_tests_get_more_resamples() -> None:
    pairs = [(0, 1)] * 30
    (first, *_) = make_comparisons(RECORDS[:2], pairs)
    assert first.resampling.resamples == 30 * 40
    assert make_comparison(*RECORDS[:2]).resampling.resamples == 1000


def test_the_frame_has_a_row_for_every_difference() -> None:
    several = SeveralComparison.of(FILES, all_pairs=True)
    frame = several.to_frame()
    assert len(frame) == 6 * len(several.comparisons[0].figures)
    row = frame.query("run_a == 'B' and run_b == 'D' and direction == 't2v' and metric == 'R@1'")
    change = several.comparisons[4].figures["t2v", "R@1"]
    assert row["difference"].item() == change.difference
    assert (frame["p_corrected"] >= frame["p_value"]).all()


def test_terminal_and_page_show_raw_and_corrected_and_say_the_family(tmp_path: Path) -> None:
    several = SeveralComparison.of(FILES)
    stream = io.StringIO()
    several.print(Console(file=stream, width=120))
    page = several.write(tmp_path / "new" / "c.md").read_text("utf-8")
    for text in (stream.getvalue(), page):
        plain = " ".join(text.split())
        assert "3 comparisons by that figure" in plain
        assert "B - A" in text
        assert "corrected" in text
        assert "D: d, seed 42" in text
        assert "few" in text
    change = several.comparisons[2].figures["t2v", "R@1"]
    corrected = several.comparisons[2].p_corrected["t2v", "R@1"]
    assert f"| {change.first:.1f} | {change.second:.1f} |" in page
    assert f"| {corrected:.3f} |" in page
    assert several._repr_html_().count("<table>") >= 4
    assert repr(several).startswith("SeveralComparison(A: a, seed 42")


def test_json_names_runs_as_boards_name_rows() -> None:
    several = comparisons_as_json(SeveralComparison.of(FILES))
    assert list(several["runs"]) == ["A", "B", "C", "D"]
    assert [(each["first"], each["second"]) for each in several["comparisons"]] == [
        ("A", "B"), ("A", "C"), ("A", "D"),
    ]  # fmt: skip
    two = comparison_as_json(dvtr.compare(*RECORDS[:2]))
    assert two["runs"]["A"].keys() == several["runs"]["A"].keys()
    assert two["figures"]["t2v"]["R@1"].keys() == (
        several["comparisons"][0]["figures"]["t2v"]["R@1"].keys()
    )


def test_runs_of_other_splits_are_refused() -> None:
    with pytest.raises(IncomparableError):
        dvtr.compare(*RECORDS[:2], toy_record("e", dataset="umcrd"))


def test_the_public_function_takes_any_number() -> None:
    several = dvtr.compare(*RECORDS, all_pairs=True)
    assert len(several.comparisons) == 6
    assert np.isfinite(several.to_frame()["p_value"]).all()
