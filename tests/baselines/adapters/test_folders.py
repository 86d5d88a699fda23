"""Folders of published models: from the Hub by name, without pickles and code of others."""

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.evaluation.untouched import CodeState
from dvtr_bench.models.entry import model_entry

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Saved = Callable[[str], Path]


def build(name: object, source: str = "hf", **settings: object) -> Any:
    return model_entry(f"{source}:{name}").build(settings)


@pytest.fixture
def folder(saved: Saved, tmp_path: Path) -> Path:
    """A copy of a small CLIP, to be changed."""
    return Path(shutil.copytree(saved("clip"), tmp_path / "changed"))


def change(file: Path, **more: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | more))


class Hub:
    """Stands in for the Hub's client: gives a folder's files of the patterns that are asked for."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.asked: list[tuple[str, str | None]] = []

    def download(self, repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        self.asked.append((repository, revision))
        snapshot = self.cache / f"models--{repository.replace('/', '--')}" / "snapshots" / COMMIT
        snapshot.mkdir(parents=True, exist_ok=True)
        for pattern in allow_patterns:
            for file in self.folder.rglob(pattern):
                target = snapshot / file.relative_to(self.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        return str(snapshot)


def use_hub(monkeypatch: pytest.MonkeyPatch, folder: Path, cache: Path) -> Hub:
    hub = Hub(folder, cache)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.download)
    return hub


@pytest.mark.parametrize(
    ("source", "kind"), [("hf", "clip"), ("st", "st:clip"), ("cross_encoder", "cross:videos")]
)
def test_a_repository_is_fetched_by_name_and_its_commit_recorded(
    saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, kind: str
) -> None:
    own = saved(kind)
    hub = use_hub(monkeypatch, own, tmp_path)
    for name, revision in (("org/small-clip", None), ("org/small-clip@v1", "v1")):
        told = build(name, source).describe()
        assert hub.asked.pop() == ("org/small-clip", revision)
        assert told["model"] == f"{source}:{name}"
        assert told["backbone"]["source"] == f"{source}:{name}"
        assert told["backbone"]["revision"] == told["config"]["revision"] == COMMIT
    snapshot = next(tmp_path.glob("models--*/snapshots/*"))
    told = build(snapshot, source).describe()
    assert (told["model"], told["config"]["revision"]) == (f"{source}:org/small-clip", COMMIT)
    assert build(own, source).describe()["config"]["revision"] is None


def test_without_a_network_it_is_told_what_to_fetch(sockets: list[object], tmp_path: Path) -> None:
    with pytest.raises(
        NotFoundError, match="hf download org/absent-model --revision v2 --local-dir"
    ):
        build("org/absent-model@v2")
    sockets.clear()
    for name in ("absent", "a/b/c", str(tmp_path / "absent"), "../x/y"):
        with pytest.raises(NotFoundError, match="no such folder, and it is no name of the"):
            build(name)
    assert not sockets


def test_a_folder_reaches_for_no_network(saved: Saved, sockets: list[object]) -> None:
    for kind in ("clip", "siglip", "siglip2", "xclip"):
        build(saved(kind))
    build(saved("st:clip"), "st")
    assert not sockets


def test_weights_in_pickles_are_read_without_running_them(folder: Path, saved: Saved) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    ours, theirs = (
        build(one).encode_texts(["a red car"])["vector"] for one in (folder, saved("clip"))
    )
    assert torch.equal(ours, theirs)


def test_of_the_hub_pickles_are_fetched_only_where_there_is_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    hub = use_hub(monkeypatch, folder, tmp_path / "both")
    build("org/both")
    assert len(hub.asked) == 1
    assert not list((tmp_path / "both").rglob("*.bin"))
    (folder / "model.safetensors").unlink()
    hub = use_hub(monkeypatch, folder, tmp_path / "pickles")
    assert build("org/pickles@main").describe()["model"] == "hf:org/pickles@main"
    assert hub.asked == [("org/pickles", "main")] * 2


class Harm:
    """A pickle of it would write a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "harm"))


@pytest.mark.parametrize("source", ["hf", "st"])
def test_a_pickle_that_runs_something_is_refused(saved: Saved, tmp_path: Path, source: str) -> None:
    own = saved("clip" if source == "hf" else "st:clip")
    folder = Path(shutil.copytree(own, tmp_path / "harmful"))
    (folder / "model.safetensors").unlink()
    mark = tmp_path / "written"
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Harm(mark)}, protocol=2))
        archive.writestr("archive/version", "3")
    with pytest.raises(WeightsError, match=r"asks for|is a pickle"):
        build(folder, source)
    assert not mark.exists()


