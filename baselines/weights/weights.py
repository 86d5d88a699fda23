"""Safe reading of CLIP weights and loading into a model.

There are four file formats: OpenAI's TorchScript archive (``ViT-B-32.pt``), a state dict, an
open_clip training checkpoint (``{"state_dict": ...}``, keys with ``module.``) and safetensors.
Names may begin with what wrapped the model: ``module.``, ``model.``, ``_orig_mod.``
(torch.compile). Of a checkpoint folder of dvtr-bench, the encoder in its safetensors file is read,
of a folder of Hugging Face's transformers or of open_clip its file of weights. Tensors may have the
names of OpenAI and open_clip, or those of transformers (CLIP, SigLIP).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from baselines.weights import siglip_names
from baselines.weights.backbone_spec import ClipShapes, find_architecture
from baselines.weights.huggingface_names import MARK, POSITION_NUMBERS, openai_tensors
from baselines.weights.open_clip_config import is_open_clip_folder, weights_of_folder
from baselines.weights.torch_file import read_torch_file
from baselines.weights.torch_zip import is_torchscript_archive, read_torchscript_tensors
from dvtr_bench.errors import NotFoundError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_toml_text import parse_published_json, read_json_bytes
from dvtr_bench.reading.safetensors_file import read_tensors
from dvtr_bench.runtime.checkpoint import CONFIG_FILE, MODEL_FILE, read_checkpoint_config

ENCODER_PREFIX: Final = "encoder.clip."
"""Prefix of the CLIP weights in a checkpoint of dvtr-bench."""

_NOT_WEIGHTS: Final = ("input_resolution", "context_length", "vocab_size")
"""Numbers among the tensors of OpenAI's archives, and of no other files."""

_NOT_SCORED: Final = ("logit_bias", "text.transformer.embeddings.position_ids")
_DECODER: Final = "text_decoder."

_POSITIONS: Final = "positional_embedding"
_LONG_POSITIONS: Final = "positional_embedding_res"
"""A name that only Long-CLIP and what was made from it have."""

_KEPT_POSITIONS: Final = 20

_TANH: Final = "gelu_pytorch_tanh"
"""What transformers calls GELU by tanh."""

_TRANSFORMERS_PICKLE: Final = "pytorch_model.bin"
_TRANSFORMERS_SHARDS: Final = "model.safetensors.index.json"

_COMPILED: Final = "_orig_mod."
_WRAPPERS: Final = (ENCODER_PREFIX, "module.", "model.")
"""Prefixes of the CLIP in a checkpoint of dvtr-bench, under DistributedDataParallel, and in a
training module (Lightning's)."""

_FORMATS: Final = (
    "expected OpenAI's TorchScript archive, a state dict, an open_clip checkpoint, or a file that "
    "ends in .safetensors; pickles with other types than tensors are never loaded"
)

_SHOWN_KEYS: Final = 5
_LETTERS_SHOWN: Final = 80


@dataclass(frozen=True)
class WeightsFile:
    """The tensors of one file.

    Attributes:
        tensors: Tensors by their names in CLIP.
        is_openai_archive: Whether the file is OpenAI's TorchScript archive.
        quick_gelu: Whether the weights were trained with QuickGELU: True for OpenAI's, as stated in
            config.json for a checkpoint of dvtr-bench and a folder of transformers, otherwise None
            (unknown).
        tanh_gelu: Whether GELU is to be computed by tanh, as SigLIP of transformers does.
    """

    tensors: dict[str, torch.Tensor]
    is_openai_archive: bool
    quick_gelu: bool | None
    tanh_gelu: bool = False


