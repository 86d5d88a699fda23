"""The model that docs/guides/own-scores-and-models.md shows runs as it stands there."""

import re
from pathlib import Path

import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.results import load_results
from tests.builders.tiny_clips import TinyClips

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "own-scores-and-models.md"
HEADING = "## A model of your own"


@pytest.fixture
def code() -> str:
    """The Python block that follows the heading."""
    _, found, after = PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")
    assert found, f"{PAGE.name} has no heading {HEADING!r}"
    block = re.search(r"```python\n(.*?)```", after, flags=re.DOTALL)
    assert block is not None
    return block.group(1)


def test_it_has_at_most_20_lines(code: str) -> None:
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_it_writes_a_result(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"clip{number}.mp4" for number in range(4)]
    clips = TinyClips().write_folder(tmp_path / "clips", names)
    rows = [f"{name},a red roof,the {name[:-4]},test" for name in names]
    table = tmp_path / "captions.csv"
    table.write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    settings = BuildSettings(root=tmp_path / "dvtr", name="mine", workers=0, progress=False)
    build("folder", {"clips": clips, "captions": table}, settings)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, PAGE.name, "exec"), {"__name__": "__main__"})
    (record,) = load_results("results")
    assert (record.kind, record.dataset.name, record.dataset.num_captions) == ("model", "mine", 8)
