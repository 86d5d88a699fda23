"""Backbones by name: their weights found, read and put into an encoder; and by description."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from baselines.encoder.caption_tokenizer import (
    CaptionTokenizer,
    ClipTokenizer,
    read_hub_tokenizer,
)
from baselines.encoder.frame_encoder import CLIP_MEAN, CLIP_STD, FrameEncoder
from baselines.encoder.open_clip_encoder import OpenClipEncoder
from baselines.encoder.open_clip_towers import read_text_config
from baselines.encoder.preprocessing import FITS
from baselines.weights.backbone_spec import (
    QUICK_GELU_SUFFIX,
    TINY,
    TINY_CONFIG,
    BackboneSpec,
    architecture_config,
    has_architecture,
    parse_backbone,
    preprocess_record,
)
from baselines.weights.download import find_or_fetch, hub_revision
from baselines.weights.open_clip_config import (
    Preprocess,
    is_plain,
    read_folder_config,
    require_model_config,
    weights_of_folder,
)
from baselines.weights.weights import (
    WeightsFile,
    as_open_clip,
    load_weights,
    only_known,
    read_weights,
)
from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.checkpoint import tensors_sha256
from dvtr_bench.video.model_view import INTERPOLATIONS

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A backbone with its weights, and what is known of them.

    Attributes:
        encoder: The encoder, float32, on the CPU.
        preprocess: How its images are prepared, in open_clip's words.
        revision: The commit of the Hub that the weights are of; None where that is not known.
        file: The file of the Hub that they are; None where that is not known.
    """

    encoder: FrameEncoder
    preprocess: Preprocess
    revision: str | None = None
    file: str | None = None


def load_encoder(backbone: str) -> FrameEncoder:
    """Build a backbone and load the weights that its name states.

    QuickGELU: weights by tag have what open_clip records for the tag. ``openai`` has it (open_clip
    itself only warns where the architecture's name lacks ``-quickgelu``). By path, OpenAI's files
    have it and a checkpoint of ours says whether it has; any other file cannot tell, and the
    architecture's name decides: ``ViT-B-32-quickgelu/PATH`` or ``ViT-B-32/PATH``.

    Args:
        backbone: Such as ``ViT-B-32/openai``, ``ViT-B-16-SigLIP2/webli``, ``ViT-B-32/PATH``, a
            folder in open_clip's local-dir form, ``remoteclip-vit-b-32``, ``tiny`` (its weights
            come with the package), ``tiny-scratch`` (random weights), or ``tiny/PATH`` (PATH may be
            a checkpoint folder of ours).

    Returns:
        The encoder, float32, on the CPU.

    Raises:
        NotFoundError: No such architecture, file, or weights that cannot be fetched.
        WeightsError: A file that cannot be read or does not fit.
        ConfigError: The name lacks required weights, or they were trained with pixels that are not
            made here.
    """
    return _load(parse_backbone(backbone), backbone, any_pixels=False).encoder


def load_backbone(backbone: str) -> Loaded:
    """Do what `load_encoder` does, for weights of any preprocessing, which is returned too.

    Args:
        backbone: As for `load_encoder`.

    Returns:
        The encoder, and how its images must be prepared.

    Raises:
        NotFoundError: No such architecture, file, or weights that cannot be fetched.
        WeightsError: A file that cannot be read or does not fit.
        ConfigError: The name lacks required weights.
    """
    return _load(parse_backbone(backbone), backbone, any_pixels=True)


def _load(spec: BackboneSpec, name: str, *, any_pixels: bool) -> Loaded:
    if spec.tag is None and spec.path is None and spec.folder is None and spec.published is None:
        return Loaded(FrameEncoder(spec.architecture, quick_gelu=False), Preprocess())
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    if spec.folder is not None:
        config, record = read_folder_config(spec.folder)
        path = weights_of_folder(spec.folder)
    else:
        config = {} if spec.architecture == TINY else architecture_config(spec.architecture)
        record = preprocess_record(spec)
        path = spec.path if spec.path is not None else find_or_fetch(spec)
    preprocess = Preprocess.of(record)
    if not any_pixels:
        _require_known_pixels(preprocess, name)
    file = read_weights(path)
    encoder: FrameEncoder
    if spec.architecture == TINY or (spec.folder is None and is_plain(config)):
        encoder = _plain_encoder(spec, file, record, preprocess)
    else:
        encoder = _other_encoder(spec, config, file, record, preprocess)
    tensors = file.tensors
    if file.is_openai_archive:
        tensors = only_known(tensors, encoder.clip)
    if isinstance(encoder, OpenClipEncoder):
        tensors = as_open_clip(encoder.clip, tensors)
    load_weights(encoder.clip, tensors, str(path))
    encoder.origin = {
        "source": _source(spec, name, path),
        "weights_sha256": tensors_sha256(encoder.clip.state_dict()),
    }
    revision = hub_revision(path)
    return Loaded(encoder, preprocess, revision, path.name if revision else None)


