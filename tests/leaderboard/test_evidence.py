"""The committed pages say what the committed result files say."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.results import RunRecord, load_results
from dvtr_bench.studies.match import Rows, results_by_row
from dvtr_bench.studies.read import read_study
from leaderboard.board import make_boards
from leaderboard.board_text import write_markdown
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


@pytest.mark.parametrize("row", ["msam", "kl_loss_off", "diversity_loss_off"])
@pytest.mark.parametrize("seed", [42, 43, 44])
def test_what_is_said_of_the_losses_is_in_the_logs(row: str, seed: int) -> None:
    log = (EVIDENCE / "losses" / f"{row}-seed{seed}.jsonl").read_text(encoding="utf-8")
    steps = [step for step in map(json.loads, log.splitlines()) if "step" in step]
    assert len(steps) == 1125
    if row != "diversity_loss_off":
        assert 0.70 <= round(steps[0]["diversity"], 2) <= 0.73
        assert np.mean([step["diversity"] for step in steps[-50:]]) == pytest.approx(
            0.036, abs=1e-3
        )
    if row != "kl_loss_off":
        ends_at = 4e-5 if row == "msam" else 0
        assert np.mean([step["kl"] for step in steps[-50:]]) == pytest.approx(ends_at, abs=1e-5)


@pytest.mark.parametrize("name", ["clip_zeroshot", "clip4clip_seqtransf-seed42", "msam-seed42"])
def test_the_mistakes_that_are_told_are_those_of_the_tables(name: str) -> None:
    table = list(
        csv.DictReader(
            (EVIDENCE / "mistakes" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        )
    )
    told = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in (EVIDENCE / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    column = 1 + ["clip_zeroshot", "clip4clip_seqtransf-seed42", "msam-seed42"].index(name)
    wrong = {row["fact"]: float(row["wrong"]) for row in table}
    facts = [cells for cells in told if cells[0] in wrong]
    assert len(facts) == 8
    for cells in facts:
        assert float(cells[column]) == pytest.approx(wrong[cells[0]], abs=0.051)
