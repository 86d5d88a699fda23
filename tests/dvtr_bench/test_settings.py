"""Settings of a dataclass as the command line and the listings show them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.settings import read_value, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Base:
    """What all share.

    Attributes:
        layers: Of the head,
            on two lines.
        size: Said by the base.

    Raises:
        ConfigError: Never; this line is no attribute.
    """

    layers: int = 4
    size: Literal["small", "large"] = "small"


@dataclass(frozen=True)
class Config(Base):
    """Said here.

    Attributes:
        size: Said by the subclass.
        place: Where: with a colon.
    """

    place: Path | Literal["auto"] = field(kw_only=True)
    rate: float | None = None
    on: bool = False
    prompt: str | None = "x"
    listed: str = field(default="b", metadata={"help": "by metadata", "choices": ("a", "b")})


def test_every_field_is_told_with_its_type_default_and_meaning() -> None:
    told = {one.name: (one.values, one.default_text, one.meaning) for one in settings_of(Config)}
    assert told == {
        "layers": ("a whole number", "4", "Of the head, on two lines."),
        "size": ("small | large", "small", "Said by the subclass."),
        "place": ("a path | auto", "required", "Where: with a colon."),
        "rate": ("a number | none", "none", ""),
        "on": ("true | false", "false", ""),
        "prompt": ("text | none", "x", ""),
        "listed": ("a | b", "b", "by metadata"),
    }
    assert [one.name for one in settings_of(Config) if one.required] == ["place"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("layers", "12", 12),
        ("place", "auto", "auto"),
        ("place", "some/where", Path("some/where")),
        ("rate", "1e-7", 1e-7),
        ("rate", "none", None),
        ("on", "Yes", True),
        ("on", "off", False),
        ("prompt", "none", None),
        ("prompt", "none of them", "none of them"),
        ("listed", "a", "a"),
    ],
)
def test_values_are_read_as_they_are_written(name: str, text: str, value: object) -> None:
    setting = next(one for one in settings_of(Config) if one.name == name)
    read = read_value(setting.kind, text, name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("layers", "four", "layers takes a whole number, found 'four'"),
        ("size", "huge", r"size takes small \| large, found 'huge'"),
        ("on", "perhaps", r"on takes true \| false, found 'perhaps'"),
        ("listed", "c", r"listed takes a \| b, found 'c'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, text: str, message: str) -> None:
    setting = next(one for one in settings_of(Config) if one.name == name)
    with pytest.raises(ConfigError, match=message):
        read_value(setting.kind, text, name)


def test_a_type_that_only_the_type_checker_knows_is_named() -> None:
    @dataclass(frozen=True)
    class Hidden:
        words: "Sequence[str]" = ()

    with pytest.raises(ExtensionError, match="Hidden: the type of a field cannot be found"):
        settings_of(Hidden)
