import shutil
from pathlib import Path

import pytest

from tests.builders.forging import build_toy


@pytest.fixture(scope="module")
def whole_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy(tmp_path_factory.mktemp("toy")).folder


@pytest.fixture
def toy(whole_toy: Path, tmp_path: Path) -> Path:
    """A copy of a small built dataset, to be changed."""
    return Path(shutil.copytree(whole_toy, tmp_path / "dvtr" / "toy"))
