"""Options of a dataset file: declared once as a frozen dataclass, checked when given.

A field is an option of `dvtr-bench build NAME` at once: its type, default, choices and help are
what `dvtr-bench build NAME --help` shows.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from dvtr_bench.errors import ConfigError
from dvtr_bench.settings import settings_of

Options = TypeVar("Options")


def required(help_text: str) -> Any:
    """Declare an option that must be given.

    Args:
        help_text: What it is, for the help page and for messages.

    Returns:
        A dataclass field without a default.
    """
    return dataclasses.field(metadata={"help": help_text})


def optional(
    default: object,
    help_text: str,
    *,
    choices: Sequence[str] = (),
    other_spellings: Sequence[str] = (),
) -> Any:
    """Declare an option with a default.

    Args:
        default: Its value when it is not given.
        help_text: What it is, for the help page and for messages.
        choices: What it takes, where that is a list of texts; ``Literal`` says the same.
        other_spellings: Further names of it on the command line, such as ``license``.

    Returns:
        A dataclass field.
    """
    metadata = {
        "help": help_text,
        "choices": tuple(choices),
        "other_spellings": tuple(other_spellings),
    }
    return dataclasses.field(default=default, metadata=metadata)


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
    declared = {setting.name: setting for setting in settings_of(kind)}
    for name in given:
        if name not in declared:
            raise ConfigError(
                f"{flag(name)} is not an option of {dataset}: it takes "
                f"{', '.join(map(flag, declared)) or 'none'}"
            )
    for name, setting in declared.items():
        if setting.required and name not in given:
            raise ConfigError(f"{dataset} needs {flag(name)}: {setting.meaning}")
    return kind(**given)


def flag(name: str) -> str:
    """Return an option as it is typed on the command line.

    Example:
        >>> flag("validation_fraction")
        '--validation-fraction'
    """
    return "--" + name.replace("_", "-")