def read_weights(path: Path) -> WeightsFile:
    """Read a file of CLIP weights in any of the four formats, or a folder with one.

    Args:
        path: The file, or a folder: a checkpoint of ours, or one of transformers or open_clip.

    Returns:
        Its tensors by their names in CLIP.

    Raises:
        NotFoundError: There is no such file or folder.
        WeightsError: The file has another format or no tensors.
    """
    quick_gelu = tanh_gelu = None
    if path.is_dir():
        quick_gelu, tanh_gelu = _activation_of_folder(path)
        path = _file_in(path)
    if not path.is_file():
        absolute = Path("/") / path
        hint = f"; did you mean /{absolute} (two slashes)?" if absolute.is_file() else ""
        raise NotFoundError(
            f"there is no file of weights at {path}{hint} (and open_clip has no weights of that "
            "name): give a tag such as openai, or an existing file"
        )
    archive = is_torchscript_archive(path)
    tensors = read_torchscript_tensors(path) if archive else read_state_dict(path)
    named = _unwrapped(tensors)
    if archive or any(name in named for name in (*_NOT_WEIGHTS, _LONG_POSITIONS)):
        quick_gelu = True
    if tanh_gelu is None:
        tanh_gelu = siglip_names.MARK in named
    return WeightsFile(_clip_names(named), archive, quick_gelu, tanh_gelu)


