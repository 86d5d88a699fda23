"""Facts that fit together pass, and every relation refuses at least one forged file."""

import re
from pathlib import Path

import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.results.build import RELATIONS
from dvtr_bench.results.files import read_result
from tests.hostile.forged_result_inputs import INPUTS, sound


@pytest.mark.parametrize(("kind", "block"), [("model", None), ("model", 32), ("external", None)])
def test_the_honest_twin_of_the_forged_files_is_read(
    tmp_path: Path, kind: str, block: int | None
) -> None:
    path = tmp_path / "run.json"
    path.write_text(sound(kind, block))
    assert read_result(path).kind == kind


def test_every_relation_refuses_a_forged_file(tmp_path: Path) -> None:
    refusals = []
    for number, forged in enumerate(INPUTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(ResultError) as refusal:
            forged.read(forged.make(folder))
        refusals.append(str(refusal.value))
    for name in RELATIONS:
        assert any(re.search(rf"run\.json: {re.escape(name)}: ", one) for one in refusals), name
