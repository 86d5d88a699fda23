"""What is there is kept, what is missing is done, and nothing is done twice."""

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from dvtr_bench.errors import BusyError, ConfigError, NotFoundError, StudyError
from dvtr_bench.runtime.checkpoint import new_model
from dvtr_bench.studies.carry_out import carry_out
from dvtr_bench.studies.choices import Choices, choose
from dvtr_bench.studies.executors.events import Failed, Started
from dvtr_bench.studies.ledger import Ledger
from dvtr_bench.studies.listing import list_study
from dvtr_bench.studies.plan import Build
from dvtr_bench.studies.work import plan_study
from dvtr_bench.training.run_choice import choose_run_folder, describe_setup
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.small_study import STUDY, here, results, work, write_study
from tests.fixtures.tiny_dataset import build_tiny, copy_tiny


@pytest.fixture(scope="module", autouse=True)
def _small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    return build_tiny(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def done(built, tmp_path_factory: pytest.TempPathFactory):
    """The small study, run whole: its folder and what it told."""
    out = tmp_path_factory.mktemp("done")
    worked, told = work(write_study(out), built, out)
    return out, worked, told


@pytest.fixture
def copy(built, done, tmp_path: Path):
    """A copy of the finished study's folder, and a copy of the dataset."""
    shutil.copytree(done[0], tmp_path / "out")
    return tmp_path / "out", copy_tiny(built, tmp_path)


def times(out: Path) -> dict[str, int]:
    files = (path for path in out.rglob("*") if path.is_file())
    kept = (path for path in files if path.suffix in (".json", ".safetensors", ".jsonl"))
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in kept}


def test_each_setup_is_trained_once_and_each_row_has_its_results(done) -> None:
    out, worked, told = done
    assert [line.partition(" · about ")[0] for line in told] == [
        "1 of 1 · backbone under clip4clip_meanp · seed 42 · tiny · cpu",
        "1 of 5 · clip_zeroshot · tiny · cpu",
        "2 of 5 · msam, text_block=1 · seed 42 · tiny · cpu",
        "3 of 5 · pooling=mean · seed 42 · tiny · cpu",
        "4 of 5 · msam, text_block=1 · seed 43 · tiny · cpu",
        "5 of 5 · pooling=mean · seed 43 · tiny · cpu",
    ]
    assert "about" not in told[0]
    assert "about" in told[-1]
    rows = worked.rows("tiny")
    assert {name: [run.model.seeds for run in runs] for name, runs in rows.items()} == {
        "clip_zeroshot": [()],
        "msam": [(42,), (43,)],
        "text_block=1": [(42,), (43,)],
        "pooling=mean": [(42,), (43,)],
    }
    for first, second in zip(rows["msam"], rows["text_block=1"], strict=True):
        assert first.model.checkpoint_sha256 == second.model.checkpoint_sha256
        assert (first.scoring.text_block, second.scoring.text_block) == (20, 1)
    # All on one backbone, which was trained once, for one epoch.
    runs = worked.records()
    assert len({run.model.backbone_sha256 for run in runs}) == 1
    assert len(runs) == len(list((out / "results").glob("*.json"))) == 7
    (backbone,) = out.glob("runs/tiny/clip4clip_meanp/*/run.json")
    assert json.loads(backbone.read_text())["epochs_done"] == 1
    assert len(list(out.glob("runs/tiny/msam/*/run.json"))) == 4
    assert not list((out / "results").glob("*.png"))


def test_a_finished_study_does_nothing(copy) -> None:
    out, built = copy
    before = times(out)
    worked, told = work(write_study(out), built, out)
    assert told == []
    assert times(out) == before
    assert len(worked.records()) == 7


