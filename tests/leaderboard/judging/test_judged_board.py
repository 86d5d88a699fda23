"""Judged figures beside strict ones: intervals, seeds, samples, and where they are shown."""

import io
import json
from dataclasses import replace
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import nDCG
from rich.console import Console
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.errors import IncomparableError, InputError
from dvtr_bench.ranking.group_figures import group_figures
from dvtr_bench.ranking.rank_table import Groups
from leaderboard.board import make_boards
from leaderboard.board_text import print_boards, to_markdown
from leaderboard.exports.trec import export
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.judged_board import JudgedBoard, judged_boards
from leaderboard.judging.judgements import Judgements
from leaderboard.judging.pool import Pool
from leaderboard.judging.pool_folder import write_pool
from leaderboard.result_files import ResultFile
from tests.fixtures.judged_world import World, make_world, save_answers


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), videos=16)


def judge(pool: Pool, folder: Path) -> Judgements:
    """Half of the pairs have an answer, by turns yes, no and partly."""
    words = [None, "yes", None, "no", None, "partly"]
    order = [pair.pair for pair in pool.to_judge]
    return judgements_of(
        pool, save_answers(pool, folder, "anna", lambda p: words[order.index(p.pair) % 6])
    )[0]


def board_of(files: list[ResultFile], judgements: Judgements) -> JudgedBoard:
    (board,) = judged_boards(make_boards([file.record for file in files]), files, judgements)
    return board


def test_strict_figures_have_the_intervals_of_the_record(world: World, tmp_path: Path) -> None:
    ways = ("t2v", "v2t_caption")
    board = board_of(world.files, judge(world.pool(directions=ways), tmp_path))
    assert {direction for direction, _ in board.rows[0].figures} == set(ways)
    for row in board.rows:
        record = row.entry.runs[0]
        for direction in ways:
            for k in (1, 5, 10):
                cell = row.figures[direction, f"R@{k} strict"]
                figure = record.metrics[direction]["strict"][f"R@{k}"]
                found = (cell.value, cell.low, cell.high, cell.deviation)
                assert found == (*map(pytest.approx, (figure.value, figure.low, figure.high)), None)
                values = [row.figures[direction, f"R@{k} {kind}"].value for kind in KINDS]
                assert values == sorted(values)
    assert board.rows[0].figures["t2v", "unjudged@10"].low is None


KINDS = ("strict", "judged", "at most")


def test_a_sample_has_the_figures_of_its_group(world: World, tmp_path: Path) -> None:
    judgements = judge(world.pool(queries=30), tmp_path)
    board = board_of(world.files, judgements)
    chosen = judgements.queries["t2v"]
    assert chosen is not None
    codes = np.array([int(caption in chosen) for caption in world.split.caption_ids], np.int64)
    for row in board.rows:
        record = row.entry.runs[0]
        groups = {"sample": Groups("Sample", "caption", ("out", "in"), codes)}
        found = group_figures(record.rank_table, groups, record.bootstrap)["sample"]["t2v"]["in"]
        assert found.queries == 30
        for k in (1, 5, 10):
            cell, figure = row.figures["t2v", f"R@{k} strict"], found.metrics[f"R@{k}"]
            wanted = (figure.value, figure.low, figure.high)
            assert (cell.value, cell.low, cell.high) == tuple(map(pytest.approx, wanted))
    assert "(30 of 48 queries)" in board.tables[0].title
    # The qrels have the judged queries alone, so that TREC tools give the same figures.
    judgements.write(tmp_path / "judged.json")
    export(world.files, tmp_path)
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "judged.t2v.qrels")))
    assert len({line.query_id for line in qrels}) == 30
    row_of = {row.entry.label: row for row in board.rows}
    for file in world.files:
        row = row_of[file.record.label]
        run_file = tmp_path / f"{file.stem}.t2v.run"
        theirs = ir_measures.calc_aggregate(
            [nDCG @ 10], qrels, ir_measures.read_trec_run(str(run_file))
        )
        found = row.figures["t2v", "nDCG@10"].value
        assert found == pytest.approx(100 * theirs[nDCG @ 10])
    few = board_of(world.files, judge(world.pool(queries=6), tmp_path))
    assert few.rows[0].figures["t2v", "R@1 judged"].low is None


def test_seeds_have_a_mean_and_a_deviation(world: World, tmp_path: Path) -> None:
    first, second = world.files
    model = replace(first.record.model, seeds=(43,))
    other = ResultFile(replace(second.record, model=model), None, second.top_lists())
    judgements = judge(world.pool(), tmp_path)
    one, two = (board_of([file], judgements).rows[0].figures for file in (first, other))
    (row,) = board_of([first, other], judgements).rows
    assert row.entry.num_runs == 2
    for key, cell in row.figures.items():
        values = one[key].value, two[key].value
        assert cell.value == pytest.approx(np.mean(values))
        assert cell.deviation == pytest.approx(np.std(values, ddof=1))


