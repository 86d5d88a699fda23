"""``st:`` against sentence-transformers itself, called as its manual has it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sentence_transformers import SentenceTransformer
from torch.nn import functional

from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.models.entry import model_entry
from tests.fixtures.published_models import save_model, save_sentence_model, videos

CAPTIONS = [
    "a red car",
    "two boats over the river near the houses",
    "people walk down the road and trees are near",
    "a drone looks down from above",
]

Saved = Callable[[str], Path]


def load(folder: Path, **settings: object) -> Any:
    return model_entry(f"st:{folder}").build({"max_frames": 4, **settings})


def direct(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def pictures(video: Sequence[NDArray[np.uint8]]) -> list[Image.Image]:
    return [Image.fromarray(frame) for frame in video]


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return functional.normalize(vectors.clone(), dim=-1)


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def frame_means(
    model: SentenceTransformer, clips: Sequence[Any], *, as_queries: bool = False
) -> torch.Tensor:
    encode = model.encode_query if as_queries else model.encode_document
    means = [unit(encode(pictures(clip), convert_to_tensor=True)).mean(dim=0) for clip in clips]
    return unit(torch.stack(means))


def test_captions_are_queries_and_frames_documents(saved: Saved) -> None:
    model, adapter = direct(saved("st:clip")), load(saved("st:clip"))
    clips = videos([4, 2, 3])
    texts = adapter.encode_texts(CAPTIONS)["vector"]
    close(texts, unit(model.encode_query(CAPTIONS, convert_to_tensor=True)))
    close(adapter.encode_videos(clips)["vector"], frame_means(model, clips))
    assert (texts[0] - texts[1]).abs().max() > 0.01
    assert adapter.conventions()["frames_to_video"] == "mean"


def test_the_former_module_for_clip_is_taken(tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import CLIPModel

    inner = save_model("clip", tmp_path / "inner")
    module = CLIPModel(str(inner), _from_auto_load=True)
    SentenceTransformer(modules=[module], device="cpu").save(str(tmp_path / "former"))
    model, adapter = direct(tmp_path / "former"), load(tmp_path / "former")
    clips = videos([2, 3])
    assert "CLIPModel" in (tmp_path / "former" / "modules.json").read_text()
    close(
        adapter.encode_texts(CAPTIONS)["vector"],
        unit(model.encode_query(CAPTIONS, convert_to_tensor=True)),
    )
    close(adapter.encode_videos(clips)["vector"], frame_means(model, clips))


def test_siglip_gets_captions_padded_to_the_full_length(saved: Saved) -> None:
    model, adapter = direct(saved("st:siglip")), load(saved("st:siglip"))
    full = {"text": {"padding": "max_length", "max_length": 16}}
    found = adapter.encode_texts(CAPTIONS)["vector"]
    padded = model.encode_query(CAPTIONS, convert_to_tensor=True, processing_kwargs=full)
    plain = model.encode_query(CAPTIONS[:1], convert_to_tensor=True)
    close(found, unit(padded))
    assert (found[:1] - unit(plain)).abs().max() > 0.01
    assert adapter.conventions()["padding"] == "to the full length"


def test_a_model_of_videos_is_given_whole_videos(saved: Saved) -> None:
    model, adapter = direct(saved("st:videoprism")), load(saved("st:videoprism"))
    clips = videos([4, 4])
    given = [{"video": pictures(clip)} for clip in clips]
    no_sampling = {"video": {"do_sample_frames": False}}
    expected = model.encode_document(given, convert_to_tensor=True, processing_kwargs=no_sampling)
    found = adapter.encode_videos(clips)["vector"]
    close(found, unit(expected.squeeze(1)))
    assert (adapter.encode_videos([clips[0][::-1]])["vector"] - found[:1]).abs().max() > 0.001
    assert adapter.conventions()["video_input"] == "video"
    with pytest.raises(ConfigError, match="takes no image, only video"):
        load(saved("st:videoprism"), video_input="frames")


def test_a_model_of_messages_is_given_videos_with_their_times(tmp_path: Path) -> None:
    prompts = {"query": "the photo ", "document": "a drone "}
    folder = save_sentence_model("qwen3vl", tmp_path / "messages", prompts=prompts)
    model, adapter = direct(folder), load(folder, fps=2.0)
    clips = videos([4, 4, 3])
    given = []
    for clip in clips:
        times = {
            "fps": 2.0,
            "total_num_frames": len(clip),
            "duration": len(clip) / 2,
            "frames_indices": list(range(len(clip))),
        }
        given.append({"video": {"array": np.stack(clip), "video_metadata": times}})
    no_sampling = {"video": {"do_sample_frames": False}}
    expected = model.encode_document(given, convert_to_tensor=True, processing_kwargs=no_sampling)
    seen = adapter.encode_videos(clips)["vector"]
    close(seen, expected.clone())
    close(
        adapter.encode_texts(CAPTIONS)["vector"],
        model.encode_query(CAPTIONS, convert_to_tensor=True).clone(),
    )
    one = adapter.encode_videos([clips[0][:1]])["vector"]
    close(one, adapter.encode_videos([[clips[0][0], clips[0][0]]])["vector"])
    slower = load(folder, fps=0.5).encode_videos(clips)["vector"]
    assert (slower - seen).abs().max() > 0.001
    frames = load(folder, video_input="frames").encode_videos(clips)["vector"]
    close(frames, frame_means(model, clips))


def test_prompts_are_those_of_the_model_by_direction(tmp_path: Path) -> None:
    prompts = {"query": "the photo ", "document": "a drone "}
    folder = save_sentence_model("clip", tmp_path / "prompted", prompts=prompts)
    model, adapter = direct(folder), load(folder)
    told = adapter.conventions()
    assert (told["query_prompt"], told["document_prompt"]) == ("the photo ", "a drone ")
    found = adapter.encode_texts(CAPTIONS)["vector"]
    close(found, unit(model.encode_query(CAPTIONS, convert_to_tensor=True)))
    close(found, unit(model.encode([f"the photo {text}" for text in CAPTIONS],
                                   convert_to_tensor=True)))  # fmt: skip
    other = load(folder, query_prompt="a road ")
    assert other.conventions()["query_prompt"] == "a road "
    close(
        other.encode_texts(CAPTIONS)["vector"],
        unit(model.encode([f"a road {text}" for text in CAPTIONS], convert_to_tensor=True)),
    )


@pytest.mark.parametrize("kind", ["clip", "qwen3vl"])
def test_each_direction_has_queries_and_documents_of_its_own(tmp_path: Path, kind: str) -> None:
    prompts = {"query": "the photo ", "document": "a drone "}
    folder = save_sentence_model(kind, tmp_path / "prompted", prompts=prompts)
    model, adapter, clips = direct(folder), load(folder, video_input="frames"), videos([4, 3])
    assert adapter.scores_each_way
    assert adapter.conventions()["captions_as"] == {"t2v": "query", "v2t": "document"}
    texts, seen = adapter.encode_texts(CAPTIONS), adapter.encode_videos(clips)
    of_v2t = [adapter.features_for_v2t(one)["vector"] for one in (texts, seen)]
    close(texts["vector"], unit(model.encode_query(CAPTIONS, convert_to_tensor=True)))
    close(of_v2t[0], unit(model.encode_document(CAPTIONS, convert_to_tensor=True)))
    close(seen["vector"], frame_means(model, clips))
    close(of_v2t[1], frame_means(model, clips, as_queries=True))
    assert (texts["vector"] - of_v2t[0]).abs().max() > 0.01
    # A picture has a prompt only in a message.
    assert set(seen) == ({"vector", "v2t_vector"} if kind == "qwen3vl" else {"vector"})
    for prompts_of, vectors in (("t2v", texts["vector"]), ("v2t", of_v2t[0])):
        alone = load(folder, prompts=prompts_of)
        assert torch.equal(alone.encode_texts(CAPTIONS)["vector"], vectors)
        assert not alone.scores_each_way


def test_without_prompts_nothing_is_encoded_twice(saved: Saved) -> None:
    adapter = load(saved("st:clip"))
    assert not adapter.scores_each_way
    assert set(adapter.encode_texts(CAPTIONS)) == {"vector"}
    assert adapter.conventions()["captions_as"] == "query"


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean", "manhattan"])
def test_scores_are_of_the_similarity_that_the_model_names(tmp_path: Path, similarity: str) -> None:
    folder = save_sentence_model("clip", tmp_path / "named", similarity_fn_name=similarity)
    model, adapter = direct(folder), load(folder)
    clips = videos([1, 1, 1])
    texts = model.encode_query(CAPTIONS, convert_to_tensor=True)
    seen = torch.cat([model.encode_document(pictures(clip), convert_to_tensor=True)
                      for clip in clips])  # fmt: skip
    # A video's vector is the mean of unit vectors.
    expected = model.similarity(texts, unit(seen))
    found = adapter.score(adapter.encode_texts(CAPTIONS), adapter.encode_videos(clips))
    close(found, expected)
    assert adapter.scores_by_vectors == (similarity in ("cosine", "dot"))


@pytest.mark.parametrize("kind", ["clip", "siglip", "videoprism", "qwen3vl"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_vectors_depend_on_no_other_item(saved: Saved, kind: str, dtype: str) -> None:
    adapter = load(saved(f"st:{kind}"), dtype=dtype)
    clips = videos([4, 4, 4, 4])
    texts, seen = adapter.encode_texts(CAPTIONS)["vector"], adapter.encode_videos(clips)["vector"]
    assert adapter._model.dtype == getattr(torch, dtype)
    assert torch.equal(adapter.encode_texts([CAPTIONS[3], CAPTIONS[1]])["vector"], texts[[3, 1]])
    again = adapter.encode_videos([clips[row] for row in (2, 0, 2)])["vector"]
    assert torch.equal(again, seen[[2, 0, 2]])


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_long_captions_are_cut_and_that_is_told(saved: Saved, kind: str) -> None:
    adapter = load(saved(f"st:{kind}"), query_prompt="a photo of ")
    fits, long = " ".join(["road"] * 11), " ".join(["road"] * 12)
    read, is_cut = adapter.tokens_read([fits, long, "a car"])
    assert read.shape == (3, 16)
    assert is_cut.tolist() == [False, True, False]


def test_a_caption_that_looks_like_an_address_is_a_caption(
    saved: Saved, sockets: list[object]
) -> None:
    folder = saved("st:clip")
    sockets.clear()  # to save a model, where this is the first test to need it, asks the Hub
    adapter = load(folder)
    found = adapter.encode_texts(["https://example.org/car.jpg", "a red car"])["vector"]
    assert found.shape[0] == 2
    assert not sockets


def test_a_model_of_texts_alone_is_refused(tmp_path: Path) -> None:
    import transformers

    from tests.fixtures.published_models import tokenizer

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    config = transformers.BertConfig(vocab_size=90, num_attention_heads=2, **sizes)
    transformers.BertModel(config).save_pretrained(tmp_path / "inner")
    tokenizer().save_pretrained(tmp_path / "inner")
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    module = Transformer(str(tmp_path / "inner"))
    modules = [module, Pooling(16)]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "texts"))
    with pytest.raises(WeightsError, match="st:texts takes text: retrieval needs text, and image"):
        load(tmp_path / "texts")


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"fps": 0}, "fps must be above 0"), ({"batch": 0}, "batch must be at least 1"),
     ({"video_input": "video"}, "st:small-clip takes no video, only image")],
)  # fmt: skip
def test_settings_are_checked(saved: Saved, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(saved("st:clip"), **settings)
