"""`dvtr-bench evaluate --from-mteb`: what mteb ran on our tasks comes in with its own figures."""

import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import mteb
import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from builders.exports.mteb import Options, export
from dvtr_bench.cli import make_app
from dvtr_bench.errors import InputError, NotFoundError, ProtocolError, ResultError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.results import read_result
from tests.fixtures.memory_split import MemorySplit
from tests.fixtures.mteb_models import ColourEncoder, load_task, register
from tests.fixtures.tiny_dataset import build_tiny

T2V, V2T = "TinyT2V_predictions.json", "TinyV2T_predictions.json"
MODEL = "mteb/baseline-colours"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    # Equal texts have equal scores, but for the last digit, which the kernel decides.
    return build_tiny(tmp_path_factory.mktemp("tiny"), text_shared=False)


@pytest.fixture(scope="module")
def ran(built, tmp_path_factory) -> Path:
    """A folder with what mteb keeps of a model on both tasks: predictions and figures."""
    root = tmp_path_factory.mktemp("mteb")
    folders, _ = export(built, root, Options(progress=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", root / "hf-cache")
        register(patch, MODEL, ColourEncoder, ["text", "video"])
        model = mteb.get_model(MODEL)
        for folder, name in zip(folders, ("TinyT2V", "TinyV2T"), strict=True):
            mteb.evaluate(
                model,
                load_task(folder, name),
                cache=mteb.ResultCache(root / "run"),
                prediction_folder=root / "run",
                co2_tracker=False,
                show_progress_bar=False,
            )
    return root / "run"


@pytest.fixture
def run(ran, tmp_path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "run"))


def evaluate(place: Path, built: Any, **more: Any) -> Any:
    return dvtr.evaluate_mteb(place, built, device="cpu", show_progress=False, **more)


def test_both_tasks_become_one_result_with_our_ranks(built, run, monkeypatch) -> None:
    """Each direction has the ranks that our own run has with the prompts of that direction."""
    register(monkeypatch, MODEL, ColourEncoder, ["text", "video"])
    own = {
        prompts: dvtr.evaluate(
            model_entry(f"mteb:{MODEL}").build({"prompts": prompts}),
            built,
            device="cpu",
            show_progress=False,
        ).record
        for prompts in ("t2v", "v2t", "each")
    }
    record = evaluate(run, built).record
    assert (record.kind, record.model.name) == ("external", f"mteb:{MODEL}")
    assert own["t2v"].ranks["v2t"] != own["v2t"].ranks["v2t"]
    for way, prompts in (("t2v", "t2v"), ("v2t", "v2t"), ("v2t_caption", "v2t")):
        for relevance, ranks in vars(own[prompts].ranks[way]).items():
            assert vars(record.ranks[way])[relevance] == ranks, (way, relevance)
            assert vars(own["each"].ranks[way])[relevance] == ranks, (way, relevance)
    assert record.scoring.each_way
    assert own["each"].scoring.each_way
    config = record.model.config
    assert (config["source"], config["revision"]) == ("mteb", "r1")
    assert config["mteb_version"] == mteb.__version__
    assert config["figures_checked"] == ["t2v", "v2t"]
    assert set(config["predictions_sha256"]) == {"t2v", "v2t"}


def test_one_command_brings_a_run_onto_the_board(built, run, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    words = ["--from-mteb", str(run), "--dataset", str(built.folder), "--out", "results"]
    told = CliRunner().invoke(make_app(), ["evaluate", *words, "--device", "cpu"])
    assert told.exit_code == 0, told.output
    assert "mteb:mteb/baseline-colours" in " ".join(told.output.split())
    (path,) = (tmp_path / "results").glob("*.json")
    assert read_result(path).kind == "external"
    for more, said in (
        (["--text-block", "2"], "leave out --text-block"),
        (["--post-process", "dual_softmax"], "leave out --post-process"),
        (["--checkpoint", "x"], "it belongs to --model, not to --from-mteb"),
        (["--sim-matrix", "x.npz"], "found --sim-matrix and --from-mteb"),
    ):
        told = CliRunner().invoke(make_app(), ["evaluate", *words, *more])
        assert told.exit_code == 2
        assert said in " ".join(told.output.replace("│", " ").split())
    told = CliRunner().invoke(make_app(), ["evaluate", "--from-mteb", str(run)])
    assert told.exit_code == 2
    assert "--from-mteb needs --dataset too" in " ".join(told.output.split())


@pytest.mark.parametrize(("kept", "gone"), [(T2V, V2T), (V2T, T2V)])
def test_one_task_gives_both_directions_and_the_record_says_so(built, run, kept, gone) -> None:
    (run / gone).unlink()
    record = evaluate(run / kept, built, model_name="theirs").record
    assert record.model.name == "theirs"
    assert list(record.model.config["predictions_sha256"]) == [kept[4:7].lower()]
    # A file alone has no figures beside it.
    assert record.model.config["figures_checked"] == []


def change(path: Path, edit: Any) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def drop_a_candidate(content: Any) -> None:
    scores = next(iter(content["default"]["test"].values()))
    scores.pop(next(iter(scores)))


def rename_a_candidate(content: Any) -> None:
    scores = next(iter(content["default"]["test"].values()))
    scores["another clip"] = scores.pop(next(iter(scores)))


def drop_a_query(content: Any) -> None:
    content["default"]["test"].popitem()


def add_a_query(content: Any) -> None:
    content["default"]["test"]["another"] = {}


def write_a_word(content: Any) -> None:
    scores = next(iter(content["default"]["test"].values()))
    scores[next(iter(scores))] = "high"


@pytest.mark.parametrize(
    ("edit", "failure", "said"),
    [
        (drop_a_candidate, ProtocolError, "scores of 9 of 10 candidates.*k_values reach"),
        (rename_a_candidate, ProtocolError, "1 of 10 candidates of .* are missing"),
        (drop_a_query, ProtocolError, "1 of 20 queries are missing"),
        (add_a_query, ProtocolError, "'another' is not in the split"),
        (write_a_word, InputError, "'high' is no score"),
        (lambda content: content.pop("default"), InputError, "expected scores under 'default'"),
        (lambda content: content.pop("mteb_model_meta"), InputError, "model_name and revision"),
        (
            lambda content: content["mteb_model_meta"].update(model_name="other"),
            InputError,
            "one model at a time",
        ),
    ],
)
def test_predictions_that_are_not_whole_are_refused(built, run, edit, failure, said) -> None:
    change(run / T2V, edit)
    with pytest.raises(failure, match=said):
        evaluate(run, built)


def test_figures_that_are_not_of_these_predictions_are_refused(built, run) -> None:
    (figures,) = run.rglob("TinyV2T.json")
    change(figures, lambda content: content["scores"]["test"][0].update(hit_rate_at_5=0.123))
    with pytest.raises(ResultError, match=r"hit_rate_at_5 = 0\.12300 for v2t.*not of one run"):
        evaluate(run, built)


def test_figures_of_another_build_are_refused(built, run) -> None:
    (figures,) = run.rglob("TinyT2V.json")
    change(figures, lambda content: content.update(dataset_revision="1.0.0-0123456789ab"))
    with pytest.raises(ProtocolError, match="export the task again"):
        evaluate(run, built)


def test_figures_alone_are_no_result(built, run) -> None:
    (run / T2V).unlink()
    (run / V2T).unlink()
    with pytest.raises(NotFoundError, match="figures and no predictions.*prediction_folder"):
        evaluate(run, built)
    shutil.rmtree(run)
    with pytest.raises(NotFoundError, match="no file or folder.*prediction_folder"):
        evaluate(run, built)


def test_two_models_in_a_folder_are_told_apart(built, run) -> None:
    shutil.copytree(run, run / "again")
    with pytest.raises(InputError, match="several predictions of TinyT2V"):
        evaluate(run, built)


def test_a_video_without_captions_is_a_candidate_and_no_query(tmp_path) -> None:
    """Ranks are by hand; the third video beats the own one of the first caption."""
    split = MemorySplit([["a boat", "a lake"], ["a road"], []])
    captions, videos = split.caption_ids, split.video_ids
    scores = {
        "t2v": dict(
            zip(captions, ([0.5, 0.1, 0.9], [0.7, 0.2, 0.3], [0.4, 0.6, 0.5]), strict=True)
        ),
        "v2t": {videos[0]: [0.2, 0.8, 0.3], videos[1]: [0.9, 0.1, 0.5]},
    }
    for way, candidates in (("t2v", videos), ("v2t", captions)):
        content = {
            "mteb_model_meta": {"model_name": "me/mine", "revision": None},
            "default": {
                "test": {
                    query: dict(zip(candidates, row, strict=True))
                    for query, row in scores[way].items()
                }
            },
        }
        (tmp_path / f"Toy{way.upper()}_predictions.json").write_text(json.dumps(content))
    record = evaluate(tmp_path, split).record
    ranks = {way: of.strict.pessimistic.tolist() for way, of in record.ranks.items()}
    assert ranks == {"t2v": [2, 1, 1], "v2t": [1, 2], "v2t_caption": [1, 2]}
    (tmp_path / "ToyT2V_predictions.json").unlink()
    with pytest.raises(ProtocolError, match="1 video without captions.*text-to-video task too"):
        evaluate(tmp_path, split)
