"""Files of CLIP weights: read them without running anything, and fit them to a model.

Four formats by path: OpenAI's TorchScript archive (``ViT-B-32.pt``), a plain state dict, an
open_clip training checkpoint (``{"state_dict": ...}``, keys with ``module.``), safetensors. A
checkpoint folder of ours counts as the safetensors inside it, its encoder alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from baselines.torchscript_archive import is_torchscript_archive, read_torchscript_tensors
from dvtr_bench.errors import NotFoundError, WeightsError

ENCODER_PREFIX: Final = "encoder.clip."
"""Where the CLIP weights stand in a checkpoint of one of our models."""

_NOT_WEIGHTS: Final = ("input_resolution", "context_length", "vocab_size")
_SHOWN_KEYS: Final = 5


@dataclass(frozen=True)
class WeightsFile:
    """The tensors of one file.

    Attributes:
        tensors: By their name in CLIP.
        is_openai_archive: Whether it was OpenAI's TorchScript archive, whose models have QuickGELU.
    """

    tensors: dict[str, torch.Tensor]
    is_openai_archive: bool


def read_weights(path: Path) -> WeightsFile:
    """Read a file of CLIP weights in any of the four formats, or a checkpoint folder of ours.

    Args:
        path: The file or folder.

    Returns:
        Its tensors under CLIP's own names.

    Raises:
        NotFoundError: Nothing there.
        WeightsError: A file that is none of the four, or holds no tensors.
    """
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        absolute = Path("/") / path
        hint = f"; did you mean /{absolute} (two slashes)?" if absolute.is_file() else ""
        raise NotFoundError(
            f"there is no file of weights at {path}{hint} (open_clip has no weights of that name "
            "either): name a tag such as openai, or an existing file"
        )
    archive = is_torchscript_archive(path)
    tensors = read_torchscript_tensors(path) if archive else _read_state_dict(path)
    return WeightsFile(_clip_names(tensors), archive)


def load_weights(model: nn.Module, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Put tensors into a model, all of them and nothing left over.

    Args:
        model: A CLIP of open_clip.
        tensors: By name; any floating dtype, cast to the model's own.
        source: Where they come from, for messages.

    Raises:
        WeightsError: Keys missing, left over or of another shape; the message names them.
    """
    expected = model.state_dict()
    problems = []
    missing = [key for key in expected if key not in tensors]
    extra = [key for key in tensors if key not in expected]
    misshapen = [
        f"{key} (expected {tuple(expected[key].shape)}, found {tuple(tensors[key].shape)})"
        for key in expected
        if key in tensors and expected[key].shape != tensors[key].shape
    ]
    for what, keys in (
        ("missing", missing),
        ("not in the model", extra),
        ("of another shape", misshapen),
    ):
        if keys:
            problems.append(f"{len(keys)} {what}: {_some(keys)}")
    if problems:
        raise WeightsError(
            f"the weights in {source} do not fit the backbone: {'; '.join(problems)}. "
            "Name the architecture that they were made for before the slash"
        )
    model.load_state_dict(dict(tensors))


def only_known(tensors: Mapping[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """Leave out tensors that the model has no place for.

    For TorchScript archives alone, in which attributes that are no weights (masks) look the same
    as weights.
    """
    expected = model.state_dict()
    return {key: value for key, value in tensors.items() if key in expected}


def _read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    # A garbled file makes the readers raise almost anything, KeyError and IndexError included.
    except Exception as failure:
        reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        raise WeightsError(
            f"{path} cannot be read as weights ({reason}). Expected OpenAI's TorchScript archive, "
            "a state dict, an open_clip checkpoint, or a file that ends in .safetensors; pickles "
            "that hold more than tensors are never opened"
        ) from failure
    return _tensors_of(content, path)


def _tensors_of(content: Any, path: Path) -> dict[str, torch.Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path}: expected a dict of tensors, found {type(content).__name__}")
    wrong = [str(key) for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if wrong:
        raise WeightsError(f"{path}: expected a dict of tensors, but not tensors: {_some(wrong)}")
    return {str(key): value for key, value in content.items()}


def _clip_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for prefix in (ENCODER_PREFIX, "module."):
        if any(key.startswith(prefix) for key in tensors):
            tensors = {
                key.removeprefix(prefix): value
                for key, value in tensors.items()
                if key.startswith(prefix)
            }
            break
    return {key: value for key, value in tensors.items() if key not in _NOT_WEIGHTS}


def _some(keys: list[str]) -> str:
    shown = ", ".join(keys[:_SHOWN_KEYS])
    return shown if len(keys) <= _SHOWN_KEYS else f"{shown}, ..."
