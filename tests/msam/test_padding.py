"""``padding=release``: blank frames and the padding behind captions take part, as released."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from baselines.conversion.authors_checkpoint import convert_authors_checkpoint
from baselines.encoder.frame_encoder import CLIP_MEAN, CLIP_STD
from dvtr_bench.errors import ConfigError
from dvtr_bench.training.inputs import prepare_inputs
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.train import train
from msam.models.msam import Config, Model
from msam.probing import probe
from tests.fixtures.authors_checkpoints import DROPPED, MAX_FRAMES, MAX_WORDS, USED
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder, random_videos
from tests.fixtures.tiny_dataset import small_model
from tests.fixtures.toy_training import ToySplit
from tests.oracles import direct_semantics as direct
from tests.oracles.openai_clip import SMALL, encode_image, encode_text, random_tensors, transformer

RECIPE = Recipe(
    epochs=1,
    batch_size=5,
    learning_rate=2e-3,
    backbone_learning_rate=2e-3,
    frozen_layers=None,
)
CAPTIONS = [
    "a boat",
    "two red boats near a pier",
    "three cars wait at a crossing in the rain",
    "smoke over a hill",
    "snow",
]
COUNTS = [1, 3, MAX_FRAMES, 2, 4]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
    monkeypatch.setattr("baselines.weights.backbone_spec.TINY_CONFIG", SMALL_CONFIG)


def videos(counts: list[int] = COUNTS) -> list[Any]:
    found = random_videos(len(counts), MAX_FRAMES, size=(32, 32))
    return [video[:count] for video, count in zip(found, counts, strict=True)]


def model_of(folder: Path, padding: str = "release") -> Model:
    """An MSAM whose weights are large enough for its attention to tell places apart."""
    path = folder / "weights.bin"
    torch.save(random_tensors({**USED["msam"], **DROPPED["msam"]}, 1), path)
    settings = {"max_words": MAX_WORDS, "max_frames": MAX_FRAMES, "padding": padding}
    model = convert_authors_checkpoint(path, "msam", settings).model
    assert isinstance(model, Model)
    return model.eval()


class Oracle:
    """All that the release computes of a batch, from our weights by their names alone."""

    def __init__(self, model: Model) -> None:
        self.tensors = {name: value.detach() for name, value in model.state_dict().items()}
        clip = {name.removeprefix("encoder.clip."): value for name, value in self.tensors.items()}
        self.mask = torch.arange(MAX_FRAMES) < torch.tensor(COUNTS)[:, None]
        pixels = torch.zeros(len(COUNTS), MAX_FRAMES, 3, 32, 32)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
        for row, video in enumerate(videos()):
            for place, frame in enumerate(video):
                colours = torch.from_numpy(frame).permute(2, 0, 1) / 255
                pixels[row, place] = (colours - mean) / std
        tokens = model.tokenize(CAPTIONS)
        assert tokens.shape == (len(CAPTIONS), MAX_WORDS)
        self.texts, self.words = encode_text(clip, SMALL, tokens)
        frames = encode_image(clip, SMALL, pixels.flatten(0, 1))[0]
        self.frames = frames.view(len(COUNTS), MAX_FRAMES, -1)

    def in_time(self) -> Tensor:
        """The temporal encoder, where nobody looks at a blank frame, its input added."""
        positions = self.tensors["temporal.frame_position_embeddings"][:MAX_FRAMES]
        bias = torch.where(self.mask, 0.0, -1e6)[:, None, :]
        hidden = transformer(
            self.tensors, "temporal.transformer", self.frames + positions, 2, bias, eps=1e-12
        )
        return functional.normalize(hidden + self.frames, dim=-1)

    def losses(self, logit_scale: float) -> dict[str, float]:
        """L_sim over all frames, L_kl and L_div over all frames and all 14 words."""
        weights = {
            name.removeprefix("branch."): value.double().numpy()
            for name, value in self.tensors.items()
            if name.startswith(("branch.", "gate."))
        }
        in_time = self.in_time()
        weighed = (in_time * self.mask[..., None]).sum(1) / self.mask.sum(1)[:, None]
        given = {
            "videos": functional.normalize(weighed, dim=-1),
            "frames": functional.normalize(self.frames, dim=-1),
            "texts": functional.normalize(self.texts, dim=-1),
            "words": functional.normalize(self.words, dim=-1),
            "in_time": in_time,
        }
        arrays = {name: value.double().numpy() for name, value in given.items()}
        of_videos, of_texts = (
            [
                direct.distribution(weights, side, *pair)
                for pair in zip(arrays[pooled], arrays[sequence], strict=True)
            ]
            for side, pooled, sequence in (
                ("video", "videos", "frames"),
                ("text", "texts", "words"),
            )
        )
        similarity = direct.fusion_similarity(weights, arrays["texts"], arrays["in_time"])
        return {
            "contrastive": direct.contrastive_loss(logit_scale * similarity),
            "kl": direct.distribution_loss(of_videos, of_texts),
            "diversity": direct.diversity_loss(of_videos, of_texts),
        }


def losses_of(model: Model) -> dict[str, float]:
    frames = model.encode_frames(model.preprocess(videos()))
    found = model.training_loss(model.tokenize(CAPTIONS), frames)
    return {name: value.item() for name, value in found.items()}


def test_losses_are_those_of_the_release_on_short_videos_and_captions(tmp_path: Path) -> None:
    model = model_of(tmp_path)
    expected = Oracle(model).losses(model.encoder.logit_scale.exp().item())
    found, masked = losses_of(model), losses_of(model_of(tmp_path, "masked"))
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    for name in ("contrastive", "kl"):
        assert abs(masked[name] - expected[name]) > 1e-3, name


def test_padding_is_what_clip_makes_of_it(tmp_path: Path) -> None:
    model = model_of(tmp_path)
    oracle = Oracle(model)
    frames = model.encode_frames_eval(model.preprocess(videos()))
    torch.testing.assert_close(frames["frame_embeds"], oracle.frames, atol=1e-5, rtol=1e-5)
    assert torch.equal(frames["frame_mask"], oracle.mask)
    words = model.encode_tokens_eval(model.tokenize(CAPTIONS))
    torch.testing.assert_close(words["token_embeds"], oracle.words, atol=1e-5, rtol=1e-5)
    assert words["token_mask"].sum(dim=1).tolist() == [4, 8, 11, 6, 3]
    masked = model_of(tmp_path, "masked")
    frames = masked.encode_frames_eval(masked.preprocess(videos()))
    assert not frames["frame_embeds"][~oracle.mask].any()


def test_where_nothing_is_padded_nothing_differs(tmp_path: Path) -> None:
    full = videos([MAX_FRAMES] * 3)
    scores = [
        model.score(model.encode_texts(CAPTIONS), model.encode_videos(full))
        for model in (model_of(tmp_path), model_of(tmp_path, "masked"))
    ]
    torch.testing.assert_close(scores[0], scores[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("pooling", "differs"),
    [("mean", False), ("max", False), ("attention", True), ("fusion", True)],
)
def test_poolings_that_attend_look_at_blank_frames_and_the_others_do_not(
    pooling: str, differs: bool
) -> None:
    short = [video[:2] for video in random_videos(5)]
    scores = []
    for padding in ("masked", "release"):
        model = on_small_encoder(Model, pooling=pooling, padding=padding)
        scores.append(model.score(model.encode_texts(CAPTIONS), model.encode_videos(short)))
    assert ((scores[0] - scores[1]).abs().max() > 1e-4) == differs


def test_a_text_bank_sees_blank_frames_too() -> None:
    shares = []
    for padding in ("masked", "release"):
        model = on_small_encoder(Model, text_block="text_bank", bank_size=3, padding=padding)
        model.see_training_captions([f"training caption {number}" for number in range(5)])
        encoded = model.encode_videos([video[:2] for video in random_videos(3)])
        torch.testing.assert_close(encoded["bank_weights"].sum(dim=1), torch.ones(3))
        shares.append(encoded["bank_weights"][:, 2:].sum())
    assert shares[0] == 0
    assert shares[1] > 0


def test_kept_features_are_told_apart_where_they_differ() -> None:
    def keys(**settings: Any) -> list[dict[str, Any]]:
        model = on_small_encoder(Model, **settings)
        return [model.feature_key(side) for side in ("texts", "videos")]

    masked, release = keys(), keys(padding="release")
    assert "padding" not in {**masked[0], **masked[1]}
    assert [key["padding"] for key in release] == ["release", "release"]
    without_words = keys(padding="release", semantics=False)
    assert without_words == [masked[0], release[1]]


def curve(folder: Path, recipe: Recipe, **options: Any) -> list[float]:
    """The losses of a training on clips of two and three frames, filled up to three."""
    model = small_model("msam", max_frames=3, padding="release")
    splits = ToySplit(), ToySplit("validation")
    train(model, *splits, recipe, folder, show_progress=False, **options)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.parametrize("frames_a_step", [None, 3])
def test_blank_frames_train_the_same_in_cut_batches(
    frames_a_step: int | None, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, frames_a_step=frames_a_step)
    whole = curve(tmp_path / "whole", recipe)
    cut = curve(tmp_path / "cut", replace(recipe, micro_batch_size=3, checkpointing=True))
    assert cut == pytest.approx(whole, abs=1e-5)


def test_frozen_towers_keep_padding_as_they_give_it(tmp_path: Path) -> None:
    recipe = replace(RECIPE, freeze="backbone")
    splits = ToySplit(), ToySplit("validation")
    kept = curve(tmp_path / "kept", recipe)
    each_time = curve(
        tmp_path / "each time",
        recipe,
        prepare=lambda: prepare_inputs(
            small_model("msam", max_frames=3, padding="release"), splits, "nothing"
        ),
    )
    assert kept == pytest.approx(each_time, abs=1e-5)


def test_maps_show_what_blank_frames_took() -> None:
    model = on_small_encoder(Model, padding="release")
    maps = probe(model, ToySplit(), show_progress=False)
    there = maps.frame_index >= 0
    assert maps.semantic_frames is not None
    assert maps.text_frames is not None
    assert maps.block_frames is not None
    for shares, mask in (
        (maps.semantic_frames[..., 0], there),
        (maps.text_frames, there[maps.video_of_caption]),
        (maps.block_frames, there[maps.video_of_caption]),
    ):
        assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (shares[~mask] > 0).all()


def test_regions_and_other_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="set regions=frame or padding=masked"):
        Config(backbone="tiny", padding="release", regions="grid")
    with pytest.raises(ConfigError, match="padding must be one of masked, release"):
        Config(backbone="tiny", padding="black")
    assert Config.from_mapping({"backbone": "tiny"}).padding == "masked"