def _require_known_pixels(preprocess: Preprocess, name: str) -> None:
    if not preprocess.is_made_here:
        raise ConfigError(
            f"{name} was trained with another preprocessing than is made here (bars of grey "
            f"{preprocess.fill_color} beside a frame, not black ones): it is no --backbone, but "
            f"can be evaluated as it is, by --model open_clip:{name}"
        )


def _source(spec: BackboneSpec, name: str, path: Path) -> str:
    """Return a name that others can use too: never a path of this machine."""
    if spec.folder is not None:
        return spec.architecture
    if spec.published is not None:
        return spec.published.name
    return name if spec.tag or name == TINY else f"{spec.architecture}/{path.name}"


def _plain_encoder(
    spec: BackboneSpec, file: WeightsFile, record: Mapping[str, Any], preprocess: Preprocess
) -> FrameEncoder:
    positions = file.tensors.get("positional_embedding")
    encoder = FrameEncoder(
        spec.architecture,
        quick_gelu=choose_quick_gelu(spec, record, file.quick_gelu),
        mean=record.get("mean") or CLIP_MEAN,
        std=record.get("std") or CLIP_STD,
        context_length=None if positions is None else len(positions),
    )
    encoder.frame_fit = FITS[preprocess.resize_mode]
    encoder.interpolation = preprocess.interpolation
    return encoder


def _other_encoder(
    spec: BackboneSpec,
    config: Mapping[str, Any],
    file: WeightsFile,
    record: Mapping[str, Any],
    preprocess: Preprocess,
) -> OpenClipEncoder:
    folder = spec.folder
    if folder is None and spec.path is not None and spec.path.is_dir():
        folder = spec.path
    if spec.folder is not None:
        require_model_config(config, str(folder))
        quick_gelu = bool(config.get("quick_gelu"))
    else:
        quick_gelu = choose_quick_gelu(spec, record, file.quick_gelu)
    text = config["text_cfg"]
    text_config = None
    if (tower := text.get("hf_model_name")) is not None:
        text_config = read_text_config(str(tower), folder, may_fetch=spec.folder is None)
    return OpenClipEncoder(
        spec.architecture,
        _without_paths(config),
        _tokenizer_of(text, folder, may_fetch=spec.folder is None),
        quick_gelu=quick_gelu,
        preprocess=preprocess,
        text_config=text_config,
        tanh_gelu=file.tanh_gelu,
    )


def _tokenizer_of(
    text: Mapping[str, Any], folder: Path | None, *, may_fetch: bool
) -> CaptionTokenizer:
    settings = text.get("tokenizer_kwargs") or {}
    if text.get("tokenizer_mode"):
        raise ConfigError(
            f"tokenizer_mode {str(text['tokenizer_mode'])[:80]!r} is not supported: open_clip has "
            "no weights of such a model"
        )
    if not (named := text.get("hf_tokenizer_name")):
        return ClipTokenizer(settings)
    name = str(named)
    # A folder brings its own; beside a bare file of weights it is the Hub's.
    has_own = folder is not None and any(folder.glob("*token*.json"))
    place = folder if folder is not None and (has_own or not may_fetch) else name
    return read_hub_tokenizer(place, _last_name(name), settings, may_fetch=may_fetch)


