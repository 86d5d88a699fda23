"""The study that docs/guides/studies.md shows runs as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.results import load_results
from dvtr_bench.studies.study_file import shipped_studies
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.small_clip import SMALL_CONFIG

DOCS = Path(__file__).parents[3] / "docs" / "guides" / "studies.md"
SPLITS = ["train"] * 4 + ["validation"] * 2 + ["test"] * 6


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*words: str) -> str:
        result = CliRunner().invoke(make_app(), list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


@pytest.mark.slow
def test_the_whole_example(run: Callable[..., str], tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    ours = tmp_path / "ours"
    names = [f"clip {number}.mp4" for number in range(len(SPLITS))]
    TinyClips().write_folder(ours / "clips", names)
    rows = [f"{n},{n[:-4]} from above,a view,{s}" for n, s in zip(names, SPLITS, strict=True)]
    table = ["file_name,caption_1,caption_2,split", *rows]
    (ours / "captions.csv").write_text("\n".join(table), encoding="utf-8")
    (ours / "heads.toml").write_text(example, encoding="utf-8")

    told = run("run", "ours/heads.toml", "--list")
    assert "mine, yet to be built" in told
    assert "5 models on 1 dataset, seeds 42, 43: 7 trainings, 0 done; 9 evaluations, 0 done" in told
    assert not (tmp_path / "dvtr").exists()

    told = run("run", "ours/heads.toml", "--devices", "cpu")
    assert "building mine" in told
    assert open_dataset("mine").manifest.licence.id == "cc-by-4.0"
    page = (tmp_path / "studies" / "heads" / "STUDY.md").read_text(encoding="utf-8")
    assert page.startswith("# What a head adds on our footage\n\nThree heads on one small CLIP")
    assert "| model | R@1 | R@5 | MdR | R@1, to clip4clip\\_meanp |" in page
    for row in ("clip\\_zeroshot", "clip4clip\\_meanp", "msam, each query alone"):
        assert f"| {row}" in page
    assert "T2V R@1 by caption length" in page
    assert re.search(r"MSAM (gains|is not seen to gain) by itself\.", page)
    assert (tmp_path / "studies" / "heads" / "LEADERBOARD.md").is_file()
    # A row of its own recipe, two of one training, one without any.
    records = load_results("results")
    epochs = [run.model.training.recipe["epochs"] for run in records if run.model.training]
    assert (len(records), epochs.count(3)) == (11, 4)
    assert len(list((tmp_path / "results").glob("*.png"))) > 0

    assert "nothing is left to do" in run("run", "ours/heads.toml", "--list")
    run("leaderboard", "results", "--study", "ours/heads.toml")
    assert (tmp_path / "STUDY.md").read_text(encoding="utf-8") == page


def test_the_page_lists_the_studies_of_the_package() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("## Studies of the package")[2]
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == shipped_studies()


def test_the_page_lists_every_key() -> None:
    from dvtr_bench.studies.read import KEYS

    text = DOCS.read_text(encoding="utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text and f"[{key}" not in text] == []
