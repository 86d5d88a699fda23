"""Options of a dataset file: declared once as a frozen dataclass, checked when given."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from dvtr_bench.errors import ConfigError

Options = TypeVar("Options")


def required(help_text: str) -> Any:
    """Declare an option that must be given.

    Args:
        help_text: What it is, for messages.

    Returns:
        A dataclass field without a default.
    """
    return dataclasses.field(metadata={"help": help_text})


def optional(default: object, help_text: str) -> Any:
    """Declare an option with a default.

    Args:
        default: Its value when it is not given.
        help_text: What it is, for messages.

    Returns:
        A dataclass field.
    """
    return dataclasses.field(default=default, metadata={"help": help_text})


def make_options(kind: type[Options], dataset: str, given: Mapping[str, object]) -> Options:
    """Make a dataset's options from what the user gave.

    Args:
        kind: The ``Options`` class of a dataset file.
        dataset: The dataset's name, for messages.
        given: Option names (``validation_fraction``) and values, defaults left out.

    Returns:
        The options, checked by their own ``__post_init__``.

    Raises:
        ConfigError: An option that the dataset does not take, or one that it needs.
    """
    declared = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in given:
        if name not in declared:
            raise ConfigError(
                f"{flag(name)} is not an option of {dataset}: it takes "
                f"{', '.join(map(flag, declared))}"
            )
    for name, field in declared.items():
        if field.default is dataclasses.MISSING and name not in given:
            raise ConfigError(f"{dataset} needs {flag(name)}: {field.metadata['help']}")
    return kind(**given)


def flag(name: str) -> str:
    """Return an option as it is typed on the command line.

    Example:
        >>> flag("validation_fraction")
        '--validation-fraction'
    """
    return "--" + name.replace("_", "-")
