"""``cross_encoder:`` against ``CrossEncoder.predict``, called as its manual has it."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder

from dvtr_bench.errors import ConfigError, InputError, NotFoundError, WeightsError
from dvtr_bench.models.entry import model_entry
from tests.fixtures.cross_encoders import save_cross_encoder
from tests.fixtures.published_models import videos

CAPTIONS = [
    "a red car",
    "two boats over the river near the houses",
    "people walk down the road and trees are near",
    "the blue car",
]

Saved = Callable[[str], Path]
Clip = Sequence[NDArray[np.uint8]]


def load(folder: Path, **settings: object) -> Any:
    return model_entry(f"cross_encoder:{folder}").build({"max_frames": 4, **settings})


def scores(adapter: Any, captions: Sequence[str], clips: Sequence[Clip]) -> torch.Tensor:
    found: torch.Tensor = adapter.score(
        adapter.encode_texts(captions), adapter.encode_videos(clips)
    )
    return found


def pictures(clip: Clip) -> list[Image.Image]:
    return [Image.fromarray(frame) for frame in clip]


def predicted(
    folder: Path,
    captions: Sequence[str],
    documents: Sequence[Any],
    times: dict[str, Any] | None = None,
    **more: Any,
) -> torch.Tensor:
    """All pairs at once, padded to each other, with the activation of the library undone."""
    model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    pairs = [(caption, document) for caption in captions for document in documents]
    if times is not None:
        video = {"do_sample_frames": False, "video_metadata": [times] * len(pairs)}
        more["processing_kwargs"] = {"video": video}
    found = model.predict(pairs, convert_to_tensor=True, **more)
    return torch.logit(found.double()).float().view(len(captions), len(documents))


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (expected[0] - expected[1]).abs().max() > 0.01


def times(count: int, fps: float = 1.0) -> dict[str, Any]:
    of_frames = {"total_num_frames": count, "frames_indices": list(range(count))}
    return {"fps": fps, "duration": count / fps, **of_frames}


@pytest.mark.parametrize("batch", [1, 3])
def test_scores_are_those_of_predict_before_its_activation(saved: Saved, batch: int) -> None:
    folder, clips = saved("cross:videos"), videos([4, 4, 4])
    found = scores(load(folder, batch=batch), CAPTIONS, clips)
    assert (found.dtype, tuple(found.shape)) == (torch.float32, (4, 3))
    close(found, predicted(folder, CAPTIONS, [{"video": pictures(clip)} for clip in clips],
                           times(4)))  # fmt: skip


def test_frames_are_those_that_were_chosen_with_their_times(saved: Saved) -> None:
    folder, (clip,) = saved("cross:videos"), videos([5])
    found = scores(load(folder, max_frames=2, fps=0.5), CAPTIONS, [clip])
    chosen = {"video": pictures([clip[0], clip[4]])}
    close(found, predicted(folder, CAPTIONS, [chosen], times(2, 0.5)))
    other = scores(load(folder, max_frames=2), CAPTIONS, [clip])
    assert (other - found).abs().max() > 1e-3


def test_one_frame_is_a_video_of_the_same_frame_twice(saved: Saved) -> None:
    folder, (clip, longer) = saved("cross:videos"), videos([1, 3])
    found = scores(load(folder), CAPTIONS, [clip, longer])
    twice = {"video": pictures([clip[0], clip[0]])}
    close(found[:, :1], predicted(folder, CAPTIONS, [twice], times(2)))
    close(found[:, 1:], predicted(folder, CAPTIONS, [{"video": pictures(longer)}], times(3)))


def test_pictures_are_one_document_or_one_score_each(saved: Saved) -> None:
    folder, (clip,) = saved("cross:videos"), videos([3])
    together = scores(load(folder, video_input="images"), CAPTIONS, [clip])
    close(together, predicted(folder, CAPTIONS, [{"image": pictures(clip)}]))
    adapter = load(folder, video_input="frames")
    expected = predicted(folder, CAPTIONS, [{"image": one} for one in pictures(clip)])
    found = scores(adapter, CAPTIONS, [clip])
    close(found, expected.mean(dim=1, keepdim=True))
    assert (found - together).abs().max() > 1e-3
    assert adapter.conventions()["frames_to_video"] == "mean score"


def test_a_model_of_pictures_gets_them_one_by_one(tmp_path: Path) -> None:
    folder = save_cross_encoder(tmp_path / "pictures", videos_too=False)
    clips = videos([3, 2])
    adapter = load(folder)
    expected = [
        predicted(folder, CAPTIONS, [{"image": one} for one in pictures(clip)]).mean(dim=1)
        for clip in clips
    ]
    close(scores(adapter, CAPTIONS, clips), torch.stack(expected, dim=1))
    assert adapter.conventions()["video_input"] == "frames"
    with pytest.raises(ConfigError, match="cross_encoder:pictures takes no video, only image"):
        load(folder, video_input="video")


def test_the_instruction_is_that_of_the_model_or_the_one_that_is_set(tmp_path: Path) -> None:
    folder = save_cross_encoder(tmp_path / "told", prompt="the drone looks down")
    clips = videos([2, 2])
    documents = [{"video": pictures(clip)} for clip in clips]
    adapter = load(folder)
    assert adapter.conventions()["prompt"] == "the drone looks down"
    close(scores(adapter, CAPTIONS, clips), predicted(folder, CAPTIONS, documents, times(2)))
    other = load(folder, prompt="many trees")
    assert other.conventions()["prompt"] == "many trees"
    found = scores(other, CAPTIONS, clips)
    close(found, predicted(folder, CAPTIONS, documents, times(2), prompt="many trees"))
    none = scores(load(folder, prompt=""), CAPTIONS, clips)
    assert (none - found).abs().max() > 1e-3


@pytest.mark.parametrize(("dtype", "batch"), [("float32", 1), ("bfloat16", 1), ("float32", 3)])
def test_a_score_is_the_same_in_any_company(saved: Saved, dtype: str, batch: int) -> None:
    adapter = load(saved("cross:videos"), dtype=dtype, batch=batch)
    assert adapter._model.dtype == getattr(torch, dtype)
    clips = videos([4, 4, 2, 4])
    found = scores(adapter, CAPTIONS, clips)
    rows, columns = [3, 0, 3], [2, 3]
    again = scores(adapter, [CAPTIONS[row] for row in rows], [clips[one] for one in columns])
    alone = scores(adapter, CAPTIONS[1:2], clips[1:2])
    # Alone, a pair has the same score to the bit; in a batch, its place may count in the last one.
    most = 0.0 if batch == 1 else 1e-6
    torch.testing.assert_close(again, found[rows][:, columns], atol=most, rtol=0)
    torch.testing.assert_close(alone, found[1:2, 1:2], atol=most, rtol=0)


def test_a_caption_that_looks_like_an_address_is_a_caption(
    saved: Saved, sockets: list[object]
) -> None:
    folder = saved("cross:videos")
    sockets.clear()  # to save a model, where this is the first test to need it, asks the Hub
    found = scores(load(folder), ["https://example.org/car.jpg", "a red car"], videos([2]))
    assert found.isfinite().all()
    assert not sockets


def test_pairs_that_are_cut_are_told_once(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    (clip,) = videos([2])
    adapter = load(saved("cross:videos"))
    scores(adapter, ["car " * 220], [clip])
    assert "warning" not in capsys.readouterr().err
    for _ in range(2):
        scores(adapter, ["car " * 232], [clip])
    told = capsys.readouterr().err
    assert told.count("warning: cross_encoder:small-videos reads 256 tokens of a pair") == 1


@pytest.fixture
def folder(saved: Saved, tmp_path: Path) -> Path:
    """A copy of a small cross-encoder, to be changed."""
    return Path(shutil.copytree(saved("cross:videos"), tmp_path / "changed"))


def change(file: Path, **more: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | more))


def test_folders_of_other_kinds_are_refused_with_what_they_hold(saved: Saved) -> None:
    with pytest.raises(WeightsError, match="is a SentenceTransformer.*named as st:small-clip"):
        load(saved("st:clip"))
    with pytest.raises(WeightsError, match="holds a CLIPModel of transformers.*hf:small-clip"):
        load(saved("clip"))
    with pytest.raises(WeightsError, match="is a CrossEncoder.*named as cross_encoder:small-vid"):
        model_entry(f"st:{saved('cross:videos')}").build({})


def test_a_folder_without_a_model_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "modules.json").unlink()
    with pytest.raises(WeightsError, match="holds a Qwen3VLForConditionalGeneration of transf"):
        load(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="holds no model that it knows"):
        load(tmp_path / "empty")
    with pytest.raises(NotFoundError, match="write cross_encoder:ORG/NAME"):
        load(tmp_path / "absent")


def test_weights_that_are_not_all_there_are_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = next(one for one in sorted(tensors) if one.endswith("visual.merger.norm.bias"))
    del tensors[name]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="lack 1 of the tensors of Qwen3VLForCond.*merger.norm"):
        load(folder)


def test_weights_in_pickles_are_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="pytorch_model.bin is a pickle"):
        load(folder)


def test_a_template_without_roles_is_refused(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for one in messages %}<|im_end|>{% endfor %}")
    with pytest.raises(WeightsError, match="cannot be given a caption with a video.*template"):
        load(folder)


def test_code_of_a_repository_runs_only_where_that_is_allowed(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "modeling_own.Module"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ConfigError, match="modeling_own.py.*--set trust_remote_code=true"):
        load(folder)


def test_a_model_of_several_numbers_or_of_texts_is_refused(tmp_path: Path) -> None:
    import transformers

    from tests.fixtures.published_models import tokenizer

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    for labels, said in ((3, "gives 3 numbers a pair"), (1, "takes text: retrieval needs text")):
        where = tmp_path / f"texts-{labels}"
        config = transformers.BertConfig(
            vocab_size=90, num_attention_heads=2, num_labels=labels, **sizes
        )
        transformers.BertForSequenceClassification(config).save_pretrained(where)
        tokenizer().save_pretrained(where)
        with pytest.raises(WeightsError, match=said):
            load(where)


def test_a_pair_that_cannot_be_prepared_is_told(saved: Saved) -> None:
    adapter = load(saved("cross:videos"), max_frames=80)
    with pytest.raises(InputError, match=r"with 80 frames cannot be prepared .*max_frames=N"):
        scores(adapter, ["a car"], videos([80]))


def test_without_the_library_it_is_told_what_to_install(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved("cross:videos")
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(NotFoundError, match=r"pip install 'dvtr-bench\[st\]'"):
        load(folder)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"fps": 0}, "fps must be above 0"), ({"batch": 0}, "batch must be at least 1")],
)
def test_settings_are_checked(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, **settings)