def test_what_was_deleted_is_made_again_and_nothing_else(copy, done) -> None:
    out, built = copy
    before, whole = times(out), results(done[0])
    (lost,) = [name for name in whole if "block1-" in name and "seed43" in name]
    (out / "results" / lost).unlink()
    _, told = work(write_study(out), built, out)
    assert [line.partition(" · ")[0] for line in told] == [
        "4 of 5 runs are done already",
        "5 of 5",
    ]
    assert results(out) == whole
    changed = {name for name, when in times(out).items() if before[name] != when}
    assert {Path(name).name for name in changed} == {lost, "seconds.json"}


def test_results_stand_for_the_training_behind_them(copy) -> None:
    out, built = copy
    for folder in out.glob("runs/tiny/msam/*"):
        shutil.rmtree(folder)
    assert work(write_study(out), built, out)[1] == []


def test_a_training_that_is_there_under_another_name_is_taken(copy) -> None:
    """As `dvtr-bench train` names it, or a study with other names of its rows."""
    out, built = copy
    for number, folder in enumerate(sorted(out.glob("runs/tiny/msam/*"))):
        folder.rename(folder.with_name(f"2026010{number}T000000Z-seed{number}"))
    shutil.rmtree(out / "results")
    text = STUDY.replace("[models.msam]", '[models.ours]\nmodel = "msam"')
    text = text.replace('reference = "msam"', 'reference = "ours"')
    worked, told = work(write_study(out, text), built, out)
    assert len(told) == 5
    assert set(worked.rows("tiny")) == {"clip_zeroshot", "ours", "text_block=1", "pooling=mean"}
    assert len(list(out.glob("runs/tiny/msam/*/run.json"))) == 4


def test_train_finds_what_a_study_has_trained(copy, monkeypatch: pytest.MonkeyPatch) -> None:
    out, built = copy
    (state,) = out.glob("runs/tiny/msam/pooling_mean-seed42-*/run.json")
    setup = json.loads(state.read_text())["setup"]
    config = setup["model"]["config"]
    model = new_model("msam", config, seed=42)
    from dvtr_bench.training.recipe import Recipe

    recipe = Recipe.from_mapping(setup["recipe"])
    found = choose_run_folder(describe_setup(model, built.split("train"), recipe), out / "runs")
    assert found == (state.parent, "finished")


def test_another_study_in_the_same_folder_shares_what_it_can(copy) -> None:
    out, built = copy
    text = STUDY.replace("seeds = [42, 43]", "seeds = [43, 44]")
    worked, told = work(write_study(out, text), built, out)
    assert told[0] == "3 of 5 runs are done already"
    assert ["seed 44" in line for line in told[1:]] == [True, True]
    assert len(worked.records()) == 7
    assert len(list((out / "results").glob("*.json"))) == 10


def test_a_list_says_what_is_done_and_does_nothing(copy) -> None:
    out, built = copy
    (lost,) = [path for path in (out / "results").glob("*seed43*block1*")] or [None]
    (lost,) = list((out / "results").glob("tiny-test-msam-seed43-*.json"))
    lost.unlink()
    study, before = write_study(out), times(out)
    ledger = Ledger.open(out)
    builds = [Build.of(built), Build("other", Path("dvtr/other"))]
    runs = plan_study(study, builds, ledger)
    told = "\n".join(list_study(study, builds, runs, ledger))
    assert "\ntiny, built\n" in told
    assert "\nother, yet to be built\n" in told
    assert "  backbone under clip4clip_meanp  1 of 1 trained" in told
    assert "2 of 2 trained, 1 of 2 evaluated" in told
    assert "weights of msam, 2 of 2 evaluated" in told
    assert (
        "4 models on 2 datasets, seeds 42, 43: 10 trainings, 5 done; 14 evaluations, 6 done" in told
    )
    assert "left, estimated from the times so far" in told
    assert times(out) == before


def test_a_run_that_fails_does_not_keep_others_from_being_done(built, tmp_path: Path) -> None:
    bank = '[models.bank]\nmodel = "msam"\nsettings = { text_block = "text_bank" }'
    text = STUDY.replace("[models.clip_zeroshot]", bank).replace("[42, 43]", "[42]")
    worked, told = work(write_study(tmp_path, text), built, tmp_path)
    # A bank of 32 captions cannot be chosen from two.
    assert len(worked.failures) == 1
    assert "there are only 2 training captions" in worked.failures[0]
    assert any(line.startswith("failed · ") for line in told)
    assert set(worked.rows("tiny")) == {"msam", "pooling=mean", "text_block=1"}


