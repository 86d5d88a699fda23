"""Published figures: read from a file, checked, never filled in."""

from pathlib import Path

import pytest

from dvtr_bench.errors import InputError, NotFoundError
from leaderboard.result_files import published_for, read_published, reported_columns

ROW = '[[published]]\ndataset = "usrd"\nmodel = "A"\nsource = "arXiv 1"\n'


def rows_of(tmp_path: Path, text: str) -> tuple[object, ...]:
    path = tmp_path / "published.toml"
    path.write_text(text)
    return read_published(path)


def test_what_a_paper_does_not_report_stays_missing() -> None:
    (row,) = published_for("umcrd")
    assert dict(row.figures("t2v")) == {"R@1": 49.5, "R@5": 84.0}
    assert row.figures("v2t") == {}
    assert reported_columns([row]) == [("t2v", "R@1"), ("t2v", "R@5")]


def test_all_figures_of_both_directions_are_read(tmp_path: Path) -> None:
    text = ROW + 't2v = { "R@1" = 1.0, "MdR" = 3 }\nv2t = { "R@10" = 30.5, "MnR" = 12.25 }\n'
    (row,) = rows_of(tmp_path, text)
    assert reported_columns([row]) == [
        ("t2v", "R@1"),
        ("t2v", "MdR"),
        ("v2t", "R@10"),
        ("v2t", "MnR"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ROW, "no figure"),
        (ROW + 't2v = { "R@1" = 101 }', "t2v R@1 is 101.0: expected percent"),
        (ROW + 't2v = { "MdR" = 0 }', "ranks begin at 1"),
        (ROW + 't2v = { "R@1" = -1 }', "at least 0"),
        (ROW + 't2v = { "R@1" = nan }', "NaN"),
        (ROW + 't2v = { "R@2" = 1 }', "R@2"),
        (ROW + 't2v = { "R@1" = "1" }', "expected number"),
        (ROW + 'page = 3\nt2v = { "R@1" = 1 }', "the field 'page' is unknown"),
        (2 * (ROW + 't2v = { "R@1" = 1 }\n'), "stands there twice from arXiv 1"),
        ('[[published]]\nmodel = "A"', "is missing"),
        ("[[published", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=r"published\.toml") as failure:
        rows_of(tmp_path, text)
    assert told in str(failure.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing.toml"):
        read_published(tmp_path / "nothing.toml")
