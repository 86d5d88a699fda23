"""Models of open_clip by name: each against open_clip's own functions, and one evaluation."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

import dvtr_bench as dvtr
from baselines.adapters.open_clip import Config, Model
from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.results.files import read_result
from tests.fixtures.open_clip_models import (
    HUB_TOKENIZERS,
    MODELS,
    direct_model,
    direct_vectors,
    write_model,
)
from tests.fixtures.small_clip import random_videos

CAPTIONS = [
    "The drone looks down, and TWO red cars!",
    "a boat",
    "the number 12 and 3 trees over a green field under the forest near a lake and a white roof",
    "",
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    return {kind: write_model(kind, made / f"small-{kind}", seed=3) for kind in MODELS}


@pytest.mark.parametrize("kind", MODELS)
def test_its_vectors_are_those_of_open_clip(kind, folders, sockets) -> None:
    """Texts, and videos of frames that are neither square nor of the model's size."""
    model = Model(str(folders[kind]), Config())
    noise = random_videos(3, num_frames=2, seed=1, size=(150, 200))
    videos = [[frame // (row + 1) for frame in video] for row, video in enumerate(noise)]
    texts = model.text_vectors(model.encode_texts(CAPTIONS))
    found = model.video_vectors(model.encode_videos(videos))
    assert not sockets
    images = [Image.fromarray(frame) for video in videos for frame in video]
    direct_texts, direct_images = direct_vectors(folders[kind], CAPTIONS, images)
    expected = functional.normalize(direct_images.view(3, 2, -1).mean(dim=1), dim=-1)
    torch.testing.assert_close(texts, direct_texts, rtol=0, atol=1e-5)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert (direct_texts @ direct_texts.T).min() < 0.999  # captions do not all look alike


@pytest.mark.parametrize("kind", ["siglip2", "clip"])
def test_in_bfloat16_too(kind, folders) -> None:
    model = Model(str(folders[kind]), Config(dtype="bfloat16"))
    (video,) = random_videos(1, num_frames=1)
    texts = model.text_vectors(model.encode_texts(CAPTIONS))
    found = model.video_vectors(model.encode_videos([video]))
    direct_texts, direct_images = direct_vectors(
        folders[kind], CAPTIONS, [Image.fromarray(video[0])], "pure_bf16"
    )
    assert texts.dtype == torch.float32
    torch.testing.assert_close(texts, direct_texts.float(), rtol=0, atol=0.02)
    torch.testing.assert_close(found, direct_images.float(), rtol=0, atol=0.02)


def test_conventions_say_all_that_vectors_depend_on(folders) -> None:
    model = Model(str(folders["siglip2"]), Config(max_words=8))
    said = model.describe()
    assert model.name == said["model"] == "open_clip:small-siglip2"
    config = said["config"]
    assert (config["max_words"], config["context_length"]) == (8, 16)
    assert (config["resize_mode"], config["interpolation"]) == ("squash", "bicubic")
    assert (config["mean"], config["std"], config["image_size"]) == ([0.5] * 3, [0.5] * 3, 160)
    assert config["logit_bias"] == "left out of scores"
    assert config["tokenizer"]["name"] == "somebody/words"
    assert config["tokenizer"]["clean"] == "canonicalize"
    assert said["backbone"]["source"] == "small-siglip2"
    assert len(said["backbone"]["weights_sha256"]) == 64
    assert str(folders["siglip2"].parent) not in json.dumps(said)
    assert Model(str(folders["clip"]), Config()).describe()["config"]["logit_bias"] == "none"


def test_a_text_is_cut_and_padded_to_the_towers_own_length(folders) -> None:
    """A sigmoid-trained tower reads its last position: shorter rows would be another text."""
    model = Model(str(folders["siglip2"]), Config(max_words=4))
    own = direct_model(folders["siglip2"])
    tokens = model.encoder.tokenize(["a drone looks down"], 4)
    assert tokens.tolist() == [[1, 4, 9, 2, *[0] * 12]]
    with torch.no_grad():
        expected = own.encode_text(tokens, normalize=True)
    torch.testing.assert_close(
        model.text_vectors(model.encode_texts(["a drone looks down"])), expected
    )


@pytest.mark.parametrize("kind", HUB_TOKENIZERS)
def test_what_is_read_of_captions_is_told(kind, folders) -> None:
    model = Model(str(folders[kind]), Config(max_words=6))
    captions = ["a boat", "a boat over a", "a boat over a lake", "a boat over a river"]
    read, is_cut = model.tokens_read(captions)
    assert is_cut.tolist() == [False, False, True, True]
    assert np.array_equal(read[2], read[3])
    assert not np.array_equal(read[1], read[0])


def test_more_words_than_the_tower_has_are_refused(folders) -> None:
    with pytest.raises(ConfigError, match=r"max_words is 17.*reads at most 16 tokens"):
        Model(str(folders["siglip2"]), Config(max_words=17))


def test_one_evaluation_is_checked_and_stands_on_the_board(folders, built, tmp_path) -> None:
    (result,) = dvtr.evaluate_all(
        f"open_clip:{folders['siglip2']}",
        str(built.folder),
        settings=["max_frames=2"],
        results=tmp_path / "results",
        device="cpu",
        show_progress=False,
    )
    assert result.record.honesty
    assert result.record.model.name == "open_clip:small-siglip2"
    assert str(tmp_path) not in next((tmp_path / "results").glob("*.json")).read_text()
    again = read_result(next((tmp_path / "results").glob("*.json")))
    board = dvtr.make_leaderboard([again])
    assert "open_clip:small-siglip2" in str(board.boards[0].entries[0].name)


def test_rounding_of_half_numbers_is_no_dishonesty(folders, built, tmp_path) -> None:
    settings = {"dtype": "bfloat16", "max_frames": 2}
    result = dvtr.evaluate(
        dvtr.load_model(f"open_clip:{folders['siglip2']}", settings=settings, device="cpu"),
        built,
        split="test",
        results=tmp_path / "results",
        device="cpu",
        show_progress=False,
    )
    assert result.record.model.config["dtype"] == "bfloat16"


def test_what_is_not_there_is_told(folders, tmp_path) -> None:
    with pytest.raises(NotFoundError, match=r"no architecture called 'nowhere'"):
        Model("nowhere", Config())
    folder = write_model("siglip2", tmp_path / "bare")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(NotFoundError, match="holds no tokenizer that can be read"):
        Model(str(folder), Config())
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(WeightsError, match="no file of weights beside open_clip_config.json"):
        Model(str(folder), Config())
    (folder / "open_clip_config.json").write_text("{}")
    with pytest.raises(WeightsError, match="model_cfg: expected an object"):
        Model(str(folder), Config())