@pytest.mark.parametrize("source", ["hf", "st"])
def test_weights_that_are_not_all_there_are_refused(
    saved: Saved, tmp_path: Path, source: str
) -> None:
    own = saved("clip" if source == "hf" else "st:clip")
    folder = Path(shutil.copytree(own, tmp_path / "part"))
    tensors = load_file(folder / "model.safetensors")
    del tensors["text_projection.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="lack 1 of the tensors of CLIPModel.*text_projection"):
        build(folder, source)
    build(own, source)  # and what was put in place of the library's loading is gone


def test_a_head_that_is_not_all_there_is_refused(saved: Saved, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer

    modules = [
        Transformer(str(saved("clip")), model_kwargs={"local_files_only": True}),
        Dense(20, 8, module_input_name="sentence_embedding"),
    ]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "headed"))
    assert build(tmp_path / "headed", "st").encode_texts(["a car"])["vector"].shape == (1, 8)
    (file,) = (tmp_path / "headed").glob("*_Dense/model.safetensors")
    tensors = load_file(file)
    del tensors["linear.bias"]
    save_file(tensors, file)
    with pytest.raises(WeightsError, match="linear.bias"):
        build(tmp_path / "headed", "st")


@pytest.mark.parametrize("source", ["hf", "st"])
def test_code_of_a_repository_runs_only_where_that_is_allowed(
    saved: Saved, tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = saved("clip" if source == "hf" else "st:clip")
    folder = Path(shutil.copytree(own, tmp_path / "own_code"))
    mark = tmp_path / "ran"
    (folder / "modeling_own.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\n"
        "from transformers import CLIPConfig, CLIPModel\n\n\n"
        'class OwnConfig(CLIPConfig):\n    model_type = "own_clip_of_a_test"\n\n\n'
        "class OwnModel(CLIPModel):\n    config_class = OwnConfig\n"
    )
    change(
        folder / "config.json",
        model_type="own_clip_of_a_test",
        auto_map={"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"},
    )
    with pytest.raises(ConfigError, match="modeling_own.py.*--set trust_remote_code=true"):
        build(folder, source)
    assert not mark.exists()
    assert "warning" not in capsys.readouterr().err


def test_code_that_is_allowed_runs_after_a_warning(
    saved: Saved,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    folder = Path(shutil.copytree(saved("clip"), tmp_path / "own_code"))
    (folder / "modeling_own.py").write_text(
        "from transformers import CLIPConfig, CLIPModel\n\n\n"
        'class OwnConfig(CLIPConfig):\n    model_type = "own_clip_of_a_test"\n\n\n'
        "class OwnModel(CLIPModel):\n    config_class = OwnConfig\n"
    )
    change(
        folder / "config.json",
        model_type="own_clip_of_a_test",
        auto_map={"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"},
    )
    model = build(folder, trust_remote_code=True)
    assert "warning: hf:own_code runs code from its own" in capsys.readouterr().err
    expected = build(saved("clip")).encode_texts(["a red car"])["vector"]
    torch.testing.assert_close(model.encode_texts(["a red car"])["vector"], expected)
    # What that code keeps outside of the model is put back for the checks of its claims.
    assert CodeState(model)._packages == {"transformers_modules"}
    assert CodeState(build(saved("clip")))._packages == set()


def test_a_module_of_another_package_counts_as_code(saved: Saved, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved("st:clip"), tmp_path / "modules"))
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "modeling_own.Module"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ConfigError, match="modeling_own.py"):
        build(folder, "st")


@pytest.mark.parametrize("change_it", ["empty", "config", "weights", "header", "huge"])
def test_a_damaged_folder_is_one_error(folder: Path, change_it: str) -> None:
    if change_it == "empty":
        for file in folder.iterdir():
            file.unlink()
    elif change_it == "config":
        (folder / "config.json").write_text("{")
    elif change_it == "weights":
        (folder / "model.safetensors").unlink()
    elif change_it == "header":
        (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    else:
        config = json.loads((folder / "config.json").read_text())
        config["vision_config"]["intermediate_size"] = 1 << 30
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="changed|model.safetensors"):
        build(folder)


def test_a_model_without_two_towers_is_refused(tmp_path: Path) -> None:
    config = transformers.ViTConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.ViTModel(config).save_pretrained(tmp_path / "vit")
    from tests.fixtures.published_models import clip_images, tokenizer

    clip_images().save_pretrained(tmp_path / "vit")
    tokenizer().save_pretrained(tmp_path / "vit")
    with pytest.raises(WeightsError, match="ViTModel of transformers has no get_text_features"):
        build(tmp_path / "vit")


def test_a_folder_of_transformers_is_none_of_sentence_transformers(saved: Saved) -> None:
    with pytest.raises(WeightsError, match="no modules.json.*hf:small-clip"):
        build(saved("clip"), "st")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prompt": "a photo"}, "must have {} once.*'a photo'"),
        ({"max_words": 99}, "max_words: the text tower of hf:small-clip takes 16, found 99"),
        ({"max_words": 0}, "max_words must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_settings_are_checked(saved: Saved, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(saved("clip"), **settings)


def test_without_the_library_it_is_told_what_to_install(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(NotFoundError, match=r"pip install 'dvtr-bench\[st\]'"):
        build(saved("st:clip"), "st")