def _without_paths(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration whose text tower and tokenizer are called by no path."""
    text = dict(config["text_cfg"])
    for name in ("hf_model_name", "hf_tokenizer_name"):
        if text.get(name):
            text[name] = _last_name(str(text[name]))
    return {**config, "text_cfg": text}


def _last_name(name: str) -> str:
    """Return a name of the Hub as it is, and the last name of a path."""
    is_path = Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    return Path(name).name if is_path else name


def rebuild_encoder(description: Mapping[str, Any]) -> FrameEncoder:
    """Build the backbone that `FrameEncoder.describe` described, without loading weights.

    Args:
        description: What ``describe`` returned, perhaps read from a file of others.

    Returns:
        The encoder with random weights.

    Raises:
        NotFoundError: There is no such architecture.
        ConfigError: A part is missing or of another type.
    """
    for name, (fits, expected) in _DESCRIBED.items():
        if not fits(description.get(name)) and (name in description or name not in _MAY_LACK):
            raise ConfigError(f"backbone.{name}: expected {expected}")
    if "open_clip" in description:
        encoder: FrameEncoder = OpenClipEncoder.rebuild(description)
    else:
        encoder = FrameEncoder(
            description["architecture"],
            quick_gelu=description["quick_gelu"],
            mean=description["mean"],
            std=description["std"],
            context_length=description.get("context_length"),
        )
        encoder.frame_fit = description.get("frame_fit", encoder.frame_fit)
        encoder.interpolation = description.get("interpolation", encoder.interpolation)
    encoder.origin = {key: description[key] for key in ("source", "weights_sha256")}
    return encoder


def _are_channels(value: Any, *, least: float) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(CLIP_MEAN)
        and all(type(one) in (int, float) and least <= one <= _LARGEST_CHANNEL for one in value)
    )


_LARGEST_CHANNEL: Final = 256
_SMALLEST_STD: Final = 1e-6
_LONGEST_CONTEXT: Final = 10_000
_DESCRIBED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "architecture": (lambda value: isinstance(value, str), "the name of an architecture"),
    "quick_gelu": (lambda value: isinstance(value, bool), "true or false"),
    "mean": (partial(_are_channels, least=-_LARGEST_CHANNEL), "three numbers, one a channel"),
    "std": (partial(_are_channels, least=_SMALLEST_STD), "three numbers above 0, one a channel"),
    "context_length": (
        lambda value: type(value) is int and 0 < value <= _LONGEST_CONTEXT,
        "a number of tokens",
    ),
    "frame_fit": (lambda value: value in FITS.values(), f"one of {', '.join(FITS.values())}"),
    "interpolation": (lambda value: value in INTERPOLATIONS, f"{' or '.join(INTERPOLATIONS)}"),
    "source": (lambda value: isinstance(value, str), "a text"),
    "weights_sha256": (
        lambda value: (
            value is None or (isinstance(value, str) and bool(re.fullmatch(r"[0-9a-f]{64}", value)))
        ),
        "a SHA-256 or null",
    ),
}
"""What a description must hold: whether a value is of the form, and the form in words."""

_MAY_LACK: Final = ("context_length", "frame_fit", "interpolation")


def choose_quick_gelu(
    spec: BackboneSpec, record: Mapping[str, Any], file_says: bool | None
) -> bool:
    """Choose between QuickGELU and GELU.

    Weights by tag have what open_clip records for the tag, a file that can tell has what it tells,
    and for any other file the architecture's name decides, which is then said in one line.

    Args:
        spec: The backbone as the user named it, with weights.
        record: open_clip's record of the tag; empty without one.
        file_says: Whether the weights were trained with QuickGELU; None where they cannot tell.

    Returns:
        True for QuickGELU.

    Raises:
        ConfigError: The name says QuickGELU and the file says GELU.
    """
    name = spec.architecture
    named = name != TINY and bool(architecture_config(name).get("quick_gelu"))
    if spec.published is not None:
        return spec.published.quick_gelu
    if spec.tag is not None:
        return named or bool(record.get("quick_gelu")) or bool(file_says)
    if not is_plain(architecture_config(name) if name != TINY else TINY_CONFIG):
        return named
    if file_says is None:
        if not named and has_architecture(f"{name}{QUICK_GELU_SUFFIX}"):
            _LOGGER.warning(
                "note: %s does not say which activation its weights were trained with; %s has "
                "GELU. OpenAI's weights, and most that were fine-tuned from them, have QuickGELU: "
                "for those write --backbone %s%s/%s. The wrong one costs recall without an error; "
                "validation tells them apart",
                spec.path,
                name,
                name,
                QUICK_GELU_SUFFIX,
                spec.path,
            )
        return named
    if named and not file_says:
        raise ConfigError(
            f"{spec.path} was trained with GELU, and {name} has QuickGELU: write "
            f"{name.removesuffix(QUICK_GELU_SUFFIX)}/{spec.path}"
        )
    return file_says
