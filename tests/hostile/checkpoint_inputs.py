"""Checkpoint folders that others sent: config.json says one thing, its tensors another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvtr_bench.runtime.checkpoint import CONFIG_FILE, MODEL_FILE
from tests.hostile.case import Hostile
from tests.hostile.checkpoint_files import load, write_checkpoint


def _config(name: str, message: str, change: Callable[[dict[str, Any]], object]) -> Hostile:
    def make(folder: Path) -> Path:
        return write_checkpoint(folder, change)

    return Hostile(name, make, load, rf"(config\.json|model\.safetensors).*{message}")


def _settings(name: str, message: str, **values: Any) -> Hostile:
    return _config(name, message, lambda config: config["model"]["config"].update(values))


def _backbone(name: str, message: str, **values: Any) -> Hostile:
    return _config(name, message, lambda config: config["model"]["backbone"].update(values))


def _training(name: str, message: str, **values: Any) -> Hostile:
    return _config(name, message, lambda config: config["training"].update(values))


def _text(name: str, message: str, content: bytes) -> Hostile:
    def make(folder: Path) -> Path:
        write_checkpoint(folder)
        (folder / CONFIG_FILE).write_bytes(content)
        return folder

    return Hostile(name, make, load, rf"config\.json: .*{message}")


def _without_tensors(folder: Path) -> Path:
    write_checkpoint(folder)
    (folder / MODEL_FILE).unlink()
    return folder


def _other_bank(folder: Path) -> Path:
    """Tokens of no vocabulary in the text bank, and a SHA-256 that fits them."""
    import torch
    from safetensors.torch import load_file, save_file

    from dvtr_bench.runtime.checkpoint import tensors_sha256

    write_checkpoint(folder)
    tensors = load_file(folder / MODEL_FILE)
    tensors["bank_tokens"] = torch.full_like(tensors["bank_tokens"], 1 << 40)
    save_file(tensors, folder / MODEL_FILE)
    return write_checkpoint_of(folder, tensors_sha256(tensors))


def write_checkpoint_of(folder: Path, sha256: str) -> Path:
    """State another SHA-256 of the tensors."""
    config = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps({**config, "weights_sha256": sha256}))
    return folder


def _use(folder: Path) -> object:
    import torch

    model = load(folder)
    frames = {
        "frame_embeds": torch.zeros(1, 4, 16),
        "frame_mask": torch.ones(1, 4, dtype=torch.bool),
    }
    return model.encode_prepared(frames)


INPUTS = [
    _text("nested deep", "nested too deep", b"[" * 200_000),
    _text("a list", "expected a JSON object", b"[]"),
    _text("not UTF-8", "not a text file", b"\xff"),
    _text("empty", "Expecting value", b""),
    _text("half a letter", "half a character, U\\+D800", b'{"a": "\\ud800"}'),
    _text("a field twice", "occurs twice", b'{"model": 1, "model": 2}'),
    _text("NaN", "NaN is not allowed", b'{"model": NaN}'),
    _text("a number of 5,000 digits", "digits", b"[" + b"9" * 5_000 + b"]"),
    _config("no version", "format_version", lambda config: config.pop("format_version")),
    _config("a version that is true", "format_version",
            lambda config: config.update(format_version=True)),
    _config("a model that is a list", "model: expected an object",
            lambda config: config.update(model=[])),
    _config("a model without a name", "model.model",
            lambda config: config["model"].pop("model")),
    _config("a model with a long name", "model.model",
            lambda config: config["model"].update(model="x" * 100_000)),
    _config("a model that there is not", "no model is called",
            lambda config: config["model"].update(model="../../etc/passwd")),
    _config("another model", "no such setting: bank_size",
            lambda config: config["model"].update(model="clip_zeroshot")),
    _config("a SHA-256 of 3 letters", "weights_sha256",
            lambda config: config.update(weights_sha256="abc")),
    _config("another SHA-256", "another SHA-256",
            lambda config: config.update(weights_sha256="0" * 64)),
    _config("settings that are a list", "config: expected an object",
            lambda config: config["model"].update(config=[])),
    _config("no backbone", "backbone: expected an object",
            lambda config: config["model"].pop("backbone")),
    _config("no architecture", "backbone.architecture",
            lambda config: config["model"]["backbone"].pop("architecture")),
    _settings("a setting that there is not", "no such setting: evil", evil=1),
    _settings("10^9 frames", "max_frames must be at most", max_frames=10**9),
    _settings("-1 words", "max_words must be at least", max_words=-1),
    _settings("frames that are true", "max_frames takes a whole number", max_frames=True),
    _settings("frames that are a fraction", "max_frames takes a whole number", max_frames=4.5),
    _settings("frames that are a text", "max_frames takes a whole number", max_frames="4"),
    _settings("10^6 layers", "temporal_layers must be at most", temporal_layers=10**6),
    _settings("1,000 layers", "larger than its weights", temporal_layers=1_000),
    _settings("a bank of 10^18 texts", "bank_size must be at most", bank_size=10**18),
    _settings("more semantics than tensors have", "size mismatch", num_semantics=1_000),
    _settings("a pooling that there is not", "pooling takes", pooling="evil"),
    _settings("semantics that are a number", "semantics takes true", semantics=2),
    _settings("a text block that is a list", "text_block takes", text_block=[1]),
    _settings("a backbone that is null", "backbone takes text", backbone=None),
    _settings("a text of a million letters", "more than 4,096 letters", backbone="x" * 1_000_000),
    _backbone("an architecture of a stranger's repository", "no architecture called 'hf-hub:evil",
              architecture="hf-hub:evil/repo"),
    _backbone("an architecture in a folder", "no architecture called 'local-dir:/etc",
              architecture="local-dir:/etc"),
    _backbone("an architecture that is no CLIP", "not built like CLIP",
              architecture="coca_ViT-B-32"),
    _backbone("an architecture of 5 billion numbers", "larger than its weights",
              architecture="ViT-bigG-14"),
    _backbone("an architecture that is a list", "backbone.architecture", architecture=[]),
    _backbone("an activation that is a text", "backbone.quick_gelu", quick_gelu="yes"),
    _backbone("a mean of 10,000 numbers", "backbone.mean", mean=[0.5] * 10_000),
    _backbone("a mean beyond all", "backbone.mean", mean=[1e308, 0, 0]),
    _backbone("a deviation of 0", "backbone.std", std=[0, 0, 0]),
    _backbone("a deviation of texts", "backbone.std", std=["a", "b", "c"]),
    _backbone("a source that is null", "backbone.source", source=None),
    _training("a dataset that is a text", "training.dataset:", dataset="toy"),
    _training("a dataset without a name", "training.dataset.name", dataset={}),
    _training("a recipe that is a list", "training.recipe", recipe=[]),
    _training("a seed of 2^80", "64 bits do not hold", recipe={"seed": 1 << 80}),
    _training("an epoch of 0", "training.epoch", epoch=0),
    _training("a recall of 101", "training.validation_t2v_r1", validation_t2v_r1=101),
    Hostile("no tensors", _without_tensors, load, r"model\.safetensors cannot be read"),
    Hostile("tokens of no vocabulary", _other_bank, _use, "tokens that are not among the 512"),
]  # fmt: skip
