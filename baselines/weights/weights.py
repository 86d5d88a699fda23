"""Safe reading of CLIP weights and loading into a model.

There are four file formats: OpenAI's TorchScript archive (``ViT-B-32.pt``), a state dict, an
open_clip training checkpoint (``{"state_dict": ...}``, keys with ``module.``) and safetensors.
Names may begin with what wrapped the model: ``module.``, ``model.``, ``_orig_mod.``
(torch.compile). Of a checkpoint folder of dvtr-bench, the encoder in its safetensors file is read.
Tensors may have the names of OpenAI and open_clip, or those of Hugging Face's transformers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

from baselines.weights.backbone_spec import ClipShapes, find_architecture
from baselines.weights.huggingface_names import MARK, POSITION_NUMBERS, openai_tensors
from baselines.weights.torch_file import read_torch_file
from baselines.weights.torchscript_archive import is_torchscript_archive, read_torchscript_tensors
from dvtr_bench.errors import NotFoundError, WeightsError
from dvtr_bench.reading.safetensors_file import read_tensors
from dvtr_bench.runtime.checkpoint import CONFIG_FILE, MODEL_FILE, read_checkpoint_config

ENCODER_PREFIX: Final = "encoder.clip."
"""Prefix of the CLIP weights in a checkpoint of dvtr-bench."""

_NOT_WEIGHTS: Final = ("input_resolution", "context_length", "vocab_size")
"""Numbers among the tensors of OpenAI's archives, and of no other files."""

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
            config.json for a checkpoint of dvtr-bench, otherwise None (unknown).
    """

    tensors: dict[str, torch.Tensor]
    is_openai_archive: bool
    quick_gelu: bool | None


def read_weights(path: Path) -> WeightsFile:
    """Read a file of CLIP weights in any of the four formats, or a checkpoint folder.

    Args:
        path: The file or folder.

    Returns:
        Its tensors by their names in CLIP.

    Raises:
        NotFoundError: There is no such file or folder.
        WeightsError: The file has another format or no tensors.
    """
    quick_gelu = None
    if path.is_dir():
        quick_gelu = _quick_gelu_of_checkpoint(path)
        path = path / MODEL_FILE
    if not path.is_file():
        absolute = Path("/") / path
        hint = f"; did you mean /{absolute} (two slashes)?" if absolute.is_file() else ""
        raise NotFoundError(
            f"there is no file of weights at {path}{hint} (and open_clip has no weights of that "
            "name): give a tag such as openai, or an existing file"
        )
    archive = is_torchscript_archive(path)
    tensors = read_torchscript_tensors(path) if archive else read_state_dict(path)
    if archive or any(name in tensors for name in _NOT_WEIGHTS):
        quick_gelu = True
    return WeightsFile(_clip_names(tensors), archive, quick_gelu)


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


def _clip_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    while prefix := next((one for one in _WRAPPERS if _has_prefix(tensors, one)), None):
        tensors = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
    if any(key.startswith(MARK) for key in tensors):
        tensors = openai_tensors(tensors)
    left_out = (*_NOT_WEIGHTS, *POSITION_NUMBERS)
    return {key: value for key, value in tensors.items() if key not in left_out}


def _has_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in tensors)


def _quick_gelu_of_checkpoint(folder: Path) -> bool | None:
    if not (folder / CONFIG_FILE).is_file():
        return None
    backbone = read_checkpoint_config(folder)["model"].get("backbone")
    quick_gelu = backbone.get("quick_gelu") if isinstance(backbone, Mapping) else None
    return quick_gelu if isinstance(quick_gelu, bool) else None


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