def test_rows_without_lists_are_named_and_left_out(world: World, tmp_path: Path) -> None:
    judgements = judge(world.pool(), tmp_path)
    lost = ResultFile(world.files[1].record, None)
    board = board_of([world.files[0], lost], judgements)
    assert [row.entry.label for row in board.rows] == ["model_0"]
    assert board.missing == ("model_1",)
    assert "model_1: left out, its top lists are not at hand." in board.notes
    nothing = board_of([lost], judgements)
    assert nothing.rows == ()
    assert [table.header for table in nothing.tables] == [("model",)]


def test_judgements_of_another_split_are_refused(world: World, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other", videos=5, runs=1)
    judgements = judge(world.pool(), tmp_path)
    with pytest.raises(IncomparableError, match="no result is of that build and split"):
        board_of(other.files, judgements)
    both = [*world.files, *other.files]
    boards = make_boards([file.record for file in both])
    assert len(boards) == 2
    assert len(judged_boards(boards, both, judgements)) == 1


def test_they_are_shown_below_the_strict_tables(world: World, tmp_path: Path) -> None:
    judgements = judge(world.pool(), tmp_path)
    boards = make_boards([file.record for file in world.files])
    judged = judged_boards(boards, world.files, judgements)
    plain, page = to_markdown(boards), to_markdown(boards, judged=judged)
    title = "### Text to video (T2V), judged relevance\n"
    assert title in page
    lines = iter(page.splitlines())
    assert all(line in lines for line in plain.splitlines()), "a strict line is lost"
    stream = io.StringIO()
    print_boards(boards, Console(file=stream, width=200), judged=judged)
    told = " ".join(stream.getvalue().split())
    assert "R@1 strict R@1 judged R@1 at most R@5 strict" in told
    assert "R@1 at most" in judged[0]._repr_html_()
    assert repr(judged[0]).endswith("2 rows)")
    assert len(repr(judged[0].rows[0])) < 200
    assert "Pooled from the first 10 candidates of 2 runs: model_0, model_1." in told
    assert f"Judgements {judgements.sha256[:8]}: {judgements.num_judged} pairs, by 1 judge;" in told


def run(*words: str | Path) -> str:
    result = CliRunner().invoke(make_app(), [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_from_pool_to_board_on_the_command_line(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("leaderboard.result_files.searched_split", lambda *_: world.split)
    results = [file.path for file in world.files]
    told = run("pool", *results, "--queries", "20", "--depth", "5", "--batch", "30")
    assert "candidates of 2 runs on toy 1.0.0, test" in told
    again = run("pool", *results, "--queries", "20", "--depth", "5", "--json", "-o", "again")
    facts = json.loads(again)
    assert facts["known"]["own"] == 48
    pool = dvtr.make_pool(results, None, queries=20, depth=5, batch_pairs=30)
    anna = save_answers(pool, tmp_path, "anna", lambda pair: "yes")
    told = run("judge", "pool", *anna, f"ben={tmp_path / 'pool' / 'batch-001.csv'}", *anna)
    assert f"{len(pool.to_judge)} pairs judged, 0 unsettled" in told
    told = run("judge", "pool", *anna, "--json", "--unsettled", "open.csv")
    assert json.loads(told)["judges"][0]["yes"] == len(pool.to_judge)
    assert Path("open.csv").read_text(encoding="utf-8-sig") == "pair,video_id,caption,answer\n"
    told = run("leaderboard", *results, "--judged", "judged.json", "--json")
    (judged,) = json.loads(told)["judged"]
    assert judged["judged_queries"] == {"t2v": 20}
    assert [row["name"] for row in judged["rows"]] == [
        row["name"] for row in json.loads(told)["boards"][0]["rows"]
    ]
    assert "judged relevance (20 of 48 queries)" in Path("LEADERBOARD.md").read_text()
    assert "judged relevance (20 of 48 queries)" in run(
        "show", results[0], "--judged", "judged.json"
    )
    shown = json.loads(run("show", results[0], "--judged", "judged.json", "--json"))
    assert shown["judged"][0]["rows"][0]["figures"]["t2v"]["R@1 judged"]["value"] > 0
    for wrong in (["judge"], ["judge", "pool"], ["judge", "pool", "--ground-truth", "toy"]):
        with pytest.raises(InputError):
            run(*wrong)


def test_pools_written_and_in_memory_are_one(world: World, tmp_path: Path) -> None:
    pool = world.pool(depth=2)
    write_pool(pool, tmp_path / "pool", world.split, "none")
    files = save_answers(pool, tmp_path, "anna", lambda pair: "no")
    one = dvtr.collect_judgements(pool, files, tmp_path / "judged.json")
    other = dvtr.collect_judgements(tmp_path / "pool", files)
    assert one.sha256 == other.sha256
    board = dvtr.make_leaderboard([file.path for file in world.files], judged=one)
    again = dvtr.make_leaderboard(
        [file.path for file in world.files], judged=tmp_path / "judged.json"
    )
    assert [each.to_json() for each in board.judged] == [each.to_json() for each in again.judged]