def test_a_backbone_that_cannot_be_trained_ends_the_study(built, tmp_path: Path) -> None:
    def failing(tasks):
        yield Started(0, "cpu")
        yield Failed(0, "no memory")

    with pytest.raises(StudyError, match="a backbone cannot be trained: .*no memory"):
        work(write_study(tmp_path), built, tmp_path, failing)


def test_two_at_once_in_one_folder_are_refused(built, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".study.lock"), pytest.raises(BusyError, match="another `dvtr-bench"):
        work(write_study(tmp_path), built, tmp_path)


def test_a_dataset_that_was_built_again_meanwhile_is_refused(copy, tmp_path: Path) -> None:
    out, built = copy
    shutil.rmtree(out / "results")
    text = STUDY.replace("[42, 43]", "[42]")

    def swapped(tasks):
        manifest = built.folder / "dataset.json"
        manifest.write_text(manifest.read_text().replace(built.manifest.fingerprint, "0" * 64))
        return here(tasks)

    worked, _ = work(write_study(out, text), built, out, swapped)
    assert all("was built again while the study ran" in one for one in worked.failures)
    assert len(worked.failures) == 3


def test_without_a_file_the_study_is_chosen_in_part(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    chosen = choose(
        study,
        Choices(
            only=["pooling=mean"],
            seeds=[7],
            backbone_seed=7,
            settings=["backbone=tiny", "max_words=12"],
            recipe=["epochs=3", "frames_a_step=none"],
            datasets=["some/place/mine"],
        ),
    )
    assert [row.name for row in chosen.rows] == ["msam", "pooling=mean"]
    assert (chosen.seeds, chosen.backbone_seed) == ((7,), 7)
    assert {row.backbone for row in chosen.rows} == {"tiny"}
    assert chosen.rows[1].settings == {"pooling": "mean", "max_words": 12}
    assert chosen.rows[1].recipe == {"epochs": 3, "batch_size": 2, "frames_a_step": None}
    assert chosen.backbones["own"].recipe["epochs"] == 3
    assert [(one.name, one.place) for one in chosen.datasets] == [("mine", "some/place/mine")]
    for settings, said in (
        (["pooling=max"], "clip_zeroshot: there is no setting 'pooling'"),
        (["temporal_layers=2"], "clip_zeroshot: there is no setting 'temporal_layers'"),
        (["max_words=1"], "max_words must be at least 3"),
    ):
        with pytest.raises(ConfigError, match=said):
            choose(study, Choices(settings=settings))
    with pytest.raises(ConfigError, match="epochs must be at least 1"):
        choose(study, Choices(recipe=["epochs=0"]))
    with pytest.raises(ConfigError, match="each once"):
        choose(study, Choices(seeds=[1, 1]))
    with pytest.raises(NotFoundError, match="no model 'xpool' in the study small"):
        choose(study, Choices(only=["xpool"]))


def test_one_run_is_a_function_of_itself_and_its_folder(built, done, tmp_path: Path) -> None:
    """Carried out again in an empty folder, it gives the same weights."""
    from dvtr_bench.studies.carry_out import Means, Task, Trained

    out, worked, _ = done
    run = next(run for run in worked.runs if "pooling=mean" in run.rows)
    trained, evaluated = carry_out(Task(run, tmp_path / "run"), Means(show_progress=False))
    assert isinstance(trained, Trained)
    assert trained.seconds > 0
    (first,) = [one for one in worked.rows("tiny")["pooling=mean"] if one.model.seeds == (42,)]
    assert evaluated.record.model.checkpoint_sha256 == first.model.checkpoint_sha256
    assert evaluated.record.ranks == first.ranks
