"""Describe a frozen dataclass of settings: names, types, defaults and meanings; read its values.

Options of a dataset, settings of a model or post-processor, and recipes are such dataclasses. The
command line, its help and the listings are made from them, so that a new field is an option at
once. The meaning of a field comes from the ``Attributes`` of the class's docstring, or from the
field's metadata under ``help``. Values are written as ``name=value``, or stand in a file.
"""

import dataclasses
import inspect
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from dvtr_bench.errors import ConfigError, ExtensionError

_TRUE: Final = ("true", "on", "yes", "1")
_FALSE: Final = ("false", "off", "no", "0")
_LETTERS_SHOWN: Final = 60


@dataclass(frozen=True)
class NoSettings:
    """The settings of a file without a ``Config``."""


@dataclass(frozen=True)
class Setting:
    """One field of a dataclass of settings.

    Attributes:
        name: The field's name.
        kind: Its type.
        default: Its default; `dataclasses.MISSING` if it is required.
        meaning: Its description; empty if the class has none.
        other_spellings: Further names of it on the command line, such as ``license``.
    """

    name: str
    kind: Any
    default: Any
    meaning: str
    other_spellings: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is MISSING

    @property
    def values(self) -> str:
        """What it takes, such as ``a whole number | none``."""
        return " | ".join(value_names(self.kind))

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.kind is bool

    @property
    def default_text(self) -> str:
        """Its default as a user would write it; ``required`` if it has none."""
        return "required" if self.required else value_text(self.default)


def settings_of(cls: type[Any]) -> tuple[Setting, ...]:
    """Return the settings of a dataclass.

    Args:
        cls: A dataclass; its fields are str, int, float, bool, Path, Literal, None or unions of
            them.

    Returns:
        One per field, in order.

    Raises:
        ExtensionError: The type of a field cannot be found.

    Example:
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     '''Configuration.
        ...
        ...     Attributes:
        ...         layers: Of the head.
        ...     '''
        ...
        ...     layers: int | None = 4
        >>> settings_of(Config)[0].values, settings_of(Config)[0].meaning
        ('a whole number | none', 'Of the head.')
    """
    try:
        hints = typing.get_type_hints(cls)
    except NameError as failure:
        raise ExtensionError(
            f"{cls.__module__}.{cls.__qualname__}: the type of a field cannot be found "
            f"({failure}): import it outside of TYPE_CHECKING"
        ) from None
    meanings = _meanings(cls)
    return tuple(
        Setting(
            field.name,
            # Choices that are computed when the file is imported are shown like a Literal.
            Literal[choices] if (choices := field.metadata.get("choices")) else hints[field.name],
            field.default if field.default_factory is MISSING else field.default_factory(),
            str(field.metadata.get("help", "")) or meanings.get(field.name, ""),
            tuple(field.metadata.get("other_spellings", ())),
        )
        for field in dataclasses.fields(cls)
    )


def read_value(kind: Any, text: str, name: str) -> Any:
    """Read a value as a user writes it.

    Args:
        kind: The type of the setting.
        text: Such as ``12``, ``none`` or ``off``.
        name: Of the setting, for messages.

    Returns:
        The value.

    Raises:
        ConfigError: The setting does not accept the value.
    """
    takes_none = types.NoneType in kinds_of(kind)
    for member in kinds_of(kind):
        if typing.get_origin(member) is Literal:
            if text in typing.get_args(member):
                return text
        elif member is types.NoneType:
            if text.lower() == "none":
                return None
        elif member is bool:
            if text.lower() in (*_TRUE, *_FALSE):
                return text.lower() in _TRUE
        elif member in (int, float):
            try:
                return member(text)
            except ValueError:
                continue
        elif member is not Path and not (takes_none and text.lower() == "none"):
            return text
    if Path in kinds_of(kind):
        return Path(text)
    raise ConfigError(f"{name} takes {' | '.join(value_names(kind))}, found {text!r}")


def require_kinds(cls: type[Any], values: Mapping[str, Any]) -> None:
    """Raise if a value out of a file is not of the type of its setting.

    Args:
        cls: A dataclass of settings.
        values: JSON values by field; fields that it lacks are left alone.

    Raises:
        ConfigError: A value is of another type, or not finite; names the setting.

    Example:
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     layers: int = 4
        >>> require_kinds(Config, {"layers": True})
        Traceback (most recent call last):
            ...
        dvtr_bench.errors.ConfigError: layers takes a whole number, found a value of type bool
    """
    for setting in settings_of(cls):
        if setting.name not in values:
            continue
        value = values[setting.name]
        if not any(_is_of(value, kind) for kind in kinds_of(setting.kind)):
            found = (
                f"{value[:_LETTERS_SHOWN]!r}"
                if isinstance(value, str)
                else f"a value of type {type(value).__name__}"
            )
            raise ConfigError(f"{setting.name} takes {setting.values}, found {found}")


def _is_of(value: Any, kind: Any) -> bool:
    if typing.get_origin(kind) is Literal:
        return isinstance(value, str) and value in typing.get_args(kind)
    if kind is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    if kind is Path:
        return isinstance(value, str)
    return type(value) is kind


def kinds_of(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)


def value_names(kind: Any) -> list[str]:
    """Return the names of the values that a type accepts.

    Example:
        >>> value_names(Literal["mean", "max"] | None)
        ['mean', 'max', 'none']
    """
    shown: list[str] = []
    for member in kinds_of(kind):
        if typing.get_origin(member) is Literal:
            shown.extend(map(str, typing.get_args(member)))
        elif member is types.NoneType:
            shown.append("none")
        elif member is bool:
            shown.append("true | false")
        else:
            words = {int: "a whole number", float: "a number", Path: "a path"}
            shown.append(words.get(member, "text"))
    return shown


def value_text(value: Any) -> str:
    """Return a value as a user would write it.

    Example:
        >>> value_text(None), value_text(False), value_text(1e-7)
        ('none', 'false', '1e-07')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _meanings(cls: type[Any]) -> dict[str, str]:
    """Return descriptions of attributes from docstrings; those of subclasses take precedence."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        meanings.update(_attributes(inspect.cleandoc(base.__dict__.get("__doc__") or "")))
    return meanings


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield the entries of the ``Attributes`` section of a docstring in Google style."""
    section = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)+)", docstring, re.MULTILINE)
    if section is None:
        return
    body = inspect.cleandoc(f"\n{section[1]}")
    for entry in re.split(r"\n(?=\w)", body):
        name, colon, meaning = entry.partition(":")
        if colon and name.isidentifier():
            yield name, " ".join(meaning.split())


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
