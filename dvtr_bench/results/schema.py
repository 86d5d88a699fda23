"""Checks a result against schema.json and says what does not fit, where."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import fastjsonschema

from dvtr_bench.errors import ResultError


@cache
def load_schema() -> dict[str, Any]:
    """Return the schema of result files.

    Returns:
        A JSON Schema (draft 4), as ``results/schema.json`` has it.
    """
    text = resources.files("dvtr_bench.results").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def require_valid(value: object, file: str) -> None:
    """Check JSON values against the schema of result files.

    Args:
        value: What was read.
        file: Where from, for messages.

    Raises:
        ResultError: The first value that does not fit, with its place, what was expected and what
            was found.
    """
    try:
        _validator()(value)
    except fastjsonschema.JsonSchemaValueException as misfit:
        raise ResultError(
            f"{file}: {_told(misfit)}. The form is dvtr_bench/results/schema.json; evaluate again "
            "rather than editing a result"
        ) from None


@cache
def _validator() -> Callable[[object], object]:
    validate: Callable[[object], object] = fastjsonschema.compile(
        load_schema(), use_default=False, use_formats=False
    )
    return validate


def _told(misfit: fastjsonschema.JsonSchemaValueException) -> str:
    place = (misfit.name or "").removeprefix("data").removeprefix(".") or "the file"
    rule, wanted, value = misfit.rule or "", misfit.rule_definition, misfit.value
    if rule == "required":
        missing = next(name for name in wanted if name not in value)
        return f"{place}: expected the field {missing}, found {_shown(sorted(value))}"
    if rule == "additionalProperties":
        known = misfit.definition["properties"]
        unknown = next(name for name in value if name not in known)
        return f"{place}: expected one of {', '.join(known)}, found {_shown(unknown)}"
    return f"{place}: expected {_EXPECTED[rule](wanted)}, found {_shown(value)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_EXPECTED: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": lambda wanted: wanted if isinstance(wanted, str) else " or ".join(wanted),
    "enum": lambda wanted: f"one of {', '.join(map(str, wanted))}",
    "minimum": lambda wanted: f"at least {wanted}",
    "maximum": lambda wanted: f"at most {wanted}",
    "minLength": lambda _: "a text that is not empty",
    "pattern": lambda wanted: f"a text like {wanted}",
    "minItems": lambda wanted: f"at least {wanted} items",
}
"""By keyword of the schema, for the others that it uses."""
