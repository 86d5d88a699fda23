import pickle
import time
import warnings
import zipfile

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from baselines.encoder import frame_encoder
from baselines.encoder.loading import load_encoder, rebuild_encoder
from baselines.weights import download
from baselines.weights.backbone_spec import parse_backbone
from baselines.weights.torch_zip import is_torchscript_archive, read_torchscript_tensors
from baselines.weights.weights import read_state_dict, read_weights
from dvtr_bench.errors import ConfigError, NotFoundError, UnsafePickleError, WeightsError
from tests.fixtures.small_clip import SMALL_CONFIG, small_encoder


class Towers(nn.Module):
    """Carries a CLIP's tensors under their names, as the root of a TorchScript archive does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def archive_module(tensors):
    root = Towers()
    for name, value in tensors.items():
        *path, last = name.split(".")
        node = root
        for part in path:
            if not hasattr(node, part):
                node.add_module(part, Towers())
            node = getattr(node, part)
        node.register_parameter(last, nn.Parameter(value))
    for name, value in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408)):
        root.register_buffer(name, torch.tensor(value))
    return root


def write_torchscript(path, tensors) -> None:
    with warnings.catch_warnings():
        # torch means to retire TorchScript; OpenAI's archive stays what it is.
        warnings.simplefilter("ignore")
        torch.jit.script(archive_module(tensors)).save(str(path))


def write_state_dict(path, tensors) -> None:
    torch.save(tensors, path)


def write_open_clip_checkpoint(path, tensors) -> None:
    content = {
        "epoch": 3,
        "name": "run",
        "state_dict": {f"module.{name}": value for name, value in tensors.items()},
    }
    torch.save(content, path)


def write_safetensors(path, tensors) -> None:
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)


FORMATS = [
    pytest.param("model.pt", write_torchscript, id="torchscript"),
    pytest.param("model.pt", write_state_dict, id="state dict"),
    pytest.param("epoch_3.pt", write_open_clip_checkpoint, id="open_clip checkpoint"),
    pytest.param("model.safetensors", write_safetensors, id="safetensors"),
]


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(frame_encoder, "TINY_CONFIG", SMALL_CONFIG)


def embeddings(encoder):
    pixels = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    tokens = encoder.tokenize(["a red car", "two boats turn left near a pier"], 32)
    with torch.no_grad():
        return encoder.encode_frames(pixels.to(torch.uint8)), encoder.encode_text(tokens)[0]


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_every_format_gives_the_same_embeddings(small, tmp_path, name, write) -> None:
    quick = write is write_torchscript
    original = small_encoder(seed=5, quick_gelu=quick)
    write(tmp_path / name, original.clip.state_dict())
    encoder = load_encoder(f"tiny/{tmp_path / name}")
    assert encoder.quick_gelu is quick
    for found, expected in zip(embeddings(encoder), embeddings(original), strict=True):
        assert torch.equal(found, expected)
    assert len(encoder.origin["weights_sha256"]) == 64


WRAPPED = ("_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "model.", "model._orig_mod.")


@pytest.mark.parametrize("prefix", WRAPPED)
def test_names_that_a_wrapper_put_before_a_models_are_taken_off(small, tmp_path, prefix) -> None:
    original = small_encoder(seed=5, quick_gelu=False)
    tensors = {f"{prefix}{name}": value for name, value in original.clip.state_dict().items()}
    write_safetensors(tmp_path / "model.safetensors", tensors)
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "model.pt")
    for name in ("model.safetensors", "model.pt"):
        encoder = load_encoder(f"tiny/{tmp_path / name}")
        for found, expected in zip(embeddings(encoder), embeddings(original), strict=True):
            assert torch.equal(found, expected)


def test_a_compiled_part_of_a_model_has_its_plain_names(tmp_path) -> None:
    blocks = nn.Sequential(nn.Linear(2, 2), torch.compile(nn.Linear(2, 3)))
    torch.save(blocks.state_dict(), tmp_path / "part.pt")
    assert any("_orig_mod." in name for name in blocks.state_dict())
    assert list(read_state_dict(tmp_path / "part.pt")) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
    ]


def test_half_precision_weights_become_float32(small, tmp_path) -> None:
    tensors = {name: value.half() for name, value in small_encoder().clip.state_dict().items()}
    write_torchscript(tmp_path / "half.pt", tensors)
    encoder = load_encoder(f"tiny/{tmp_path / 'half.pt'}")
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    key = "visual.conv1.weight"
    assert torch.equal(encoder.clip.state_dict()[key], tensors[key].float())


def test_the_archive_reader_agrees_with_torch(tmp_path) -> None:
    tensors = small_encoder().clip.state_dict()
    path = tmp_path / "archive.pt"
    write_torchscript(path, tensors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = torch.jit.load(str(path)).state_dict()
    found = read_torchscript_tensors(path)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_archive_that_asks_for_a_function_is_not_opened(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return (exec, ("raise SystemExit('ran')",))

    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("evil/code/__torch__.py", "")
        archive.writestr("evil/data.pkl", pickle.dumps(Evil(), protocol=2))
    assert is_torchscript_archive(path)
    with pytest.raises(UnsafePickleError, match="exec"):
        read_weights(path)


def test_a_pickle_that_runs_code_is_not_opened(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return (exec, ("raise SystemExit('ran')",))

    for name, write in (("torch.pt", torch.save), ("plain.pt", _pickle)):
        write({"weights": Evil()}, tmp_path / name)
        with pytest.raises(WeightsError, match="never loaded"):
            read_weights(tmp_path / name)


def _pickle(content, path) -> None:
    path.write_bytes(pickle.dumps(content))


def test_a_damaged_archive_is_named(tmp_path) -> None:
    write_torchscript(tmp_path / "whole.pt", small_encoder().clip.state_dict())
    with (
        zipfile.ZipFile(tmp_path / "whole.pt") as whole,
        zipfile.ZipFile(tmp_path / "damaged.pt", "w") as damaged,
    ):
        for name in whole.namelist():
            if not name.endswith("/data/3"):
                damaged.writestr(name, whole.read(name))
    with pytest.raises(WeightsError, match=r"damaged\.pt.*download the file again"):
        read_weights(tmp_path / "damaged.pt")


@pytest.mark.parametrize("name", ["text.pt", "text.safetensors"])
def test_a_file_that_is_no_weights_is_named(tmp_path, name) -> None:
    (tmp_path / name).write_text("hello, I am not a tensor")
    with pytest.raises(WeightsError, match=rf"{name}: not .* that can be read"):
        read_weights(tmp_path / name)


def test_missing_extra_and_misshapen_keys_are_named(small, tmp_path) -> None:
    tensors = dict(small_encoder().clip.state_dict())
    del tensors["visual.proj"]
    tensors["visual.head"] = torch.zeros(2)
    tensors["ln_final.weight"] = torch.zeros(5)
    torch.save(tensors, tmp_path / "wrong.pt")
    with pytest.raises(WeightsError) as caught:
        load_encoder(f"tiny/{tmp_path / 'wrong.pt'}")
    message = str(caught.value)
    assert "1 missing: visual.proj" in message
    assert "1 not in the model: visual.head" in message
    assert "ln_final.weight (expected (32,), found (5,))" in message


def test_a_missing_file_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"no file of weights at nowhere/x\.pt"):
        load_encoder("tiny/nowhere/x.pt")


def test_an_absolute_path_with_one_slash_gets_a_hint(small, tmp_path) -> None:
    write_safetensors(tmp_path / "x.safetensors", small_encoder().clip.state_dict())
    path = str(tmp_path / "x.safetensors").removeprefix("/")
    with pytest.raises(NotFoundError, match="two slashes"):
        load_encoder(f"tiny/{path}")


def test_names_are_told_apart() -> None:
    assert parse_backbone("ViT-B-32/openai").tag == "openai"
    assert parse_backbone("ViT-B-32/laion2b_s34b_b79k").tag == "laion2b_s34b_b79k"
    assert str(parse_backbone("ViT-B-32/weights/openai.pt").path) == "weights/openai.pt"
    assert str(parse_backbone("ViT-B-32//data/x.pt").path) == "/data/x.pt"
    assert str(parse_backbone("tiny/runs/a").path) == "runs/a"
    with pytest.raises(ConfigError, match="names no weights"):
        parse_backbone("ViT-B-32")
    with pytest.raises(NotFoundError, match="ViT-B-32"):
        parse_backbone("ViT-B32/openai")
    assert str(parse_backbone("coca_ViT-B-32/x").path) == "x"
    assert parse_backbone("ViT-B-16-SigLIP2/webli").tag == "webli"
    with pytest.raises(ConfigError, match="names no weights.*open_clip has webli"):
        parse_backbone("ViT-B-16-SigLIP2")


def test_without_a_network_the_message_comes_at_once_and_says_what_to_do(
    monkeypatch, tmp_path
) -> None:
    import huggingface_hub

    def refuse(*_args, **_kwargs) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refuse)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", pytest.fail)
    monkeypatch.setattr(download, "OPENAI_CACHE", tmp_path)
    monkeypatch.setattr(time, "sleep", pytest.fail)
    with pytest.raises(NotFoundError) as caught:
        load_encoder("ViT-B-32/openai")
    message = str(caught.value)
    assert "ViT-B-32.pt" in message
    assert str(tmp_path) in message
    assert "timm/vit_base_patch32_clip_224.openai" in message
    assert "by its path: ViT-B-32-quickgelu/PATH" in message


def test_a_rebuilt_encoder_needs_no_files_and_fits(small, tmp_path) -> None:
    write_torchscript(tmp_path / "x.pt", small_encoder().clip.state_dict())
    encoder = load_encoder(f"tiny/{tmp_path / 'x.pt'}")
    (tmp_path / "x.pt").unlink()
    again = rebuild_encoder(encoder.describe())
    again.load_state_dict(encoder.state_dict())
    assert again.describe() == encoder.describe()
    for found, expected in zip(embeddings(again), embeddings(encoder), strict=True):
        assert torch.equal(found, expected)


def test_the_openai_tag_means_quick_gelu() -> None:
    # open_clip itself only warns where name and tag disagree: the rule is ours.
    record = open_clip.get_pretrained_cfg("ViT-B-32", "openai")
    assert record["quick_gelu"] is True
    assert not open_clip.get_model_config("ViT-B-32").get("quick_gelu")
