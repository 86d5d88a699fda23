"""What `dvtr-bench run` refuses, and what it leaves behind when runs fail."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, NotFoundError, StudyError
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.small_study import STUDY
from tests.fixtures.tiny_dataset import build_tiny

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*words: str) -> str:
        command = ["run", *words]
        result = CliRunner().invoke(make_app(), command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_a_study_without_a_dataset_asks_for_one(run: Run) -> None:
    with pytest.raises(NotFoundError, match=r"all-models names no dataset: --dataset NAME"):
        run("all-models", "--set", "backbone=tiny")


def test_a_backbone_that_there_is_not_is_refused(run: Run) -> None:
    with pytest.raises(NotFoundError, match="no architecture called 'ViT-B-99'"):
        run("all-models", "--dataset", "mine", "--set", "backbone=ViT-B-99/openai")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--executor", "slurm"), "--executor: expected local or ray, found 'slurm'"),
        (("--devices", "cpu,tpu"), "--device tpu: expected auto, cpu"),
        (("--executor", "ray", "--devices", "0"), "--devices is for this machine"),
        (("--address", "head:6379"), "--address names a Ray cluster"),
        (("--dataset", "mine"), "--dataset mine: given twice"),
        (("--clips", "ERA.zip"), "no dataset of the study takes any"),
    ],
)
def test_options_that_contradict_each_other(run: Run, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run("all-models", "--dataset", "mine", "--set", "backbone=tiny", *words)


def test_seeds_are_numbers() -> None:
    result = CliRunner().invoke(make_app(), ["run", "quickstart", "--seeds", "42,x"])
    assert result.exit_code == 2
    assert "expected numbers" in result.output


def test_a_list_of_a_study_fetches_nothing_and_needs_no_dataset(run: Run, tmp_path: Path) -> None:
    told = run("msam-paper", "--list")
    assert "usrd, yet to be built" in told
    assert "9 models on 2 datasets, seeds 42: 16 trainings, 0 done; 18 evaluations, 0 done" in told
    assert "clip_zeroshot          not trained, 0 of 1 evaluated" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_pages_are_made_of_what_there_is_when_runs_fail(run: Run, tmp_path: Path) -> None:
    build_tiny(tmp_path)
    bank = '\n[models.bank]\nmodel = "msam"\nsettings = { text_block = "text_bank" }\n'
    text = STUDY.partition("[models.msam]")[0] + "[models.msam]\n" + bank
    (tmp_path / "small.toml").write_text(text.replace("[42, 43]", "[42]"), encoding="utf-8")
    with pytest.raises(StudyError, match=r"(?s)1 of 2 runs failed:\n- msam, bank · seed 42 · tiny"):
        run("small.toml", "--devices", "cpu")
    page = (tmp_path / "studies" / "small" / "STUDY.md").read_text(encoding="utf-8")
    assert "Without results yet: bank." in page
    assert "| msam |" in page