def load_weights(model: nn.Module, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Load tensors into a model whose tensors must have the same names and shapes.

    Args:
        model: A CLIP of open_clip.
        tensors: Tensors by name, of any floating dtype; they are cast to the model's.
        source: Name of their file, for messages.

    Raises:
        WeightsError: Tensors are missing, unknown or of another shape; the message names them.
    """
    problems = misfits(model.state_dict(), tensors)
    if problems:
        raise WeightsError(
            f"the weights in {source} do not fit the backbone: {problems}. "
            "Before the slash, give the architecture of the weights"
            f"{_hint(model.state_dict(), tensors)}"
        )
    model.load_state_dict(dict(tensors))


def misfits(expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    """Describe how two sets of tensors differ in names and shapes.

    Args:
        expected: Expected tensors by name.
        found: Given tensors by name.

    Returns:
        Text such as ``1 missing: visual.proj; 1 of another shape: ...``; empty if they agree.
    """
    misshapen = [
        f"{key} (expected {tuple(expected[key].shape)}, found {tuple(found[key].shape)})"
        for key in expected
        if key in found and expected[key].shape != found[key].shape
    ]
    kinds = {
        "missing": [key for key in expected if key not in found],
        "not in the model": [key for key in found if key not in expected],
        "of another shape": misshapen,
    }
    return "; ".join(
        f"{len(keys)} {kind}: {first_few(keys)}" for kind, keys in kinds.items() if keys
    )


def only_known(tensors: Mapping[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """Return only the tensors that the model has.

    Needed for TorchScript archives, in which other attributes (masks) look like weights.
    """
    expected = model.state_dict()
    return {key: value for key, value in tensors.items() if key in expected}


def as_open_clip(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give tensors the names and forms that a model of open_clip has.

    Args:
        model: A model of `baselines.encoder.open_clip_towers.build_towers`.
        tensors: Tensors of a file, by name.

    Returns:
        They, without those that no score needs: the bias on logits, a decoder of texts.

    Source: open_clip ``load_checkpoint``.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    converted = convert_state_dict(model, dict(tensors))
    if not hasattr(model, "positional_embedding"):
        converted = convert_to_custom_text_state_dict(converted)
    expected = model.state_dict()
    scale = converted.get("logit_scale")
    if scale is not None and scale.numel() == 1:
        converted["logit_scale"] = scale.reshape(expected["logit_scale"].shape)
    return {
        name: value
        for name, value in converted.items()
        if name not in _NOT_SCORED and not name.startswith(_DECODER)
    }


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read a file of tensors without running any of its code.

    Args:
        path: A safetensors file, or a file of ``torch.save`` with a dict of tensors, which may be
            the value of ``state_dict`` in another dict.

    Returns:
        The tensors by their names in the file, on the CPU, without ``_orig_mod.`` of torch.compile.

    Raises:
        NotFoundError: There is no such file.
        WeightsError: The file has another format, or its pickle contains more than tensors.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file at {path}")
    if path.suffix == ".safetensors":
        return _uncompiled_names(read_tensors(path, _FORMATS))
    return _uncompiled_names(read_torch_file(path, _FORMATS))


def _uncompiled_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take out what torch.compile puts before the names of every module that it wraps."""
    return {key.replace(_COMPILED, ""): value for key, value in tensors.items()}


def _unwrapped(tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    while prefix := next((one for one in _WRAPPERS if _has_prefix(tensors, one)), None):
        tensors = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
    return tensors


def _clip_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if siglip_names.MARK in tensors:
        tensors = siglip_names.open_clip_tensors(tensors)
    elif any(key.startswith(MARK) for key in tensors):
        tensors = openai_tensors(tensors)
    if _LONG_POSITIONS in tensors and _POSITIONS in tensors:
        tensors = {**tensors, _POSITIONS: _long_positions(tensors)}
    left_out = (*_NOT_WEIGHTS, *POSITION_NUMBERS, _LONG_POSITIONS)
    return {key: value for key, value in tensors.items() if key not in left_out}


def _long_positions(tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Join the two embeddings of positions of a Long-CLIP: each is masked where the other counts.

    Source: Long-CLIP ``model_longclip.py``, ``mask1`` and ``mask2``.
    """
    first, rest = tensors[_POSITIONS], tensors[_LONG_POSITIONS]
    return torch.cat([first[:_KEPT_POSITIONS], rest[_KEPT_POSITIONS:]])


def _has_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in tensors)


def _file_in(folder: Path) -> Path:
    """Return the file of weights in a folder, or the one that should be there."""
    if is_open_clip_folder(folder):
        return weights_of_folder(folder)
    whole = folder / MODEL_FILE
    if whole.is_file():
        return whole
    if (folder / _TRANSFORMERS_SHARDS).is_file():
        raise WeightsError(
            f"{folder}: its weights are in several files ({_TRANSFORMERS_SHARDS}): save them in "
            f"one, by model.save_pretrained(folder, max_shard_size='100GB') of transformers"
        )
    pickled = folder / _TRANSFORMERS_PICKLE
    return pickled if pickled.is_file() else whole


def _activation_of_folder(folder: Path) -> tuple[bool | None, bool | None]:
    """Return what a folder's config.json says: QuickGELU, GELU by tanh; None where it is silent."""
    if is_open_clip_folder(folder) or not (folder / CONFIG_FILE).is_file():
        return None, None
    if (stated := _transformers_config(folder)) is not None:
        parts = [stated.get("text_config"), stated.get("vision_config")]
        names = {part.get("hidden_act") for part in parts if isinstance(part, Mapping)} - {None}
        # Where it is left out, it is what transformers takes.
        names = names or {"quick_gelu" if stated["model_type"] == "clip" else _TANH}
        return names == {"quick_gelu"}, names == {_TANH}
    backbone = read_checkpoint_config(folder)["model"].get("backbone")
    if not isinstance(backbone, Mapping):
        return None, None
    quick_gelu, parts_of = backbone.get("quick_gelu"), backbone.get("open_clip")
    tanh = parts_of.get("tanh_gelu") if isinstance(parts_of, Mapping) else None
    return quick_gelu if isinstance(quick_gelu, bool) else None, tanh is True


def _transformers_config(folder: Path) -> Mapping[str, Any] | None:
    """Return config.json of a folder that transformers wrote; None for another's."""
    path = folder / CONFIG_FILE
    with reading(path, "a JSON file", WeightsError):
        text = read_json_bytes(path, WeightsError).decode("utf-8")
        content = parse_published_json(text, str(path), WeightsError)
    is_theirs = isinstance(content, Mapping) and isinstance(content.get("model_type"), str)
    return content if is_theirs else None


def _hint(expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    shapes = ClipShapes.of_tensors(found)
    if shapes is None or shapes == ClipShapes.of_tensors(expected):
        return ""
    name = find_architecture(shapes)
    return f": by their shapes, {name}" if name is not None else ""


def first_few(keys: list[str]) -> str:
    """Return the first five names for a message, followed by dots if there are more."""
    shown = ", ".join(key[:_LETTERS_SHOWN] for key in keys[:_SHOWN_KEYS])
    return shown if len(keys) <= _SHOWN_KEYS else f"{shown}, ..."
