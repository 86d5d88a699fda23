"""Weights as they are published: named ones, folders of transformers, Long-CLIP's positions."""

import json
import math

import huggingface_hub
import numpy as np
import open_clip
import pytest
import torch
import transformers
from typer.testing import CliRunner

import dvtr_bench as dvtr
from baselines.encoder.loading import load_encoder, rebuild_encoder
from baselines.weights import download
from baselines.weights.published import PUBLISHED
from baselines.weights.weights import read_weights
from dvtr_bench.catalog import MODELS
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from tests.baselines.weights.test_weights import write_safetensors
from tests.fixtures.small_clip import SMALL_CONFIG, random_videos, small_encoder
from tests.oracles import openai_clip

REVISION = "0123456789abcdef0123456789abcdef01234567"
SMALL_SIGLIP = {
    "embed_dim": 32,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "image_size": 32,
        "timm_model_name": "small_siglip",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49,
        "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": 32,
        "heads": 2,
        "layers": 2,
        "mlp_ratio": 2.0,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    },
}


def small_siglip(pretrained: bool = False, **arguments):
    from timm.models.vision_transformer import VisionTransformer

    for name in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"):
        arguments.pop(name, None)
    sizes = {"img_size": 32, "patch_size": 16, "embed_dim": 32, "depth": 2, "num_heads": 2}
    return VisionTransformer(**sizes, mlp_ratio=2.0, class_token=False, **arguments)


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    """open_clip's architectures are small here; nothing is fetched."""
    plain = ("ViT-B-32", "ViT-L-14", "ViT-B-16", "ViT-H-14")
    configs = {name: SMALL_CONFIG for name in plain}
    configs |= {f"{name}-quickgelu": {**SMALL_CONFIG, "quick_gelu": True} for name in plain}
    configs["ViT-B-16-SigLIP"] = SMALL_SIGLIP
    real = open_clip.get_model_config
    monkeypatch.setattr(
        open_clip,
        "get_model_config",
        lambda name: json.loads(json.dumps(configs.get(name))) if name in configs else real(name),
    )
    monkeypatch.setitem(
        __import__("timm.models._registry", fromlist=["x"])._model_entrypoints,
        "small_siglip",
        small_siglip,
    )
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def no_network(monkeypatch) -> None:
    def refuse(*_args, **_kwargs) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refuse)


def long_tensors(seed: int = 2):
    """The tensors of a Long-CLIP: two embeddings of 248 positions."""
    torch.manual_seed(seed)
    tensors = dict(small_encoder(seed).clip.state_dict())
    tensors["positional_embedding"] = torch.randn(248, 32) * 0.1
    tensors["positional_embedding_res"] = torch.randn(248, 32) * 0.1
    return tensors


def siglip_of_transformers(folder, act: str = "gelu"):
    """A small SigLIP in the form of transformers, and its folder with a tokenizer."""
    from tests.fixtures.open_clip_models import words_tokenizer

    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_act": act,
    }
    config = transformers.SiglipConfig(
        text_config={
            **sizes,
            "vocab_size": 49,
            "max_position_embeddings": 16,
            "projection_size": 32,
        },
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
    )
    torch.manual_seed(4)
    model = transformers.SiglipModel(config).eval()
    for value in model.parameters():
        value.data += 0.05 * torch.randn_like(value)
    model.save_pretrained(folder)
    words_tokenizer().save_pretrained(folder)
    return model


def test_each_named_one_has_an_architecture_that_can_be_built() -> None:
    for name, one in PUBLISHED.items():
        assert name == one.name == name.lower()
        assert one.architecture in open_clip.list_models()
        assert bool(one.repository) != bool(one.url)
        assert one.activation in ("QuickGELU", "GELU")


