"""Convert a checkpoint that the authors of a model published or trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import torch

from baselines.conversion.authors_names import (
    AUTHORS_CLIP_PREFIX,
    AUTHORS_NAMES,
    AuthorsNames,
    names_of,
)
from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.patches_over_time import FRAMES
from baselines.heads.video_text_model import VideoTextModel
from baselines.weights.backbone_spec import ClipShapes, count_layers, find_architecture
from baselines.weights.huggingface_names import MARK, openai_tensors
from baselines.weights.weights import ENCODER_PREFIX, first_few, misfits, read_state_dict
from dvtr_bench.catalog import MODELS
from dvtr_bench.errors import ConfigError, OutputExistsError, WeightsError
from dvtr_bench.runtime.checkpoint import save_checkpoint, tensors_sha256

_PARALLEL_PREFIX: Final = "module."
"""What torch's data parallel wrappers put before every name."""

_PATCHES: Final = f"{AUTHORS_CLIP_PREFIX}visual.conv1.weight"
_PATCHES_OVER_TIME: Final = f"{AUTHORS_CLIP_PREFIX}visual.conv2.weight"
_UNUSED_PATCHES: Final = (
    "patches of single frames; with --linear_patch 3d those that span three frames are used"
)


@dataclass(frozen=True)
class Converted:
    """A model with the authors' weights, and what was done with each name in their file.

    Attributes:
        model: The model, float32, on the CPU, in evaluation mode.
        source: Whose checkpoint it is.
        file_name: The authors' file.
        renamed: Our name of each converted tensor; a CLIP of Hugging Face's transformers, as in
            X-Pool's, has OpenAI's names here.
        dropped: Why each of the others has no counterpart in our model.
    """

    model: VideoTextModel
    source: str
    file_name: str
    renamed: Mapping[str, str]
    dropped: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write the checkpoint; config.json lists what was dropped.

        Args:
            folder: The folder to create.

        Raises:
            OutputExistsError: It already exists.
        """
        if folder.exists():
            raise OutputExistsError(
                f"{folder} exists already: name a folder that does not, or remove this one first"
            )
        facts = {
            "converted_from": {
                "file_name": self.file_name,
                "source": self.source,
                "dropped": dict(self.dropped),
            }
        }
        save_checkpoint(folder, self.model, facts)


def convert_authors_checkpoint(
    path: Path, model: str, settings: Mapping[str, Any] | None = None
) -> Converted:
    """Read a checkpoint of a model's authors into our model.

    Only tensors are read from the file, without unpickling. The backbone's architecture and the
    sizes of the head follow from the shapes. All authors' code here uses QuickGELU. An MSAM treats
    padding as its authors' code does (``padding=release``), so that its scores are the same.

    Args:
        path: Such as CLIP4Clip's ``pytorch_model.bin.3``; a plain state dict, one under
            ``state_dict`` or safetensors.
        model: Our model's key, such as ``clip4clip_meanp``.
        settings: Fields of its ``Config`` that do not follow from shapes, such as ``max_frames``,
            or that override the above.

    Returns:
        The model, and what was done with each name.

    Raises:
        NotFoundError: No such file or model.
        WeightsError: Not a file of tensors; names that are not this model's, or missing ones; or
            an architecture that is not known.
        ConfigError: A model without a checkpoint of its own, or a setting that does not fit.
    """
    key, module = MODELS.entry(model).name, MODELS.load(model)
    if key not in AUTHORS_NAMES:
        raise ConfigError(
            f"{key} has no authors' checkpoint to convert: there is one of "
            f"{', '.join(AUTHORS_NAMES)}. Weights of a CLIP are named by "
            "--backbone ARCHITECTURE/PATH"
        )
    tensors = _with_openai_clip(_without_parallel_prefix(read_state_dict(path)))
    names = names_of(key, tensors) or AUTHORS_NAMES[key]
    renamed, dropped = _place_names(tensors, names, key, path)
    # The authors keep most of CLIP in half precision.
    ours = {name: tensors[theirs].float().contiguous() for theirs, name in renamed.items()}
    encoder = _make_encoder(ours, path)
    settings_found: dict[str, Any] = {
        **{setting: count_layers(ours, prefix) for setting, prefix in names.layers.items()},
        **{setting: len(ours[name]) for setting, name in names.lengths.items() if name in ours},
    }
    settings_found |= names.settings
    if _PATCHES_OVER_TIME in tensors:
        settings_found["linear_patch"] = "3d"
    config = {
        "backbone": f"{encoder.architecture}/{path.name}",
        **settings_found,
        **(settings or {}),
    }
    with torch.random.fork_rng(devices=[]):
        built = cast("VideoTextModel", module.Model(module.Config.from_mapping(config), encoder))
    problems = misfits(built.state_dict(), ours)
    if problems:
        raise WeightsError(
            f"{path} does not fit {key} ({names.source}): {problems}.{_hint(tensors, key)}"
        )
    built.load_state_dict(ours)
    encoder.origin = {
        "source": f"{encoder.architecture}/{path.name}",
        "weights_sha256": tensors_sha256(encoder.clip.state_dict()),
    }
    return Converted(built.eval(), names.source, path.name, renamed, dropped)


def _without_parallel_prefix(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if not all(name.startswith(_PARALLEL_PREFIX) for name in tensors):
        return tensors
    return {name.removeprefix(_PARALLEL_PREFIX): value for name, value in tensors.items()}


def _place_names(
    tensors: Mapping[str, torch.Tensor], names: AuthorsNames, model: str, path: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Return our name of each authors' name that has one, and the reason for each other."""
    renamed: dict[str, str] = {}
    dropped: dict[str, str] = {}
    unknown: list[str] = []
    for name in tensors:
        reason, ours = names.reason_to_drop(name), names.our_name(name)
        if _PATCHES_OVER_TIME in tensors and name in (_PATCHES, _PATCHES_OVER_TIME):
            reason = _UNUSED_PATCHES if name == _PATCHES else None
            ours = names.our_name(_PATCHES)
        if reason is not None:
            dropped[name] = reason
        elif ours is not None:
            renamed[name] = ours
        else:
            unknown.append(name)
    if unknown:
        raise WeightsError(
            f"{path}: {len(unknown)} names are not known in a checkpoint of {names.source}: "
            f"{first_few(unknown)}.{_hint(tensors, model)}"
        )
    return renamed, dropped


