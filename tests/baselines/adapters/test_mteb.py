"""Models of mteb by name: the same vectors as by its own calls, frames and prompts as recorded."""

import json
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

import dvtr_bench as dvtr
from baselines.pretrained.mteb_inputs import StoredFrames, text_inputs
from dvtr_bench.dataset.mteb_tasks import QUERY_PROMPTS
from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.retriever import Described, StagedRetriever, VectorRetriever
from tests.fixtures.mteb_models import (
    ColourEncoder,
    register,
    save_small_clip,
    save_small_sentence_clip,
    save_small_xclip,
)
from tests.fixtures.tiny_dataset import build_tiny

CAPTIONS = ["the number 3 and 9 trees", "a drone looks down", "trees"]

pytestmark = pytest.mark.usefixtures("_offline")


@pytest.fixture
def _offline(monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def sentence_clip(tmp_path_factory) -> Path:
    return save_small_sentence_clip(tmp_path_factory.mktemp("models") / "small-clip")


def videos(*counts: int) -> list[list[np.ndarray]]:
    random = np.random.default_rng(0)
    return [list(random.integers(0, 255, (count, 20, 28, 3), np.uint8)) for count in counts]


def unit(vectors: Any) -> torch.Tensor:
    return functional.normalize(torch.as_tensor(vectors).float(), dim=-1)


def test_a_folder_gives_the_vectors_of_sentence_transformers_itself(sentence_clip) -> None:
    from sentence_transformers import SentenceTransformer

    model = model_entry(f"mteb:{sentence_clip}").build({"max_frames": 3})
    direct = SentenceTransformer(str(sentence_clip), device="cpu", local_files_only=True)
    for protocol in (StagedRetriever, VectorRetriever, Described):
        assert isinstance(model, protocol)
    expected = unit(direct.encode_query(CAPTIONS, convert_to_tensor=True))
    texts = model.encode_texts(CAPTIONS)
    torch.testing.assert_close(texts["vector"], expected, atol=1e-5, rtol=0)
    given = videos(3, 5)
    means = []
    for frames, chosen in zip(given, ([0, 1, 2], [0, 2, 4]), strict=True):
        images = [Image.fromarray(frames[index]) for index in chosen]
        means.append(unit(direct.encode_document(images, convert_to_tensor=True)).mean(dim=0))
    found = model.encode_videos(given)
    torch.testing.assert_close(found["vector"], unit(torch.stack(means)), atol=1e-5, rtol=0)
    own = direct.similarity(texts["vector"], found["vector"])
    torch.testing.assert_close(model.score(texts, found), own, atol=1e-5, rtol=0)


def test_a_folder_s_record_has_no_path_and_the_hash_of_its_weights(sentence_clip) -> None:
    model = model_entry(f"mteb:{sentence_clip}").build({})
    assert model.name == "mteb:small-clip"
    told = model.describe()
    assert str(sentence_clip.parent) not in json.dumps(told)
    assert len(told["backbone"]["weights_sha256"]) == 64
    assert told["parameters"] > 1000
    config = told["config"]
    assert (config["similarity"], config["frames_to_video"]) == ("cosine", "unit_mean")
    assert (config["captions_as"], config["videos_as"]) == ("query", "document")
    assert (config["dtype"], config["prompts_differ"]) == ("float32", False)
    assert config["loader"].endswith("SentenceTransformerEncoderWrapper")
    assert "mteb" in model.feature_key("videos")["libraries"]


def test_one_command_evaluates_a_folder_and_the_board_shows_it(
    built, sentence_clip, tmp_path, capsys
) -> None:
    (result,) = dvtr.evaluate_all(
        f"mteb:{sentence_clip}",
        str(built.folder),
        results=tmp_path / "results",
        device="cpu",
        show_progress=False,
    )
    record = result.record
    assert (record.kind, record.model.name) == ("model", "mteb:small-clip")
    assert record.honesty
    assert all(check.passed for check in record.honesty)
    assert record.environment.libraries["mteb"] == mteb.__version__
    dvtr.make_leaderboard(tmp_path / "results").print()
    assert "mteb:small-clip" in capsys.readouterr().out


@pytest.mark.parametrize(("frames_to_video", "of_mteb"), [("mean", True), ("unit_mean", False)])
def test_mteb_s_clip_gives_the_vectors_of_mteb_s_own_calls(
    tmp_path, monkeypatch, frames_to_video, of_mteb
) -> None:
    """mteb's wrapper for image models takes the mean of vectors as they are."""
    from mteb.models.model_implementations.clip_models import CLIPModel

    folder = save_small_clip(tmp_path / "clip")
    name = register(
        monkeypatch,
        "mteb/baseline-small-clip",
        lambda name, revision, **more: CLIPModel(str(folder), None, **more),
        ["text", "image"],
    )
    model = model_entry(f"mteb:{name}").build({"frames_to_video": frames_to_video})
    with torch.no_grad():
        clip = model._encoder.model
        given = videos(2, 3)
        pictures = [
            model._encoder.processor(images=frames, return_tensors="pt") for frames in given
        ]
        vectors = [clip.get_image_features(**one).pooler_output for one in pictures]
    means = [(one if of_mteb else unit(one)).mean(dim=0) for one in vectors]
    torch.testing.assert_close(
        model.encode_videos(given)["vector"], unit(torch.stack(means)), atol=1e-5, rtol=0
    )
    assert model.describe()["config"]["revision"] == "r1"


def test_mteb_s_x_clip_sees_evenly_spaced_frames(tmp_path, monkeypatch) -> None:
    from mteb.models.model_implementations.xclip_models import XCLIPModel

    folder = save_small_xclip(tmp_path / "xclip", num_frames=4)
    name = register(
        monkeypatch,
        "mteb/baseline-small-xclip",
        lambda name, revision, **more: XCLIPModel(str(folder), None, num_frames=4, **more),
        ["text", "video"],
    )
    model = model_entry(f"mteb:{name}").build({})
    given = videos(12)
    chosen = [given[0][index] for index in (0, 3, 7, 11)]
    encoder = model._encoder
    with torch.no_grad():
        pixels = encoder.processor.image_processor([np.stack(chosen)], return_tensors="pt")
        expected = encoder.model.get_video_features(**pixels).pooler_output
        words = encoder.processor(text=CAPTIONS, return_tensors="pt", padding=True)
        texts = encoder.model.get_text_features(**words).pooler_output
    found = model.encode_videos(given)["vector"]
    torch.testing.assert_close(found, unit(expected), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        model.encode_texts(CAPTIONS)["vector"], unit(texts), atol=1e-5, rtol=0
    )
    assert model.describe()["config"]["frames_taken"]["num_frames"] == 4


def test_whichever_numbers_are_asked_for_evenly_spaced_frames_are_given() -> None:
    (frames,) = videos(12)
    video = StoredFrames(frames)
    first_of_a_dozen = list(range(0, 12, 12 // 8))[:8]
    assert first_of_a_dozen == [*range(8)]
    for asked in (first_of_a_dozen, [0, 2, 3, 5, 6, 8, 9, 11]):
        given = video.get_frames_at(asked).data
        expected = np.stack([frames[index] for index in (0, 1, 3, 4, 6, 7, 9, 11)])
        assert torch.equal(given, torch.from_numpy(expected).permute(0, 3, 1, 2))
    assert torch.equal(video.get_frames_at([7]).data[0], video[7])
    twice = StoredFrames(frames[:2]).get_frames_at([0, 0, 0, 1, 1]).data
    assert [int((one == video[1]).all()) for one in twice] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("settings", "seen"), [({}, 12), ({"num_frames": 8}, 8), ({"fps": 2.0}, 12), ({"fps": 0.1}, 12)]
)
def test_a_model_takes_as_many_frames_as_it_wants(monkeypatch, settings, seen) -> None:
    name = register(
        monkeypatch,
        "mteb/baseline-colours",
        ColourEncoder,
        ["text", "video"],
        loader_kwargs=settings,
    )
    model = model_entry(f"mteb:{name}").build({"prompts": "t2v"})
    model.encode_videos(videos(12, 12))
    assert model._encoder.shapes == [(seen, 3, 20, 28)] * 2


@pytest.mark.parametrize(("prompts", "texts_as"), [("t2v", "query"), ("v2t", "document")])
def test_prompts_follow_the_direction(monkeypatch, prompts, texts_as, capsys) -> None:
    name = register(monkeypatch, "mteb/baseline-colours", ColourEncoder, ["text", "video"])
    model = model_entry(f"mteb:{name}@r1").build({"prompts": prompts})
    assert f"both directions have those of {prompts} here" in capsys.readouterr().err
    model._encoder.prompts.clear()
    model.encode_texts(CAPTIONS)
    model.encode_videos(videos(4))
    videos_as = {"query": "document", "document": "query"}[texts_as]
    assert model._encoder.prompts == [("text", texts_as), ("video", videos_as)]
    config = model.describe()["config"]
    assert (config["captions_as"], config["videos_as"]) == (texts_as, videos_as)
    assert config["prompts_differ"] is True


def test_one_run_has_each_direction_s_own_prompts(monkeypatch, built, capsys) -> None:
    name = register(monkeypatch, "mteb/baseline-colours", ColourEncoder, ["text", "video"])
    records, tops = {}, {}
    for prompts in ("each", "t2v", "v2t"):
        model = model_entry(f"mteb:{name}").build({} if prompts == "each" else {"prompts": prompts})
        found = evaluate(model, built["test"], show_progress=False)
        (records[prompts],), (tops[prompts],) = found.records, found.top
    told = capsys.readouterr().err
    assert "each direction is encoded and ranked with its own" in told
    each = records["each"]
    for way, prompts in (("t2v", "t2v"), ("v2t", "v2t"), ("v2t_caption", "v2t")):
        assert each.ranks[way] == records[prompts].ranks[way]
        assert vars(tops["each"][way]) == vars(tops[prompts][way])
    assert records["t2v"].ranks["v2t"] != records["v2t"].ranks["v2t"]
    assert [one.scoring.each_way for one in records.values()] == [True, None, None]
    config = each.model.config
    assert config["prompts"] == "each"
    assert config["captions_as"] == {"t2v": "query", "v2t": "document"}
    assert config["videos_as"] == {"t2v": "document", "v2t": "query"}
    assert config["query_prompt"] == QUERY_PROMPTS


@pytest.mark.parametrize(
    ("sides", "texts", "clips"),
    [((), 1, 1), (("text",), 2, 1), (("video",), 1, 2), (("text", "video"), 2, 2)],
)
def test_only_what_differs_is_encoded_twice(monkeypatch, built, sides, texts, clips) -> None:
    name = register(
        monkeypatch,
        "mteb/baseline-colours",
        ColourEncoder,
        ["text", "video"],
        loader_kwargs={"asymmetric": sides},
        revision=f"asymmetric {sides}",  # the cache's only word for a model without weights
    )
    model = model_entry(f"mteb:{name}").build({})
    assert model.scores_each_way is bool(sides)
    model.encode_videos(videos(1))  # whether videos differ is tried here
    model._encoder.prompts.clear()
    found = model.encode_texts(CAPTIONS), model.encode_videos(videos(3, 4))
    assert sorted(one for one, _ in model._encoder.prompts) == ["text"] * texts + ["video"] * clips
    assert [len(one) for one in found] == [texts, clips]
    config = EvaluationConfig(cache=True)
    for _ in range(2):
        model._encoder.prompts.clear()
        (record,) = evaluate(model, built["test"], config=config, show_progress=False).records
        assert bool(record.scoring.each_way) is bool(sides)
    # The second time, features of both directions come from the cache.
    assert not model._encoder.prompts


@pytest.mark.parametrize(
    ("declared", "found"),
    [("cosine", "cosine"), ("dot", "inner product"), ("euclidean", "the model's own")],
)
def test_scores_are_the_model_s_own_similarity(monkeypatch, built, declared, found) -> None:
    name = register(
        monkeypatch,
        "mteb/baseline-colours",
        ColourEncoder,
        ["text", "video"],
        loader_kwargs={"similarity": declared},
    )
    model = model_entry(f"mteb:{name}").build({})
    assert model.similarity == model.describe()["config"]["similarity"] == found
    assert model.scores_by_vectors is (declared != "euclidean")
    texts, clips = model.encode_texts(CAPTIONS), model.encode_videos(videos(3, 4))
    own = model._encoder.similarity(texts["vector"], clips["vector"])
    torch.testing.assert_close(model.score(texts, clips), own, atol=1e-5, rtol=0)
    result = dvtr.evaluate(model, built, device="cpu", show_progress=False)
    assert all(check.passed for check in result.record.honesty)


@pytest.mark.parametrize("queries", [True, False])
def test_captions_have_the_columns_that_mteb_makes_of_them(queries) -> None:
    import datasets
    from mteb._create_dataloaders import create_dataloader
    from mteb.types import PromptType

    task = model_metadata()
    captions = [" a drone looks down ", "trees"]
    ours = next(iter(text_inputs(datasets, captions, queries=queries)))
    rows = datasets.Dataset.from_dict({"id": ["1", "2"], "text": captions})
    kind = PromptType.query if queries else PromptType.document
    theirs = next(iter(create_dataloader(rows, task_metadata=task, prompt_type=kind)))
    assert ours == {name: list(theirs[name]) for name in theirs if name != "id"}


def model_metadata() -> Any:
    from mteb.abstasks.task_metadata import TaskMetadata

    return TaskMetadata(
        name="TextsBothWays",
        description="",
        dataset={"path": "none", "revision": "none"},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_langs=["eng-Latn"],
        main_score="hit_rate_at_1",
    )


@pytest.mark.parametrize(
    ("reference", "failure", "said"),
    [
        ("mteb/baseline-random-cross-encoder", ConfigError, "scores pairs.*--reranker"),
        ("mteb/baseline-random-colbert", ConfigError, "late-interaction: expected a dense one"),
        ("mteb/baseline-random-encoder@3", ConfigError, "Model revision 3 not found"),
        ("google/gemini-embedding-2", ConfigError, "server of its makers"),
        ("OpenGVLab/InternVideo2-CLIP-1B-224p-f8", ConfigError, "trust_remote_code=true"),
        ("sentence-transformers/all-MiniLM-L6-v2", ConfigError, "takes text: expected a model of"),
        ("clip-vit", NotFoundError, "not found in MTEB registry.*there is no such folder"),
    ],
)
def test_what_cannot_be_evaluated_is_told_before_it_is_loaded(reference, failure, said) -> None:
    with pytest.raises(failure, match=said):
        model_entry(f"mteb:{reference}").build({})


def test_a_name_that_the_hub_does_not_know_is_told(monkeypatch) -> None:
    known = mteb.get_model_meta

    def offline(name, revision=None, fetch_from_hf=False):
        if fetch_from_hf:
            raise ConnectionError("no route to the Hub")
        return known(name, revision)

    monkeypatch.setattr(mteb, "get_model_meta", offline)
    with pytest.raises(NotFoundError, match="cannot be asked for it .*no route to the Hub"):
        model_entry("mteb:nobody/nothing").build({})


def test_remote_code_runs_after_a_setting_and_a_warning(monkeypatch, capsys) -> None:
    name = register(
        monkeypatch,
        "mteb/baseline-colours",
        ColourEncoder,
        ["text", "video"],
        loader_kwargs={"trust_remote_code": True},
    )
    with pytest.raises(ConfigError, match="runs Python code of its repository"):
        model_entry(f"mteb:{name}").build({})
    model_entry(f"mteb:{name}").build({"trust_remote_code": True})
    assert f"warning: mteb:{name} runs code of its repository, revision r1" in (
        capsys.readouterr().err
    )


def test_a_model_whose_packages_are_missing_says_which(monkeypatch) -> None:
    def loader(name, revision, **more):
        raise ImportError("pip install mteb[internvideo2]")

    name = register(monkeypatch, "mteb/baseline-colours", loader, ["text", "video"])
    with pytest.raises(NotFoundError, match=r"pip install mteb\[internvideo2\]"):
        model_entry(f"mteb:{name}").build({})


def test_pickled_weights_are_not_opened(sentence_clip, tmp_path) -> None:
    folder = tmp_path / "pickled"
    folder.mkdir()
    for path in sentence_clip.iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(WeightsError, match="weights in a pickle.*safetensors"):
        model_entry(f"mteb:{folder}").build({})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prompts": "both"}, "prompts must be each, t2v or v2t"),
        ({"dtype": "bfloat16"}, "loader of a model decides"),
        ({"frames_to_video": "max"}, "unit_mean or mean"),
    ],
)
def test_settings_are_checked(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        model_entry("mteb:mteb/baseline-random-encoder").config(settings)