@pytest.mark.parametrize("name", ["remoteclip-vit-b-32", "georsclip-vit-b-32", "skyclip-vit-l-14"])
def test_a_named_one_loads_from_a_file_with_its_own_activation(name, tmp_path, caplog) -> None:
    one = PUBLISHED[name]
    original = small_encoder(seed=3, quick_gelu=one.quick_gelu)
    path = tmp_path / "weights.pt"
    torch.save({f"module.{key}": value for key, value in original.clip.state_dict().items()}, path)
    encoder = load_encoder(f"{name}/{path}")
    assert encoder.quick_gelu is one.quick_gelu
    assert encoder.describe()["source"] == name
    tokens = encoder.tokenize(["a red car"], 20)
    with torch.no_grad():
        assert torch.equal(encoder.encode_text(tokens)[0], original.encode_text(tokens)[0])
    assert not caplog.text


def test_a_named_one_is_found_in_the_hubs_cache(tmp_path, monkeypatch) -> None:
    place = tmp_path / "models--chendelong--RemoteCLIP" / "snapshots" / REVISION
    place.mkdir(parents=True)
    torch.save(small_encoder().clip.state_dict(), place / "RemoteCLIP-ViT-B-32.pt")
    asked = []

    def cached(repository, name):
        asked.append((repository, name))
        return str(place / name)

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    assert load_encoder("RemoteCLIP-ViT-B-32").architecture == "ViT-B-32"
    assert asked == [("chendelong/RemoteCLIP", "RemoteCLIP-ViT-B-32.pt")]
    from baselines.adapters.open_clip import Config, Model

    said = Model("remoteclip-vit-b-32", Config()).describe()["config"]
    assert (said["revision"], said["file"]) == (REVISION, "RemoteCLIP-ViT-B-32.pt")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("remoteclip-vit-b-32", r"download RemoteCLIP-ViT-B-32\.pt of https://.*RemoteCLIP"),
        ("georsclip-vit-b-32", r"download ckpt/RS5M_ViT-B-32\.pt of https://.*GeoRSCLIP"),
        ("skyclip-vit-l-14", r"SkyCLIP_ViT_L14.*zip and unpack epoch_20\.pt"),
    ],
)
def test_without_a_network_it_says_what_to_fetch(name, said, no_network) -> None:
    with pytest.raises(NotFoundError, match=said) as caught:
        load_encoder(name)
    assert f"by its path: {name}/PATH" in str(caught.value)


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_a_folder_of_transformers_is_a_clip_with_its_activation(act, tmp_path, caplog) -> None:
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_act": act,
    }
    config = transformers.CLIPConfig(
        text_config={**sizes, "vocab_size": 49408, "eos_token_id": 49407},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
        projection_dim=32,
    )
    torch.manual_seed(1)
    model = transformers.CLIPModel(config).eval()
    model.save_pretrained(tmp_path / "theirs")
    encoder = load_encoder(f"ViT-B-32/{tmp_path / 'theirs'}").eval()
    assert encoder.quick_gelu is (act == "quick_gelu")
    tokens = encoder.tokenize(["a red car", "two boats on a lake"], 20)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    normalised = (images / 255 - encoder.pixel_mean) / encoder.pixel_std
    with torch.no_grad():
        texts = model.get_text_features(input_ids=tokens)
        frames = model.get_image_features(pixel_values=normalised)
        for found, theirs in (
            (encoder.encode_text(tokens)[0], texts),
            (encoder.encode_frames(images), frames),
        ):
            expected = getattr(theirs, "pooler_output", theirs)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert not caplog.text


@pytest.mark.parametrize(
    ("name", "act"),
    [("ViT-B-16-SigLIP", "gelu"), ("git-rsclip-base", "gelu_pytorch_tanh")],
)
def test_a_folder_of_transformers_is_a_siglip_with_its_tokenizer(name, act, tmp_path) -> None:
    model = siglip_of_transformers(tmp_path / "theirs", act)
    encoder = load_encoder(f"{name}/{tmp_path / 'theirs'}").eval()
    assert (encoder.frame_fit, list(encoder.describe()["mean"])) == ("squash", [0.5] * 3)
    tokens = encoder.tokenize(["a red car", "Two boats, over a lake!"], 16)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        texts = model.get_text_features(input_ids=tokens)
        frames = model.get_image_features(pixel_values=images / 127.5 - 1)
        for found, theirs in (
            (encoder.encode_text(tokens)[0], texts),
            (encoder.encode_frames(images), frames),
        ):
            expected = getattr(theirs, "pooler_output", theirs)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    again = rebuild_encoder(dict(encoder.describe()))
    again.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval().encode_frames(images), encoder.encode_frames(images))
        assert torch.equal(again.encode_text(tokens)[0], encoder.encode_text(tokens)[0])
    assert encoder.logit_scale.item() == pytest.approx(model.logit_scale.item())


