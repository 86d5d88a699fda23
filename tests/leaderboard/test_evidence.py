"""The committed pages say what the committed result files say."""

import re
from pathlib import Path

import pytest

from dvtr_bench.results import RunRecord, load_results
from dvtr_bench.studies.match import Rows, results_by_row
from dvtr_bench.studies.read import read_study
from leaderboard.board import make_boards
from leaderboard.markdown import write_markdown
from leaderboard.study.figures import make_figures
from leaderboard.study.pages import write_study

EVIDENCE = Path(__file__).parents[2] / "leaderboard" / "evidence" / "aerosynth-full"
SEEDS = {(42,), (43,), (44,)}
STUDY = read_study("evidence")


@pytest.fixture(scope="module")
def records() -> list[RunRecord]:
    return load_results([EVIDENCE / "results"])


@pytest.fixture(scope="module")
def rows(records: list[RunRecord]) -> Rows:
    return results_by_row(STUDY, records)["aerosynth-full"]


def test_the_leaderboard_is_that_of_its_files(records: list[RunRecord], tmp_path: Path) -> None:
    page = write_markdown(make_boards(records), tmp_path / "LEADERBOARD.md")
    assert page.read_bytes() == (EVIDENCE / "LEADERBOARD.md").read_bytes()


def test_the_study_page_is_that_of_its_files(rows: Rows, tmp_path: Path) -> None:
    page = write_study([make_figures(STUDY, rows)], tmp_path / "STUDY.md")
    assert page.read_bytes() == (EVIDENCE / "STUDY.md").read_bytes()


def test_every_row_has_its_seeds_and_one_way_of_training(
    records: list[RunRecord], rows: Rows
) -> None:
    recipes = set()
    for record in records:
        assert not record.environment.git_dirty
        if record.model.training:
            recipe = {**record.model.training.recipe, "seed": None}
            recipes.add(tuple(sorted(recipe.items())))
    assert len(recipes) == 1
    assert set(rows) == {row.name for row in STUDY.rows}
    for row, runs in rows.items():
        assert {run.model.seeds for run in runs} == ({()} if row == "clip_zeroshot" else SEEDS)


def test_what_is_said_of_the_losses_is_in_the_logs() -> None:
    told = (EVIDENCE / "README.md").read_text(encoding="utf-8")
    logs = sorted((EVIDENCE / "losses").glob("*.jsonl"))
    assert {re.sub(r"-seed\d+", "", log.stem) for log in logs} >= {"msam", "kl_loss_off"}
    assert all(log.parent.name in told for log in logs)
