"""Every hostile input of this folder ends in our error, with the file's name and its reason.

A module ``<reader>_inputs.py`` beside this one holds ``INPUTS``, a list of `Hostile`. All are made
when they are needed, so that no damaged file lies in the repository.
"""

import importlib
import sys
from pathlib import Path

import pytest

from dvtr_bench.errors import DvtrError
from tests.hostile.case import Hostile, bounded

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("*_inputs.py"))
CORPUS: list[tuple[str, Hostile]] = [
    (module.removesuffix("_inputs"), one)
    for module in MODULES
    for one in importlib.import_module(f"tests.hostile.{module}").INPUTS
]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded as Linux does it")
@pytest.mark.parametrize(
    "hostile", [one for _, one in CORPUS], ids=[f"{reader}: {one.name}" for reader, one in CORPUS]
)
def test_it_ends_in_our_error(hostile: Hostile, tmp_path: Path) -> None:
    """With the expected message, in little memory, without a hang."""
    path = hostile.make(tmp_path)
    with pytest.raises(DvtrError, match=hostile.message), bounded():
        hostile.read(path)


def test_names_are_unique() -> None:
    """So that a failure names one input."""
    names = [(reader, one.name) for reader, one in CORPUS]
    assert len(set(names)) == len(names)
