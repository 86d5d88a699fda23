"""A study's page and answers: against figures of the records, and a gain that is none."""

import statistics
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from dvtr_bench.errors import IncomparableError, NotFoundError
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.studies.study import Conclusion, Question, Row, Study
from leaderboard.study.figures import make_figures
from leaderboard.study.pages import print_study, write_study
from leaderboard.study.tables import (
    answer_lines,
    breakdown_tables,
    how_to_read,
    setup_line,
    study_tables,
)
from tests.fixtures.records import toy_record

CONFIG = BootstrapConfig(resamples=200)
TOY = Study(
    name="toy",
    title="One thing changed",
    about="What | it is for.",
    datasets=(),
    rows=(
        Row("msam", "msam", "as it is", "tiny", {}, {}),
        Row("pooling=mean", "msam", "a | mean", "tiny", {"pooling": "mean"}, {}),
    ),
    backbones={},
    seeds=(42, 43, 44),
    reference="msam",
    questions=(Question("fusion", "pooling=mean", "msam", "Fusion pooling against mean pooling"),),
    conclusions=(
        Conclusion("In all: gain.", ("fusion",)),
        Conclusion("In all: loss.", losses=("fusion",)),
        Conclusion("In all: none."),
    ),
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


def test_rows_hold_mean_deviation_and_the_difference_to_the_reference() -> None:
    full, other = runs(2), runs(6, start=9)
    figures = make_figures(TOY, {"msam": full, "pooling=mean": other[::-1]}, CONFIG)
    table, _ = study_tables(figures, about=True)
    values = [[r1(record) for record in one] for one in (full, other)]
    means = [statistics.mean(one) for one in values]
    assert table.header == ("model", "R@1", "R@5", "R@10", "MdR", "R@1, to msam")
    assert [row[0].text for row in table.rows] == ["msam", "pooling=mean"]
    assert table.rows[1][0].detail == "a | mean"
    for row, one, mean in zip(table.rows, values, means, strict=True):
        assert row[1].text == f"{mean:.1f} ± {statistics.stdev(one):.1f}"
        assert "–" in row[1].detail
    assert table.rows[0][-1].text == ""
    assert table.rows[1][-1].text.startswith(f"{means[1] - means[0]:+.1f}, p ")
    (answer, _) = figures.answers
    assert list(answer.by_seed) == [42, 43, 44]
    assert list(answer.by_seed.values()) == pytest.approx(
        [one - two for one, two in zip(*values, strict=True)]
    )
    assert answer.verdict == "gain"
    assert answer_lines(figures)[-1] == "In all: gain."


def test_a_question_about_a_group_is_answered_from_its_queries_alone() -> None:
    axis = next(iter(toy_record().breakdowns))
    sorted_by = toy_record().breakdowns[axis]
    group = max(sorted_by.groups, key=lambda name: sorted_by.results["t2v"][name].queries)
    asked = replace(TOY.questions[0], name="part", breakdown=axis, group=group)
    study = replace(TOY, questions=(*TOY.questions, asked), conclusions=())
    full, other = runs(2), runs(6, start=9)
    figures = make_figures(study, {"msam": full, "pooling=mean": other}, CONFIG)
    answer = next(one for one in figures.answers if one.question is asked)
    values = [
        [run.breakdowns[axis].results["t2v"][group].metrics["R@1"].value for run in side]
        for side in (other, full)
    ]
    assert answer.queries == sorted_by.results["t2v"][group].queries
    assert answer.difference.difference == pytest.approx(
        statistics.mean(values[1]) - statistics.mean(values[0])
    )
    assert list(answer.by_seed.values()) == pytest.approx(
        [two - one for one, two in zip(*values, strict=True)]
    )
    line = next(line for line in answer_lines(figures) if group in line)
    assert f"({group}: {answer.queries} queries)" in line
    unknown = replace(study, questions=(replace(asked, group="none such"),))
    assert make_figures(unknown, {"msam": full, "pooling=mean": other}, CONFIG).answers == ()


def test_a_difference_on_which_the_seeds_disagree_is_open() -> None:
    full, other = runs(2), runs(6, start=9)
    swapped = [full[0], full[1], toy_record(seeds=(44,), best_rank=20, recipe=RECIPE)]
    figures = make_figures(TOY, {"msam": swapped, "pooling=mean": other}, CONFIG)
    answer = figures.answers[0]
    assert answer.difference.low > 0
    assert min(answer.by_seed.values()) < 0
    assert answer.verdict == "none"
    assert figures.conclusion == "In all: none."
    assert make_figures(TOY, {"msam": other, "pooling=mean": full}, CONFIG).conclusion == (
        "In all: loss."
    )


def test_a_part_of_the_rows_has_no_conclusion_and_says_what_is_missing(tmp_path) -> None:
    figures = make_figures(TOY, {"msam": runs(2)}, CONFIG)
    assert (figures.answers, figures.conclusion, answer_lines(figures)) == ((), "", [])
    page = write_study([figures], tmp_path / "STUDY.md").read_text()
    assert "Without results yet: pooling=mean." in page


def test_a_row_with_fewer_seeds_says_so_and_a_single_seed_has_no_deviation() -> None:
    figures = make_figures(TOY, {"msam": runs(2), "pooling=mean": runs(6)[:1]}, CONFIG)
    table, _ = study_tables(figures, about=False)
    assert (table.rows[0][0].detail, table.rows[1][0].detail) == ("", "1 seed")
    assert "±" not in table.rows[1][1].text
    single = make_figures(TOY, {"msam": runs(2)[:1]}, CONFIG)
    assert "±" not in how_to_read(single)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no results of the study toy"):
        make_figures(TOY, {}, CONFIG)
    other = runs(3, fingerprint="0" * 64)
    with pytest.raises(IncomparableError, match="fingerprint differs"):
        make_figures(TOY, {"msam": runs(2), "pooling=mean": other}, CONFIG)


def test_without_a_reference_there_is_no_difference() -> None:
    study = replace(TOY, reference=None, figures=("R@1", "MnR"))
    figures = make_figures(study, {"msam": runs(2), "pooling=mean": runs(6)}, CONFIG)
    table, _ = study_tables(figures, about=False)
    assert table.header == ("model", "R@1", "MnR")
    assert "difference" not in how_to_read(figures)


def test_published_figures_stand_below_the_measured_ones_of_their_dataset() -> None:
    def below(dataset: str):
        found = runs(2, dataset=dataset)
        table, other = study_tables(make_figures(TOY, {"msam": found}, CONFIG), about=False)
        assert not any("published" in row[0].text for row in other.frame)
        return [[field.text for field in row] for row in table.frame]

    published, chance, ceiling = below("usrd")
    assert published == ["MSAM as published, arXiv 2510.15470", "29.9", "71.2", "", "", ""]
    assert chance[:2] == ["chance", "5.0"]
    assert ceiling[0] == "caption ceiling"
    assert [row[0] for row in below("mine")] == ["chance", "caption ceiling"]


def test_groups_of_captions_have_a_table_where_they_are_asked_for() -> None:
    study = replace(TOY, breakdowns=("category", "caption_length"))
    full = runs(2)
    figures = make_figures(study, {"msam": full, "pooling=mean": runs(6)}, CONFIG)
    category, length = breakdown_tables(figures)
    assert category.title == "T2V R@1 by category"
    assert category.header == ("model", "boat", "road")
    boats = [run.breakdowns["category"].results["t2v"]["boat"].metrics["R@1"].value for run in full]
    assert (
        category.rows[0][1].text == f"{statistics.mean(boats):.1f} ± {statistics.stdev(boats):.1f}"
    )
    assert [field.text for field in category.frame[0]] == ["captions", "30 (few)", "30 (few)"]
    assert length.header[1] == "up to 12 words"


def test_what_all_rows_share_is_said_once() -> None:
    found = {"msam": runs(2), "pooling=mean": runs(6)}
    said = setup_line(make_figures(TOY, found, CONFIG))
    assert said == (
        "backbone tiny; freeze backbone; epochs 5; trained on usrd, best epoch on validation; "
        "3 seeds (42, 43, 44)."
    )


def test_terminal_and_page_show_the_same(tmp_path) -> None:
    figures = make_figures(TOY, {"msam": runs(2), "pooling=mean": runs(6, start=9)}, CONFIG)
    page = write_study([figures], tmp_path / "deep" / "STUDY.md").read_text()
    console = Console(width=80, record=True, file=StringIO())
    print_study([figures], console)
    told = console.export_text()
    for text in ("pooling=mean", "In all: gain.", "Text to video", "Video to text", "42, 43, 44"):
        assert text in page
        assert text in told
    assert page.startswith("# One thing changed\n\nWhat \\| it is for.\n\n## usrd 1.0.0, test: 60 ")
    assert "a | mean" not in page
    assert "a \\| mean" in page
    assert "freeze backbone; epochs 5" in told
    assert max(map(len, told.splitlines())) <= 80


def test_figures_of_validation_are_marked(tmp_path) -> None:
    found = [replace(run, dataset=replace(run.dataset, split="validation")) for run in runs(2)]
    page = write_study([make_figures(TOY, {"msam": found}, CONFIG)], tmp_path / "x.md").read_text()
    assert "for choosing, not for reporting" in page