def _with_openai_clip(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors with a CLIP of Hugging Face's transformers in OpenAI's names."""
    if not any(name.startswith(f"{AUTHORS_CLIP_PREFIX}{MARK}") for name in tensors):
        return tensors
    head = {
        name: value for name, value in tensors.items() if not name.startswith(AUTHORS_CLIP_PREFIX)
    }
    clip = {
        name.removeprefix(AUTHORS_CLIP_PREFIX): value
        for name, value in tensors.items()
        if name not in head
    }
    for name, value in openai_tensors(clip).items():
        head[f"{AUTHORS_CLIP_PREFIX}{name}"] = value
    return head


def _make_encoder(ours: Mapping[str, torch.Tensor], path: Path) -> FrameEncoder:
    clip = {
        name.removeprefix(ENCODER_PREFIX): value
        for name, value in ours.items()
        if name.startswith(ENCODER_PREFIX)
    }
    patches = clip.get("visual.conv1.weight")
    if patches is not None and patches.ndim == 5:
        clip["visual.conv1.weight"] = patches[:, :, FRAMES // 2]
    shapes = ClipShapes.of_tensors(clip)
    architecture = None if shapes is None else find_architecture(shapes)
    if architecture is None:
        raise WeightsError(
            f"{path}: the CLIP in it is of no architecture that OpenAI published for images of "
            f"patches (found {shapes or f'no whole one among {len(clip)} tensors'})"
        )
    with torch.random.fork_rng(devices=[]):
        return FrameEncoder(architecture, quick_gelu=True)


def _hint(tensors: Mapping[str, torch.Tensor], model: str) -> str:
    fitting = [
        key for key, names in AUTHORS_NAMES.items() if key != model and names.head_is_in(tensors)
    ]
    return f" Its names are those of --model {' or '.join(fitting)}" if fitting else ""
