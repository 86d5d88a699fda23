"""Read settings written as ``name=value`` or in a file into a frozen config or recipe."""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from dvtr_bench.errors import ConfigError
from dvtr_bench.settings import kinds_of, read_value, value_names


def parse_settings(cls: type, settings: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` settings as values of a dataclass's fields.

    Args:
        cls: A dataclass; its fields are str, int, float, bool, Literal, None or unions of them.
        settings: Such as ``["pooling=mean", "semantics=false"]``.

    Returns:
        Values by field name, to be given to ``cls``.

    Raises:
        ConfigError: No ``=``, no such field, or a value that does not fit it.

    Example:
        >>> from dvtr_bench.training.recipe import Recipe
        >>> parse_settings(Recipe, ["epochs=2", "frames_a_step=none"])
        {'epochs': 2, 'frames_a_step': None}
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise ConfigError(f"a setting is written name=value, found {setting!r}")
        if name not in names:
            raise ConfigError(_no_setting(name, names))
        values[name] = read_value(hints[name], text.strip(), name)
    return values


def typed_settings(cls: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings that already have types, as in a TOML file.

    Args:
        cls: A dataclass; its fields are str, int, float, bool, Path, Literal, None or unions of
            them.
        settings: By field name. ``"none"`` stands for None, which TOML lacks; text for a path.

    Returns:
        Values by field name, to be given to ``cls``.

    Raises:
        ConfigError: No such field, or a value of another type.

    Example:
        >>> from dvtr_bench.training.recipe import Recipe
        >>> typed_settings(Recipe, {"epochs": 2, "patience": "none", "max_grad_norm": 1})
        {'epochs': 2, 'patience': None, 'max_grad_norm': 1.0}
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in names:
            raise ConfigError(_no_setting(name, names))
        values[name] = _typed(hints[name], value, name)
    return values


def _no_setting(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"there is no setting {name!r}: {hint}there are {', '.join(names) or 'none'}"


def _typed(hint: Any, value: Any, name: str) -> Any:
    kinds = kinds_of(hint)
    for kind in kinds:
        if typing.get_origin(kind) is Literal and value in typing.get_args(kind):
            return value
    for kind in kinds:
        if kind is types.NoneType and value == "none":
            return None
        if kind is float and type(value) in (int, float):
            return float(value)
        if kind is Path and isinstance(value, str):
            return Path(value)
        if kind in (bool, int, str) and type(value) is kind:
            return value
    raise ConfigError(f"{name} takes {' | '.join(value_names(hint))}, found {value!r}")
