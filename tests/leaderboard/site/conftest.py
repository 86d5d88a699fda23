"""A browser, and two sites to open in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dvtr_bench as dvtr
from leaderboard.board import make_boards
from leaderboard.result_files import ResultFile
from leaderboard.site.build import write_site
from tests.fixtures.browser import Site, chromium_paths, open_browser
from tests.fixtures.records import toy_record
from tests.fixtures.scored_site import make_scored_site


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium_paths()
    with open_browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    results = make_scored_site(folder)
    dvtr.make_leaderboard(results).write_site(folder / "site", root=folder / "dvtr")
    return folder


@pytest.fixture
def site(browser: Any, scored: Path) -> Iterator[Site]:
    opened = Site(browser, scored / "site")
    opened.errors()
    yield opened
    assert opened.errors() == []


@pytest.fixture(scope="session")
def toys() -> list[Any]:
    """Rows of one, two and three seeds, one of them trained."""
    return [
        toy_record("alpha", best_rank=4, recipe={"epochs": 3, "freeze": "frames"}),
        *(toy_record("beta", rank_seed=seed, best_rank=9, seeds=(seed,)) for seed in range(3)),
        *(toy_record("gamma_x", rank_seed=5 + seed, seeds=(seed,), tied=True) for seed in (1, 2)),
        toy_record("gamma_y", rank_seed=9, best_rank=12, kind="external"),
    ]


@pytest.fixture
def toy_site(browser: Any, toys: list[Any], tmp_path: Path) -> Iterator[Site]:
    write_site(
        make_boards(toys),
        [ResultFile(record, None) for record in toys],
        tmp_path / "site",
        tmp_path / "nothing",
    )
    opened = Site(browser, tmp_path / "site")
    opened.errors()
    yield opened
    assert opened.errors() == []
