"""The public functions on a small dataset: what is at hand is used, what is not is said."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dvtr_bench as dvtr
from dvtr_bench.api.models import find_weights
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.api.training import make_recipe
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.reports.chart_data import Series
from tests.fixtures.memory_split import HonestModel, MemorySplit
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with the dataset `tiny`, in which one model is trained."""
    folder = tmp_path_factory.mktemp("verbs")
    build_tiny(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        yield folder


@pytest.fixture(scope="module")
def dataset(made: Path) -> BuiltDataset:
    return dvtr.open_dataset("tiny", made / "dvtr")


@pytest.fixture(scope="module")
def run(dataset: BuiltDataset) -> TrainedRun:
    told: list[str] = []
    trained = dvtr.train(
        "CLIP4Clip-meanP", dataset, backbone="tiny-scratch", epochs=2, device="cpu",
        recipe={"patience": None}, show_progress=False, tell=told.append,
    )  # fmt: skip
    assert told[0].startswith("training clip4clip_meanp on tiny: 2 captions of 1 video, 2 epochs")
    assert told[1].startswith("the model sees the middle 76% of each frame (center_crop)")
    assert told[2].startswith(f"best checkpoint on validation: {trained.checkpoint} (T2V R@1")
    return trained


@pytest.fixture(scope="module")
def result(run: TrainedRun) -> EvaluationResult:
    return dvtr.evaluate(run, device="cpu", show_progress=False)


def test_a_finished_run_knows_itself(run: TrainedRun, dataset: BuiltDataset) -> None:
    assert (run.model, run.seed, run.epochs_done, run.stopped_early) == (
        "clip4clip_meanp", make_recipe("msam", backbone="tiny-scratch").seed, 2, False,
    )  # fmt: skip
    assert run == TrainedRun.read(run.folder, dataset)
    assert run.log()["validation_t2v_r1"].count() == 2
    series = run.chart().data
    assert isinstance(series, Series)
    assert [x for x, _ in series.lines["validation"]] == [1, 2]
    again = dvtr.train("clip4clip_meanp", "tiny", backbone="tiny-scratch", epochs=2, device="cpu")
    assert again.folder.resolve() == run.folder.resolve()


def test_every_way_to_name_a_model_gives_the_same_figures(
    run: TrainedRun, result: EvaluationResult, dataset: BuiltDataset
) -> None:
    quiet = {"device": "cpu", "show_progress": False}
    ways = [
        dvtr.evaluate("clip4clip_meanp", "tiny", **quiet),
        dvtr.evaluate(run.folder, dataset["test"], **quiet),
        dvtr.evaluate(dvtr.load_model(run.checkpoint, device="cpu"), dataset, **quiet),
        dvtr.evaluate_all("clip4clip_meanp", **quiet)[0],
    ]
    for found in ways:
        assert found.record.metrics == result.record.metrics
        assert found.split.name == "test"
        assert found.paths == ()
    assert not Path("results").exists()


def test_an_evaluation_shows_its_errors_and_is_saved_later(
    result: EvaluationResult, tmp_path: Path
) -> None:
    ranks = result.record.rank_table.ranks["t2v"]["strict"].pessimistic
    worst = result.worst(4)
    assert worst["rank"].tolist() == sorted(ranks.tolist(), reverse=True)[:4]
    for row in worst.itertuples():
        assert row.rank == ranks[row.query]
        assert row.caption == result.split.captions[row.query]
        own = result.split.caption_video_index[row.query]
        assert row.video_id == result.split.video_ids[own]
    assert result.contact_sheet(worst["query"]).size == result.contact_sheet([0, 1, 2, 3]).size
    with pytest.raises(dvtr.InputError, match=r"rows of captions in 0\.\.19"):
        result.contact_sheet([20])
    paths = result.save(tmp_path / "kept")
    assert [path.suffix for path in paths] == [".json", ".parquet", ".png"]
    (record,) = dvtr.load_results(tmp_path / "kept")
    assert record == result.record


def test_a_model_of_ones_own_is_evaluated_on_a_split_of_ones_own() -> None:
    split = MemorySplit([[f"a car {number}", f"a road {number}"] for number in range(6)])
    found = dvtr.evaluate(HonestModel(), split, device="cpu", show_progress=False)
    assert found.record.dataset.name == "toy"
    with pytest.raises(dvtr.InputError, match="load it with load_model"):
        dvtr.evaluate("clip_zeroshot", split, device="cpu")


def test_post_processors_are_named_and_get_their_bank(dataset: BuiltDataset) -> None:
    found = dvtr.evaluate(
        "clip_zeroshot", dataset, backbone="tiny-scratch", device="cpu", show_progress=False,
        post_process=["dual_softmax", "qb_norm:bank_captions=2,bank_videos=1"],
    )  # fmt: skip
    assert [record.scoring.post_processing.split()[0] for record in found.records] == [
        "none", "dual_softmax", "qb_norm",
    ]  # fmt: skip
    model = dvtr.load_model("clip_zeroshot", backbone="tiny-scratch", device="cpu")
    again = dvtr.evaluate(
        model, dataset, post_process=["qb_norm:bank_captions=2,bank_videos=1"], device="cpu",
        show_progress=False,
    )  # fmt: skip
    assert again.records[1].ranks == found.records[2].ranks


def test_results_at_hand_are_compared_with_their_clips(result: EvaluationResult) -> None:
    other = dvtr.evaluate(
        "clip_zeroshot", "tiny", backbone="tiny-scratch", device="cpu", show_progress=False
    )
    comparison = dvtr.compare(other, result)
    assert comparison.evidence.can_be_drawn
    changed = comparison.changed()
    ranks = [one.record.rank_table.ranks["t2v"]["strict"].pessimistic for one in (other, result)]
    for row in changed.itertuples():
        assert (row.first_rank, row.second_rank) == (ranks[0][row.query], ranks[1][row.query])
    assert (comparison.contact_sheet() is None) == changed.empty
    series = comparison.recall_chart(3).data
    assert isinstance(series, Series)
    first, second = series.lines.values()
    assert first == [(k, 100 * (ranks[0] <= k).mean()) for k in (1, 2, 3)]
    assert second[0][1] == result.record.metrics["t2v"]["strict"]["R@1"].value
    bare = dvtr.compare(other.record, result.record)
    assert bare.figures == comparison.figures
    assert bare.contact_sheet() is None
    assert "top lists of clip_zeroshot are not at hand" in " ".join(bare.evidence.missing)
    with pytest.raises(dvtr.InputError, match="int is not a run"):
        dvtr.compare(other, 5)  # type: ignore[arg-type]


def test_a_leaderboard_takes_records_results_and_files(
    result: EvaluationResult, tmp_path: Path
) -> None:
    path, *_ = result.save(tmp_path / "r")
    boards = [
        dvtr.make_leaderboard(given)
        for given in (result, [result], path, [path], tmp_path / "r", [result.record])
    ]
    assert {repr(board[0].entries) for board in boards} == {repr(boards[0][0].entries)}
    assert len(boards[0]) == 1
    assert boards[0].to_frame().query("metric == 'R@1'").shape[0] > 0
    with pytest.raises(dvtr.NotFoundError, match="an empty list"):
        dvtr.make_leaderboard([])


def test_a_leaderboard_of_files_needs_no_torch(result: EvaluationResult, tmp_path: Path) -> None:
    path, *_ = result.save(tmp_path / "r")
    script = (
        "import sys; import dvtr_bench as dvtr\n"
        f"assert len(dvtr.make_leaderboard({str(path)!r})) == 1\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_scores_brought_in_a_file_are_those_of_the_matrix(
    dataset: BuiltDataset, tmp_path: Path
) -> None:
    split = dataset["test"]
    scores = np.random.default_rng(0).random((len(split.captions), len(split)))
    order = np.random.default_rng(1).permutation(len(split))
    file = tmp_path / "scores.npz"
    ids = np.array(split.video_ids)[order]
    np.savez(file, sim_matrix=scores[:, order], caption_ids=split.caption_ids, video_ids=ids)
    found = dvtr.evaluate_external(
        file, dataset, model_name="mine", seed=7, device="cpu", show_progress=False
    )
    bare = dvtr.evaluate_scores(scores, split.caption_video_index, captions=split.captions)
    assert found.record.metrics == bare.figures
    assert (found.record.kind, found.record.model.seeds) == ("external", (7,))


def test_searches_take_a_model_by_any_of_its_names(
    run: TrainedRun, dataset: BuiltDataset, made: Path
) -> None:
    quiet = {"device": "cpu", "show_progress": False, "top": 3}
    found = dvtr.search("the number 5", model=run, dataset=dataset, **quiet)
    for other in (
        dvtr.search("the number 5", **quiet),
        dvtr.search("the number 5", model="clip4clip_meanp", dataset="tiny", **quiet),
        dvtr.search("the number 5", model=run.folder, **quiet),
    ):
        assert [clip.video_id for clip in other] == [clip.video_id for clip in found]
    assert found.to_frame()["rank"].tolist() == [1, 2, 3]
    assert found._repr_html_().count("<tr>") == 4
    captions = dvtr.search(video=made / "clips" / "clip 5.mp4", model=run, **quiet)
    assert "captions for clip 5.mp4 in tiny test, by clip4clip_meanp" in captions.title
    assert captions.to_frame()["score"].is_monotonic_decreasing
    with pytest.raises(dvtr.InputError, match="found both"):
        dvtr.search("a", video="b.mp4")
    with pytest.raises(dvtr.InputError, match="found neither"):
        dvtr.search()


def test_a_trained_model_needs_to_know_its_dataset(run: TrainedRun, made: Path) -> None:
    with pytest.raises(dvtr.ConfigError, match="name the dataset that it was trained on"):
        dvtr.load_model("clip4clip_meanp", device="cpu")
    weights = find_weights("clip4clip_meanp", "tiny")
    assert weights.checkpoint is not None
    assert weights.checkpoint.resolve() == run.checkpoint.resolve()


def test_build_takes_paths_as_texts_and_reports(made: Path) -> None:
    reports = []
    built = dvtr.build(
        "folder", captions=str(made / "captions.csv"), name="texts", annotations_only=True,
        root=made / "other", show_progress=False, report=reports.append,
    )  # fmt: skip
    assert built.folder == made / "other" / "texts"
    (report,) = reports
    assert report.dataset == built
    assert report.report is not None
    with pytest.raises(dvtr.ConfigError, match="--clip is not an option of folder"):
        dvtr.build("folder", name="x", clip="clips")


def test_settings_are_checked_by_name_and_type() -> None:
    tiny = make_recipe("msam", {"patience": None, "epochs": 3}, backbone="tiny")
    assert (tiny.epochs, tiny.patience) == (3, None)
    assert make_recipe("msam", ["epochs=3"]) == make_recipe("msam", epochs=3)
    assert make_recipe("msam", settings={"backbone": "tiny"}) == make_recipe(
        "msam", backbone="tiny"
    )
    assert make_recipe("msam", backbone="tiny") != make_recipe("msam")
    assert make_recipe("msam", tiny, seed=5) == replace(tiny, seed=5)
    with pytest.raises(dvtr.ConfigError, match="clip_zeroshot is not trained"):
        dvtr.train("clip_zeroshot", "tiny")
    with pytest.raises(dvtr.ConfigError, match="epoch"):
        make_recipe("msam", {"epoch": 3})
    with pytest.raises(dvtr.ConfigError, match="epochs"):
        make_recipe("msam", {"epochs": "many"})
