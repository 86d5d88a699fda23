"""What every test and example stands on; the fixtures of the tests are in tests/fixtures."""

import shutil
from pathlib import Path

import pytest

EXAMPLES = ("dvtr_bench.api.", "dvtr_bench.evaluation.bare_scores")
"""Modules whose examples run in a working folder with a dataset and results in it."""


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every example gets a copy of."""
    from tests.fixtures.example_folder import make_example_folder

    folder = tmp_path_factory.mktemp("examples")
    make_example_folder(folder)
    return folder


@pytest.fixture(autouse=True)
def _working_folder_of_examples(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = getattr(request.node, "dtest", None)
    if test is not None and f"{test.name}.".startswith(EXAMPLES):
        work = request.getfixturevalue("tmp_path") / "work"
        shutil.copytree(request.getfixturevalue("example_folder"), work)
        monkeypatch.chdir(work)