def test_a_tag_brings_its_preprocessing_its_revision_and_its_tokenizer(
    tmp_path, monkeypatch
) -> None:
    """The Hub's cache has weights and tokenizer of ViT-B-16-SigLIP2/webli, small ones."""
    from baselines.adapters.open_clip import Config, Model

    configs = {**SMALL_SIGLIP, "text_cfg": {**SMALL_SIGLIP["text_cfg"]}}
    configs["text_cfg"]["hf_tokenizer_name"] = "timm/ViT-B-16-SigLIP2"
    real = open_clip.get_model_config

    def config_of(name):
        return json.loads(json.dumps(configs)) if name == "ViT-B-16-SigLIP2" else real(name)

    monkeypatch.setattr(open_clip, "get_model_config", config_of)
    place = tmp_path / "models--timm--ViT-B-16-SigLIP2" / "snapshots" / REVISION
    siglip_of_transformers(tmp_path / "theirs")
    place.mkdir(parents=True)
    tensors = read_weights(tmp_path / "theirs").tensors
    write_safetensors(place / "open_clip_model.safetensors", tensors)
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda repository, name: str(place / name)
    )
    from_pretrained, asked = transformers.AutoTokenizer.from_pretrained, []

    def tokenizer(name, **options):
        asked.append((name, options))
        return from_pretrained(tmp_path / "theirs", **options)

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", tokenizer)
    model = Model("ViT-B-16-SigLIP2/webli", Config())
    said = model.describe()["config"]
    assert asked == [("timm/ViT-B-16-SigLIP2", {"local_files_only": True})]
    assert model.name == "open_clip:ViT-B-16-SigLIP2/webli"
    assert (said["revision"], said["file"]) == (REVISION, "open_clip_model.safetensors")
    assert (said["resize_mode"], said["mean"]) == ("squash", [0.5] * 3)
    assert said["tokenizer"]["name"] == "timm/ViT-B-16-SigLIP2"


def test_without_its_tokenizer_it_says_what_to_fetch(tmp_path, no_network) -> None:
    siglip_of_transformers(tmp_path / "theirs")
    bare = tmp_path / "theirs" / "model.safetensors"
    with pytest.raises(NotFoundError, match=r"tokenizer timm/ViT-B-16-SigLIP is not.*hf download"):
        load_encoder(f"ViT-B-16-SigLIP/{bare}")


def test_a_pickled_folder_is_read_and_one_in_pieces_is_refused(tmp_path) -> None:
    folder = tmp_path / "theirs"
    siglip_of_transformers(folder)
    tensors = read_weights(folder).tensors
    torch.save({f"_orig_mod.{k}": v for k, v in tensors.items()}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    again = read_weights(folder).tensors
    assert all(torch.equal(again[name], value) for name, value in tensors.items())
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsError, match="in several files"):
        read_weights(folder)


def test_long_positions_are_joined_and_248_tokens_are_read(tmp_path) -> None:
    tensors = long_tensors()
    torch.save(tensors, tmp_path / "long.pt")
    encoder = load_encoder(f"dgtrs-clip-vit-b-16/{tmp_path / 'long.pt'}").eval()
    assert (encoder.context_length, encoder.quick_gelu) == (248, True)
    # As in its own code: the first 20 positions of one, the others of the other.
    mask = torch.arange(248)[:, None] < 20
    masked = torch.where(mask, tensors["positional_embedding"], 0.0) + torch.where(
        mask, 0.0, tensors["positional_embedding_res"]
    )
    plain = {k: v for k, v in tensors.items() if not k.startswith("positional_embedding")}
    caption = " ".join(["a red car and two boats"] * 30)
    tokens = encoder.tokenize([caption, "a boat"], 248)
    assert int((tokens[0] != 0).sum()) == 182
    with torch.no_grad():
        found, _, _ = encoder.encode_text(tokens)
        joined = {**plain, "positional_embedding": masked}
        expected, _ = openai_clip.encode_text(joined, openai_clip.SMALL, tokens)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    again = rebuild_encoder(dict(encoder.describe()))
    again.clip.load_state_dict(encoder.clip.state_dict())
    with torch.no_grad():
        assert torch.equal(again.encode_text(tokens)[0], found)


