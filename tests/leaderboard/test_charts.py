"""Boards as charts: what is drawn is what the tables say."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import NotFoundError
from dvtr_bench.reports.chart_data import Distribution, NamedValues, Series
from dvtr_bench.results import write_result
from leaderboard.board import make_boards
from leaderboard.plot import board_data, write_charts
from tests.fixtures.records import toy_record

RECORDS = [
    toy_record("msam", rank_seed=1, best_rank=3, text_block=32),
    toy_record("xpool", rank_seed=2),
    toy_record("xpool", rank_seed=3, dataset="capera"),
]


def test_named_values_are_the_figures_of_the_table() -> None:
    board = make_boards(RECORDS)[1]
    data = board_data(board, "dots")
    assert isinstance(data, NamedValues)
    assert data.names == ["msam (block 32)", "xpool"]
    stated = [record.metrics["t2v"]["strict"]["R@1"] for record in RECORDS[:2]]
    assert data.parts["T2V R@1"] == [one.value for one in stated]
    assert data.intervals["T2V R@1"] == [(one.low, one.high) for one in stated]
    assert list(data.parts) == ["T2V R@1", "V2T R@1"]


def test_a_distribution_is_that_of_the_ranks() -> None:
    board = make_boards(RECORDS)[1]
    data = board_data(board, "distribution")
    assert isinstance(data, Distribution)
    ranks = np.array(RECORDS[0].ranks["t2v"].strict.pessimistic)
    assert data.lines["msam (block 32)"][0] == pytest.approx(100 * (ranks == 1).mean())
    assert sum(data.lines["xpool"]) == pytest.approx(100)


def test_a_series_is_recall_over_k() -> None:
    board = make_boards(RECORDS)[1]
    data = board_data(board, "lines")
    assert isinstance(data, Series)
    line = data.lines["xpool"]
    assert [k for k, _ in line] == list(range(1, 21))
    stated = RECORDS[1].metrics["t2v"]["strict"]
    for k in (1, 5, 10):
        assert line[k - 1][1] == pytest.approx(stated[f"R@{k}"].value)


def test_every_board_is_drawn_by_every_chart(tmp_path: Path) -> None:
    page = tmp_path / "PAGE.md"
    written = write_charts(make_boards(RECORDS), ["dots", "Distribution", "scatter", "bars"], page)
    assert [path.name for path in written] == [
        f"PAGE-{dataset}-test-{chart}.svg"
        for dataset in ("capera", "usrd")
        for chart in ("dots", "distribution", "scatter", "bars")
    ]
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "xpool" in text
    assert re.search(
        r"msam \(block 32\), T2V R@1: [\d.]+ \([\d.]+ to", written[4].read_text("utf-8")
    )


def test_boards_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    other = toy_record("msam", fingerprint="0" * 64)
    names = [
        path.name
        for path in write_charts(make_boards([RECORDS[1], other]), ["bars"], tmp_path / "P.md")
    ]
    assert names == ["P-usrd-test-bars.svg", "P-usrd-test-bars-2.svg"]


def test_the_command_draws_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_result(RECORDS[0], Path("results"))
    words = ["leaderboard", "--chart", "dots", "--chart", "distribution"]
    told = CliRunner().invoke(make_app(), words, catch_exceptions=False).output
    for name in ("dots", "distribution"):
        assert f"wrote LEADERBOARD-usrd-test-{name}.svg" in told
        assert Path(f"LEADERBOARD-usrd-test-{name}.svg").is_file()
    with pytest.raises(NotFoundError, match="no chart is called 'dotz'"):
        CliRunner().invoke(make_app(), ["leaderboard", "--chart", "dotz"], catch_exceptions=False)
