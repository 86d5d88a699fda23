"""Backbones that are not built like CLIP: every head on them, their tokens, their checkpoints."""

import copy
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from baselines.encoder.loading import load_encoder, rebuild_encoder
from baselines.encoder.open_clip_encoder import OpenClipEncoder
from dvtr_bench.catalog import MODELS as CATALOG
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.runtime.checkpoint import load_checkpoint, save_checkpoint
from tests.fixtures.open_clip_models import MODELS, direct_model, direct_vectors, write_model
from tests.fixtures.small_clip import random_videos

CAPTIONS = ["a drone looks down", "two red cars", "the river and a road under trees"]
AS_BACKBONE = [kind for kind in MODELS if kind != "coca"]
BILINEAR = [
    kind for kind, (_, record) in MODELS.items() if record.get("interpolation") == "bilinear"
]
TRAINED = [name for name in CATALOG.names() if getattr(CATALOG.load(name), "TRAINABLE", False)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    return {kind: write_model(kind, made / f"small-{kind}", seed=5) for kind in MODELS}


@pytest.fixture(autouse=True)
def _offline(monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def model_on(folder, name: str, **settings):
    module = CATALOG.load(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = module.Config(backbone=str(folder), max_frames=2, max_words=10, **settings)
        return module.Model(config)


def pixels(count: int, size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", TRAINED)
def test_a_step_of_every_model_on_siglip2_has_finite_gradients(name, folders) -> None:
    model = model_on(folders["siglip2"], name).train()
    model.see_training_captions(CAPTIONS * 20)
    frames = model.encode_frames(model.preprocess(random_videos(3, num_frames=2)))
    loss = model.training_loss(model.tokenize(CAPTIONS), frames)["loss"]
    loss.backward()
    gradients = {key: value.grad for key, value in model.named_parameters()}
    assert torch.isfinite(loss)
    for key, gradient in gradients.items():
        assert gradient is None or torch.isfinite(gradient).all(), key
    without = {key for key, gradient in gradients.items() if gradient is None}
    assert not any(key.startswith("encoder.clip.text.") for key in without)
    assert not any(key.startswith("encoder.clip.visual.") for key in without)
    moved = sum(
        float(gradient.abs().sum())
        for key, gradient in gradients.items()
        if gradient is not None and key.startswith("encoder.clip.")
    )
    assert moved > 0
    assert not any("logit_bias" in key for key in gradients)


@pytest.mark.parametrize("name", TRAINED)
def test_a_checkpoint_on_siglip2_needs_nothing_beside_it(name, folders, tmp_path) -> None:
    model = model_on(folders["siglip2"], name).eval()
    model.see_training_captions(CAPTIONS * 20)
    save_checkpoint(tmp_path / "kept", model, {})
    said = (tmp_path / "kept" / "config.json").read_text()
    again = load_checkpoint(tmp_path / "kept")
    assert json.loads(said)["model"]["backbone"] == again.describe()["backbone"]
    videos = random_videos(2, num_frames=2)
    for one in (model, again):
        one.scores = one.score(one.encode_texts(CAPTIONS), one.encode_videos(videos))
    assert torch.equal(model.scores, again.scores)


def test_a_damaged_tokenizer_of_a_checkpoint_is_told(folders) -> None:
    encoder = load_encoder(str(folders["siglip2"]))
    again = rebuild_encoder(encoder.describe())
    with pytest.raises(WeightsError, match="tokenizer"):
        again.tokenize(CAPTIONS, 10)
    tensors = dict(encoder.state_dict())
    other = json.loads(bytes(tensors["tokenizer_bytes"].numpy()))
    other["pad_token"] = "<PAD>"
    changed = json.dumps(other, sort_keys=True).encode()
    assert len(changed) == len(tensors["tokenizer_bytes"])
    tensors["tokenizer_bytes"] = torch.frombuffer(bytearray(changed), dtype=torch.uint8)
    again.load_state_dict(tensors)
    with pytest.raises(WeightsError, match="not the one that its checkpoint describes"):
        again.tokenize(CAPTIONS, 10)


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("config", {"embed_dim": "many"}, "embed_dim: expected a whole number"),
        ("config", {"pretrained": "x"}, "no pretrained"),
        ("config", {"vision_cfg": {"timm_model_name": "hf-hub:a/b"}}, "a name of timm's own"),
        ("config", {"vision_cfg": {"timm_model_name": "nowhere"}}, "not a model of open_clip"),
        ("preprocess", {"std": [0, 0, 0]}, "above 0"),
        ("preprocess", {"resize_mode": "x"}, "resize_mode: expected one of"),
        ("tokenizer", {"bytes": 1 << 40}, "a number of bytes"),
        ("text_config", {"model_type": "llama"}, "type 'llama' is not supported"),
    ],
)
def test_a_description_of_others_is_checked(part, changes, said, folders) -> None:
    description = copy.deepcopy(dict(load_encoder(str(folders["bert"])).describe()))
    description["open_clip"][part] |= changes
    with pytest.raises((ConfigError, WeightsError), match=said):
        rebuild_encoder(description)


def test_a_description_of_others_names_no_code(folders) -> None:
    description = copy.deepcopy(dict(load_encoder(str(folders["bert"])).describe()))
    description["open_clip"]["text_config"] |= {
        "auto_map": {"AutoModel": "evil/repo--model.Evil"},
        "_attn_implementation": "evil/kernel",
        "attn_implementation": "evil/kernel",
    }
    config = rebuild_encoder(description).clip.text.config
    assert "evil" not in json.dumps(config.to_dict(), default=str)
    assert "evil" not in str(config._attn_implementation)


@pytest.mark.parametrize("kind", [kind for kind in AS_BACKBONE if kind != "vitamin"])
def test_texts_frames_words_and_patches(kind, folders) -> None:
    encoder = load_encoder(str(folders[kind])).eval()
    own = direct_model(folders[kind])
    tokens = encoder.tokenize(CAPTIONS, 10)
    images = pixels(2, encoder.image_size)
    with torch.no_grad():
        texts, words, mask = encoder.encode_text(tokens)
        frames = encoder.encode_frames(images)
        normalised = (images / 255 - encoder.pixel_mean) / encoder.pixel_std
        torch.testing.assert_close(texts, own.encode_text(tokens), rtol=0, atol=1e-5)
        torch.testing.assert_close(frames, own.encode_image(normalised), rtol=0, atol=1e-5)
        found, patches = encoder.encode_patches(images)
    torch.testing.assert_close(found, frames, rtol=0, atol=1e-5)
    rows, columns = encoder.patch_grid
    assert patches.shape == (2, rows * columns, encoder.embed_dim)
    # Words, and the tokens of start and end; CLIPA's has none at the end.
    lengths = [length - (kind == "clipa") for length in (6, 5, 9)]
    assert mask.sum(dim=1).tolist() == lengths
    assert words.shape == (3, max(lengths), encoder.embed_dim)
    assert not encoder.training


def test_patches_of_attention_pooling_are_what_each_alone_would_give(folders) -> None:
    encoder = load_encoder(str(folders["siglip2"])).eval()
    trunk = encoder.clip.visual.trunk
    images = pixels(1, encoder.image_size)
    with torch.no_grad():
        _, patches = encoder.encode_patches(images)
        normalised = (images / 255 - encoder.pixel_mean) / encoder.pixel_std
        hidden = trunk.forward_features(normalised)[:, trunk.num_prefix_tokens :]
        alone = trunk.attn_pool(hidden[:, 7:8])
    torch.testing.assert_close(patches[:, 7], alone, rtol=0, atol=1e-6)


def test_the_word_at_the_end_is_the_text_where_the_tower_pools_there(folders) -> None:
    for kind in ("worldwide", "clip", "eva"):
        encoder = load_encoder(str(folders[kind])).eval()
        with torch.no_grad():
            texts, words, mask = encoder.encode_text(encoder.tokenize(CAPTIONS, 10))
        ends = mask.sum(dim=1) - 1
        torch.testing.assert_close(words[torch.arange(3), ends], texts, rtol=0, atol=1e-6)


def test_what_is_recorded_and_kept_from_weights(folders) -> None:
    encoder = load_encoder(str(folders["siglip2"]))
    assert isinstance(encoder, OpenClipEncoder)
    assert (encoder.frame_fit, encoder.image_size, encoder.context_length) == ("squash", 160, 16)
    assert encoder.has_logit_bias
    assert encoder.clip.logit_bias is None
    own = direct_model(folders["siglip2"])
    assert torch.equal(encoder.logit_scale, own.logit_scale)
    said = encoder.describe()
    assert said["frame_fit"] == "squash"
    assert said["source"] == "small-siglip2"
    assert str(folders["siglip2"].parent) not in json.dumps(said)
    again = rebuild_encoder(copy.deepcopy(dict(said)))
    assert again.describe() == said


def test_pixels_that_are_not_made_here_are_no_backbone(folders) -> None:
    with pytest.raises(ConfigError, match=r"another preprocessing.*grey 7.*--model open_clip:"):
        load_encoder(str(folders["coca"]))


@pytest.mark.parametrize("kind", [*BILINEAR, "siglip2", "clip"])
def test_zero_shot_scores_are_those_of_open_clips_own_calls(kind, folders) -> None:
    """Through frames of any size: open_clip's transform, and the mean of unit vectors."""
    random = np.random.default_rng(2)
    sizes = [(224, 398), (120, 390), (224, 224)]
    videos = [list(random.integers(0, 256, (2, *size, 3), np.uint8)) for size in sizes]
    images = [Image.fromarray(frame) for video in videos for frame in video]
    texts, frames = direct_vectors(folders[kind], CAPTIONS, images)
    means = functional.normalize(frames.unflatten(0, (3, 2)).mean(dim=1), dim=-1)
    model = model_on(folders[kind], "clip_zeroshot").eval()
    found = model.score(model.encode_texts(CAPTIONS), model.encode_videos(videos))
    torch.testing.assert_close(found, texts @ means.T, rtol=0, atol=1e-5)
    model.encoder.interpolation = "bilinear" if kind not in BILINEAR else "bicubic"
    other = model.score(model.encode_texts(CAPTIONS), model.encode_videos(videos))
    assert (other - found).abs().max() > 3e-5


@pytest.mark.parametrize("name", TRAINED)
def test_a_step_of_every_model_on_pe_core_moves_both_towers(name, folders, tmp_path) -> None:
    model = model_on(folders["pe"], name).train()
    model.see_training_captions(CAPTIONS * 20)
    frames = model.encode_frames(model.preprocess(random_videos(3, num_frames=2)))
    loss = model.training_loss(model.tokenize(CAPTIONS), frames)["loss"]
    before = {key: value.detach().clone() for key, value in model.encoder.named_parameters()}
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    loss.backward()
    optimiser.step()
    moved = {
        key.split(".")[1]
        for key, value in model.encoder.named_parameters()
        if not torch.equal(value, before[key])
    }
    assert {"text", "visual"} <= moved
    assert all(torch.isfinite(value).all() for value in model.parameters())


def test_how_frames_are_resized_is_kept_and_tells_features_apart(folders, tmp_path) -> None:
    for kind, said in (("pe", "bilinear"), ("siglip2", None)):
        model = model_on(folders[kind], "clip4clip_meanp").eval()
        assert model.encoder.describe().get("interpolation") == said
        assert model.feature_key("videos").get("interpolation") == said
        assert "interpolation" not in model.feature_key("texts")
        save_checkpoint(tmp_path / kind, model, {})
        again = load_checkpoint(tmp_path / kind)
        assert again.encoder.interpolation == (said or "bicubic")
    plain = load_encoder("tiny")
    plain.interpolation = "bilinear"
    assert rebuild_encoder(plain.describe()).interpolation == "bilinear"
    with pytest.raises(ConfigError, match="interpolation: expected bicubic or bilinear"):
        rebuild_encoder({**plain.describe(), "interpolation": "nearest"})


def test_heads_that_start_from_the_text_tower_are_refused_without_one(folders) -> None:
    with pytest.raises(ConfigError, match="one of transformers.*clip4clip_meanp"):
        model_on(folders["bert"], "clip4clip_seqtransf")
    model = model_on(folders["bert"], "clip4clip_meanp").train()
    frames = model.encode_frames(model.preprocess(random_videos(3, num_frames=2)))
    model.training_loss(model.tokenize(CAPTIONS), frames)["loss"].backward()
    assert model.encoder.clip.text.proj[0].weight.grad.abs().sum() > 0


def test_padding_as_in_the_authors_code_needs_clips_own_tower(folders) -> None:
    model = model_on(folders["siglip2"], "msam", padding="release", regions="frame")
    with pytest.raises(ConfigError, match="set padding=masked"):
        model.encode_tokens(model.tokenize(CAPTIONS))


def test_the_lowest_layers_of_siglip2(folders) -> None:
    model = model_on(folders["siglip2"], "clip4clip_meanp")
    none = model.lowest_parameter_names(0)
    assert {name.removeprefix("encoder.clip.") for name in none} == {
        "text.token_embedding.weight",
        "text.positional_embedding",
        "visual.trunk.patch_embed.proj.weight",
        "visual.trunk.patch_embed.proj.bias",
        "visual.trunk.pos_embed",
        *({"visual.trunk.cls_token"} & {n.removeprefix("encoder.clip.") for n in none}),
    }
    one = model.lowest_parameter_names(1) - none
    assert {name.removeprefix("encoder.clip.").split(".0.")[0] for name in one} == {
        "text.transformer.resblocks",
        "visual.trunk.blocks",
    }
    with pytest.raises(ConfigError, match="text tower of small-siglip2 has 2 transformer blocks"):
        model.lowest_parameter_names(3)
    bert = model_on(folders["bert"], "clip4clip_meanp")
    assert "encoder.clip.text.transformer.embeddings.word_embeddings.weight" in (
        bert.lowest_parameter_names(0)
    )
    with pytest.raises(ConfigError, match="blocks are not counted"):
        bert.lowest_parameter_names(1)


def test_checkpointing_changes_no_number(folders) -> None:
    for kind in ("siglip2", "worldwide", "bert"):
        model = model_on(folders[kind], "clip4clip_meanp").eval()
        tokens, prepared = model.tokenize(CAPTIONS), model.preprocess(random_videos(3, 2))
        losses = []
        for on in (False, True, False):
            model.set_checkpointing(on)
            losses.append(model.training_loss(tokens, model.encode_frames(prepared))["loss"])
        assert torch.equal(losses[0], losses[1])
        losses[1].backward()
        assert torch.equal(losses[0], losses[2])


def test_more_words_than_positions_are_refused(folders) -> None:
    module = CATALOG.load("clip4clip_meanp")
    with pytest.raises(ConfigError, match="max_words is 32.*reads at most 16"):
        module.Model(module.Config(backbone=str(folders["siglip2"])))


def test_scores_are_cosines_without_the_bias(folders) -> None:
    model = model_on(folders["siglip2"], "clip4clip_meanp").eval()
    videos = random_videos(2, num_frames=2)
    texts, found = model.encode_texts(CAPTIONS), model.encode_videos(videos)
    vectors = functional.normalize(model.video_vectors(found), dim=-1)
    expected = model.text_vectors(texts) @ vectors.T
    torch.testing.assert_close(model.score(texts, found), expected)
    assert model.score(texts, found).abs().max() <= 1 + 1e-5
