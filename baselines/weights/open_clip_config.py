"""Configurations of open_clip's models: of its own names, and of folders in its local-dir form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes
from dvtr_bench.video.model_view import INTERPOLATIONS, Interpolation

FOLDER_CONFIG: Final = "open_clip_config.json"
"""Name of the file that makes a folder one of open_clip's local-dir form."""

_WEIGHTS_OF_FOLDERS: Final = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
"""In open_clip's order."""

_PLAIN_TEXT: Final[Mapping[str, Any]] = {
    "hf_model_name": None,
    "hf_tokenizer_name": None,
    "tokenizer_kwargs": None,
    "tokenizer_mode": None,
    "embed_cls": False,
    "no_causal_mask": False,
    "pool_type": "argmax",
    "proj_bias": False,
    "proj_type": "linear",
}
_ADVICE: Final = "get the folder again"
_RESIZE_MODES: Final = ("shortest", "squash", "longest")


@dataclass(frozen=True)
class Preprocess:
    """How a model's images are prepared, in open_clip's words.

    Attributes:
        mean: Mean of the pixels in 0..1, by channel.
        std: Their standard deviation.
        interpolation: ``bicubic`` or ``bilinear``.
        resize_mode: ``shortest`` (then the middle is cropped), ``squash`` or ``longest``.
        fill_color: Grey of the bars that ``longest`` leaves, 0..255.

    Raises:
        ConfigError: A value is not of the form.
    """

    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: Interpolation = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != 3 or not all(type(one) in (int, float) for one in values):
                raise ConfigError(f"preprocess_cfg.{name}: expected three numbers, found {values}")
        if not all(one > 0 for one in self.std):
            raise ConfigError(f"preprocess_cfg.std: expected numbers above 0, found {self.std}")
        for name, known in (("interpolation", INTERPOLATIONS), ("resize_mode", _RESIZE_MODES)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"preprocess_cfg.{name}: expected one of {', '.join(known)}, found "
                    f"{str(getattr(self, name))[:80]!r}"
                )

    @property
    def is_made_here(self) -> bool:
        """Whether `baselines.encoder.preprocessing` makes the same pixels: bars are black there."""
        return self.resize_mode != "longest" or self.fill_color == 0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Preprocess":
        """Read what open_clip records for a tag or a folder; what is not there keeps its default.

        Example:
            >>> Preprocess.of({"resize_mode": "squash", "hf_hub": "timm/x/"}).resize_mode
            'squash'
        """
        named = {one.name for one in fields(cls)}
        given = {key: value for key, value in record.items() if key in named and value is not None}
        for name in ("mean", "std"):
            if isinstance(values := given.get(name), int | float):
                given[name] = (values,) * 3
            elif isinstance(values, list | tuple):
                given[name] = tuple(values)
            elif name in given:
                raise ConfigError(f"preprocess_cfg.{name}: expected three numbers, found {values}")
        return cls(**given)


def is_plain(config: Mapping[str, Any]) -> bool:
    """Tell whether a model's text side is CLIP's own: tokenizer, causal tower, end-of-text token.

    Args:
        config: open_clip's configuration of the model.

    Returns:
        True where `baselines.encoder.frame_encoder.FrameEncoder` computes it.
    """
    if config.get("custom_text") or "multimodal_cfg" in config or "init_logit_bias" in config:
        return False
    text = config["text_cfg"]
    return all(text.get(name, plain) in (plain, None) for name, plain in _PLAIN_TEXT.items())


def is_open_clip_folder(path: Path) -> bool:
    """Tell whether a path is a folder in open_clip's local-dir form."""
    return (path / FOLDER_CONFIG).is_file()


def read_folder_config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what a folder in open_clip's local-dir form says of its model.

    Args:
        folder: A folder with ``open_clip_config.json``.

    Returns:
        ``model_cfg`` and ``preprocess_cfg``.

    Raises:
        WeightsError: The file is damaged, or has no ``model_cfg``.
    """
    path = folder / FOLDER_CONFIG
    content = parse_json(read_json_bytes(path, WeightsError), str(path), WeightsError)
    model = content.get("model_cfg") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise WeightsError(f"{path}: model_cfg: expected an object: {_ADVICE}")
    preprocess = content.get("preprocess_cfg") or {}
    require_model_config(model, str(path))
    if not isinstance(preprocess, dict):
        raise WeightsError(f"{path}: preprocess_cfg: expected an object: {_ADVICE}")
    return model, preprocess


def require_model_config(model: Mapping[str, Any], where: str) -> None:
    """Raise unless a configuration has the parts that a model is built from.

    Args:
        model: open_clip's configuration.
        where: The file, for messages.

    Raises:
        WeightsError: A part is missing or of another type.
    """
    for name, kind, said in (
        ("embed_dim", int, "a whole number"),
        ("vision_cfg", dict, "an object"),
        ("text_cfg", dict, "an object"),
    ):
        if type(model.get(name)) is not kind:
            raise WeightsError(f"{where}: {name}: expected {said}")
    if not isinstance(model["vision_cfg"].get("image_size", 224), int):
        raise WeightsError(f"{where}: vision_cfg.image_size: expected one side of a square")
    name = model["vision_cfg"].get("timm_model_name")
    if name is not None and (not isinstance(name, str) or ":" in name or "/" in name):
        raise WeightsError(f"{where}: vision_cfg.timm_model_name: expected a name of timm's own")


def weights_of_folder(folder: Path) -> Path:
    """Return the file of weights in a folder in open_clip's local-dir form.

    Raises:
        WeightsError: There is none.
    """
    for name in _WEIGHTS_OF_FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(
        f"{folder}: there is no file of weights beside {FOLDER_CONFIG}: expected one of "
        f"{', '.join(_WEIGHTS_OF_FOLDERS)}"
    )


def as_json_text(value: Mapping[str, Any]) -> str:
    """Return JSON text that is the same for equal values, to tell configurations apart."""
    with reading("a model's configuration", "JSON values", ConfigError):
        return json.dumps(value, sort_keys=True)
