"""Find a study's TOML file and read it: typed values, and errors that name the line.

Studies of the package are found by name, all others by path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from dvtr_bench.errors import ConfigError, DvtrError, InputError, NotFoundError
from dvtr_bench.reading.json_toml_text import parse_toml, read_toml_text
from dvtr_bench.settings import typed_settings

Keys: TypeAlias = tuple[str | int, ...]
"""The path to a value: keys of tables and indices of arrays."""

Made = TypeVar("Made")

_MOST_LINES: Final = 2_000
"""To name the line of a value, a file is parsed as often as it has lines."""

_TYPE_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "an array",
}


@dataclass(frozen=True)
class StudyFile:
    """A study file that was read.

    Attributes:
        name: Name of the study.
        path: Path of the file; relative paths in it start from its folder.
        text: The text of the file.
        content: The parsed text.
    """

    name: str
    path: Path
    text: str
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "StudyFile":
        """Read a file.

        Raises:
            InputError: It cannot be read, or is not text.
            ConfigError: It is not TOML; the message names the line.
        """
        try:
            text = read_toml_text(path)
        except (FileNotFoundError, InputError) as failure:
            raise InputError(f"{path}: cannot be read as a study ({failure})") from None
        if text.count("\n") > _MOST_LINES:
            raise ConfigError(f"{path}: expected at most {_MOST_LINES:,} lines")
        return cls(path.stem, path, text, parse_toml(text, path, ConfigError))

    def fail(self, keys: Keys, message: object) -> NoReturn:
        """Raise an error about a value.

        Raises:
            ConfigError: Always; names file and line.
        """
        line = line_of(self.text.replace("\r\n", "\n"), keys)
        raise ConfigError(f"{self.path}, line {line}: {message}") from None

    def attempt(self, keys: Keys, make: Callable[[], Made]) -> Made:
        """Call ``make``; a DvtrError is raised again with the line of ``keys``.

        Raises:
            ConfigError: It failed.
        """
        try:
            return make()
        except DvtrError as failure:
            self.fail(keys, failure)

    def only(self, keys: Keys, *known: str) -> None:
        """Raise for unknown keys of a table."""
        for key in self.table(keys):
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                self.fail((*keys, key), f"there is no key {key!r} here: {hint}{_listed(known)}")

    def get(self, keys: Keys, kind: type[Made], default: Made) -> Made:
        """Return a value of a type; the default if there is none."""
        value: Any = self.content
        for key in keys:
            if isinstance(value, dict) and key not in value:
                return default
            value = value[key]
        if type(value) is not kind:
            self.fail(keys, f"{_dotted(keys)} takes {_TYPE_NAMES[kind]}, found {value!r}")
        return value

    def table(self, keys: Keys) -> dict[str, Any]:
        """Return a table; an empty one if there is none."""
        return self.get(keys, dict, {}) if keys else dict(self.content)

    def array(self, keys: Keys, kind: type[Made]) -> tuple[Made, ...]:
        """Return an array of distinct items of one type."""
        items = self.get(keys, list, [])
        seen: set[object] = set()
        for index, item in enumerate(items):
            if type(item) is not kind:
                self.fail(
                    (*keys, index), f"{_dotted(keys)} takes {_TYPE_NAMES[kind]}, found {item!r}"
                )
            if item in seen:
                self.fail((*keys, index), f"{_dotted(keys)} has {item!r} twice")
            seen.add(item)
        return tuple(items)

    def required(self, keys: Keys) -> str:
        """Return a required text."""
        text = self.get(keys, str, "")
        if not text:
            self.fail(keys, f"{_dotted(keys[:-1])} needs {keys[-1]}, a text")
        return text

    def settings(
        self, keys: Keys, cls: type, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return settings of a dataclass, each checked by its field.

        Args:
            keys: Path of the table.
            cls: The dataclass of the settings.
            given: Values to check; None for all of the table.
        """
        values = self.table(keys) if given is None else given
        typed: dict[str, Any] = {}
        for name, value in values.items():
            typed |= self.attempt((*keys, name), partial(typed_settings, cls, {name: value}))
        return typed

    def require_made(
        self, keys: Keys, make: Callable[[Mapping[str, Any]], object], settings: Mapping[str, Any]
    ) -> None:
        """Let a class check its settings together; name the one that fails alone, if any.

        Args:
            keys: Path of the table with the settings.
            make: Makes an instance from settings.
            settings: Typed, as `settings` returns them.
        """
        try:
            make(settings)
        except DvtrError as failure:
            for name, value in settings.items():
                try:
                    make({name: value})
                except DvtrError:
                    self.fail((*keys, name), failure)
            self.fail(keys, failure)


def _dotted(keys: Keys) -> str:
    return ".".join(str(key) for key in keys if not isinstance(key, int))


def _listed(known: tuple[str, ...]) -> str:
    return f"there are {', '.join(known)}"


_DEEPEST_ARRAY: Final = 3


def line_of(text: str, keys: Sequence[str | int]) -> int:
    r"""Return the line on which a value begins.

    The text is parsed again up to each line. The value begins in the first statement after which
    the parsed text contains it; within an array of several lines, in the first line after which the
    array, closed there, contains it.

    Args:
        text: The text of a valid TOML file.
        keys: Path to the value. If there is no such value, the last existing part of the path is
            used.

    Returns:
        The line, from 1.

    Example:
        >>> line_of("seeds = [\n  1,\n  2,\n]", ["seeds", 1])
        3
    """
    whole = parse_toml(text, "")
    while not _holds(whole, keys):
        keys = keys[:-1]
    lines = text.split("\n")
    begun = 0
    for end in range(1, len(lines) + 1):
        parsed = _read(lines[:end])
        if parsed is None:
            continue
        if _holds(parsed, keys):
            return _line_in_statement(lines, begun, end, keys)
        begun = end
    return 1


def _line_in_statement(
    lines: Sequence[str], begun: int, end: int, keys: Sequence[str | int]
) -> int:
    line = begun + 1
    for cut in range(begun + 1, end):
        for depth in range(1, _DEEPEST_ARRAY + 1):
            parsed = _read([*lines[:cut], "]" * depth])
            if parsed is not None and _holds(parsed, keys):
                return cut
            if parsed is not None:
                line = end  # it must be in the last line of an array
    return line


def _read(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return parse_toml("\n".join(lines), "")
    except InputError:
        return None


def _holds(value: Any, keys: Sequence[str | int]) -> bool:
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return False
    return True


SHIPPED: Final = Path(__file__).parent
"""Folder of the studies of the package, one ``.toml`` file each."""


def shipped_studies() -> list[str]:
    """Return the names of the studies that ship with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find_study(study: str | Path, beside: Path = Path()) -> Path:
    """Find the file of a study.

    Args:
        study: A path that ends in ``.toml``, or the name of a study that ships with the package.
        beside: The folder that a relative path starts from.

    Returns:
        The file.

    Raises:
        NotFoundError: There is none; the message lists the existing ones.

    Example:
        >>> find_study("quickstart").name
        'quickstart.toml'
    """
    path = beside / study
    if path.suffix == ".toml":
        if path.is_file():
            return path
        raise NotFoundError(
            f"there is no study at {path}: expected a TOML file (docs/guides/studies.md says its "
            "form)"
        )
    names = shipped_studies()
    if str(study) in names:
        return SHIPPED / f"{study}.toml"
    near = get_close_matches(str(study), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise NotFoundError(
        f"there is no study {str(study)!r}: {hint}the package has {', '.join(names)}; a file of "
        "your own ends in .toml"
    )
