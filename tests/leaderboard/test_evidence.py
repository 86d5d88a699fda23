"""The committed pages say what the committed result files say."""

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
ABLATION = read_study("msam-ablation")


@pytest.fixture(scope="module")
def models() -> list[RunRecord]:
    return load_results([EVIDENCE / "models"])


@pytest.fixture(scope="module")
def ablated(models: list[RunRecord]) -> list[RunRecord]:
    return models + load_results([EVIDENCE / "ablation"])


@pytest.fixture(scope="module")
def rows(ablated: list[RunRecord]) -> Rows:
    return results_by_row(ABLATION, ablated)["aerosynth-full"]


def test_the_leaderboard_is_that_of_its_files(models: list[RunRecord], tmp_path: Path) -> None:
    page = write_markdown(make_boards(models), tmp_path / "LEADERBOARD.md")
    assert page.read_bytes() == (EVIDENCE / "LEADERBOARD.md").read_bytes()


def test_the_ablation_is_that_of_its_files(rows: Rows, tmp_path: Path) -> None:
    page = write_study([make_figures(ABLATION, rows)], tmp_path / "ABLATION.md")
    assert page.read_bytes() == (EVIDENCE / "ABLATION.md").read_bytes()


def test_every_row_has_its_seeds_and_one_way_of_training(
    ablated: list[RunRecord], rows: Rows
) -> None:
    seeds: dict[str, set[tuple[int, ...]]] = {}
    recipes = set()
    for record in ablated:
        assert not record.environment.git_dirty
        if record.model.training:
            seeds.setdefault(record.model.name, set()).add(record.model.seeds)
            recipe = {**record.model.training.recipe, "seed": None}
            recipes.add(tuple(sorted(recipe.items())))
    assert all(found == SEEDS for found in seeds.values())
    assert len(recipes) == 1
    assert set(rows) == {row.name for row in ABLATION.rows}
    assert all({run.model.seeds for run in runs} == SEEDS for runs in rows.values())