def test_a_model_reads_as_many_words_as_its_tower_has_and_no_more(tmp_path) -> None:
    torch.save(long_tensors(), tmp_path / "long.pt")
    module = MODELS.load("clip4clip_meanp")
    backbone = f"longclip-vit-b-16/{tmp_path / 'long.pt'}"
    model = module.Model(module.Config(backbone=backbone, max_words=248, max_frames=2)).eval()
    texts = model.encode_texts([" ".join(["boat"] * 200), " ".join(["boat"] * 201)])
    vectors = model.text_vectors(texts)
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)
    assert model.score(texts, model.encode_videos(random_videos(1, 2))).shape == (2, 1)
    with pytest.raises(ConfigError, match=r"max_words is 249.*at most 248"):
        module.Model(module.Config(backbone=backbone, max_words=249))
    with pytest.raises(ConfigError, match=r"max_words is 78.*at most 77"):
        module.Model(module.Config(backbone="tiny", max_words=78))


def test_a_scalar_of_numpy_beside_the_weights_is_read_over(tmp_path) -> None:
    tensors = dict(small_encoder().clip.state_dict())
    content = {
        "state_dict": tensors,
        "best": np.float64(51.5),
        "epoch": np.int64(3),
        "rates": [np.float32(1e-4)],
    }
    torch.save(content, tmp_path / "checkpoint.pt")
    found = read_weights(tmp_path / "checkpoint.pt").tensors
    assert found.keys() == tensors.keys()
    content["best"] = np.array([1.0])  # an array is more than a scalar
    torch.save(content, tmp_path / "array.pt")
    with pytest.raises(WeightsError, match="numpy"):
        read_weights(tmp_path / "array.pt")


def test_the_hubs_files_of_open_clip_are_those_of_its_records() -> None:
    from baselines.weights.backbone_spec import parse_backbone

    files = download._hub_files(parse_backbone("ViT-B-16-SigLIP2/webli"))
    assert files[0] == ("timm/ViT-B-16-SigLIP2", "open_clip_model.safetensors")


def test_all_names_are_listed_and_found_by_a_word() -> None:
    listed = {one.name: one for one in dvtr.list_backbones()}
    assert {"tiny", *PUBLISHED, "ViT-B-16-SigLIP2/webli", "PE-Core-B-16/meta"} <= listed.keys()
    siglip = listed["ViT-B-16-SigLIP2/webli"]
    assert (siglip.repository, siglip.context_length) == ("timm/ViT-B-16-SigLIP2", 64)
    assert (siglip.resize_mode, siglip.needs, siglip.trainable) == ("squash", "hf", True)
    pe = listed["PE-Core-B-16/meta"]
    assert (pe.interpolation, pe.resize_mode, pe.trainable) == ("bilinear", "squash", True)
    assert {one.name for one in dvtr.list_backbones("Git-RSCLIP")} == {
        "git-rsclip-base",
        "git-rsclip-large",
    }


def test_the_command_lists_them() -> None:
    run = CliRunner().invoke(make_app(), ["backbones", "remoteclip"])
    assert run.exit_code == 0
    assert "chendelong/RemoteCLIP/RemoteCLIP-RN50.pt" in run.output
    assert "licence: not verified" in run.output
    told = json.loads(CliRunner().invoke(make_app(), ["backbones", "longclip", "--json"]).output)
    assert [one["context_length"] for one in told["backbones"]] == [248, 248]
    missing = CliRunner().invoke(make_app(), ["backbones", "nothing-like-it"])
    assert missing.exit_code != 0
    assert math.isfinite(len(missing.output))
