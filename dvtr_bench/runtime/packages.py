"""Installed packages: others in the place of ours, optional libraries, entries of plug-ins.

Four of our five packages have names that others use too. Whichever comes first on the path of
Python is imported; of two that were installed into one folder, the later one has replaced the
files. Optional libraries are imported where they are used, and are part of no plain install.
Entries of other packages are found by their entry points, and imported when they are used.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

import dvtr_bench
from dvtr_bench.errors import ExtensionError, NotFoundError

FIRST_LINES: Final[Mapping[str, str]] = {
    "builders": '"""Builders: raw drone clips',
    "baselines": '"""Baselines: the CLIP frame encoder',
    "leaderboard": '"""Leaderboard: result files in',
    "msam": '"""MSAM: the multi-semantic adaptive model',
}
"""How each of our packages begins."""

_READ_LETTERS: Final = 200


@dataclass(frozen=True)
class OtherPackage:
    """What Python finds under the name of one of our packages.

    Attributes:
        name: The name.
        found: The file or folder; None if there is nothing.
        advice: What to do.
    """

    name: str
    found: Path | None
    advice: str

    def __str__(self) -> str:
        """Say what was found and what to do."""
        found = "is not installed" if self.found is None else f"is not ours but {self.found}"
        return f"the package {self.name} of dvtr-bench {found}: {self.advice}"


def find_other_packages() -> list[OtherPackage]:
    """Look up each of our packages, which takes a millisecond or two and imports nothing.

    Returns:
        Those in whose place something else stands, or nothing.

    Example:
        >>> find_other_packages()
        []
    """
    home = Path(dvtr_bench.__file__).resolve().parents[1]
    looked_up = ((name, _find(name)) for name in FIRST_LINES)
    return [
        OtherPackage(name, found, _advice(name, found, home))
        for name, found in looked_up
        if found is None or not _is_ours(name, found, home)
    ]


def _find(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # such as a module that was put in place by hand
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or ())
    place = spec.origin or (places[0] if places else None)
    return None if place is None else Path(place)


def _is_ours(name: str, found: Path, home: Path) -> bool:
    if found.resolve().parent != home / name:
        return False
    try:
        with found.open(encoding="utf-8", errors="replace") as file:
            return file.read(_READ_LETTERS).startswith(FIRST_LINES[name])
    except OSError:
        return False


def _advice(name: str, found: Path | None, home: Path) -> str:
    again = "pip install --force-reinstall --no-deps dvtr-bench"
    if found is None:
        return again
    folder = found.parent if found.suffix else found
    if folder.resolve() == home / name:
        return f"another distribution has replaced its files; uninstall that one, then {again}"
    if folder.resolve().parent == Path.cwd().resolve():
        return f"it lies in the current folder; work in another folder, or rename {folder.name}"
    return (
        f"it comes first on Python's path; take {folder.parent} out of PYTHONPATH, or install "
        "dvtr-bench into an environment of its own"
    )


FOR_WORK_ON_IT: Final = ("dev", "docs")
"""Extras for those who work on dvtr-bench itself."""

_REQUIREMENT: Final = re.compile(r"""([\w.-]+)[^;]*;.*extra == ["']([\w-]+)["']""")


def import_extra(module: str, extra: str, needed_by: str) -> ModuleType:
    """Import an optional library.

    Args:
        module: Its dotted name.
        extra: The extra of dvtr-bench that installs it.
        needed_by: What needs it, such as ``--model hf:...``, for the message.

    Returns:
        The module.

    Raises:
        NotFoundError: It is not installed, or its own imports fail.
    """
    try:
        return importlib.import_module(module)
    except ImportError as failure:
        raise NotFoundError(
            f"{needed_by} needs {module}, which cannot be imported ({failure}): "
            f"pip install 'dvtr-bench[{extra}]'"
        ) from failure


def missing_modules(modules: Iterable[str]) -> tuple[str, ...]:
    """Return those of some modules that are not installed; nothing is imported.

    Args:
        modules: Names of packages, such as ``transformers``.

    Example:
        >>> missing_modules(["torch", "no_such_package"])
        ('no_such_package',)
    """
    return tuple(name for name in modules if not _is_there(name))


def packages_by_extra() -> Mapping[str, tuple[str, ...]]:
    """Return the packages of each extra of the installed dvtr-bench, but for those of its makers.

    Returns:
        Names of packages, as pip has them, by the extra's name; empty if it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("dvtr-bench") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for requirement in requirements:
        if (named := _REQUIREMENT.match(requirement)) and named[2] not in FOR_WORK_ON_IT:
            found[named[2]] = (*found.get(named[2], ()), named[1])
    return found


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a module that was put aside, as in tests
        return False


class PlugInWarning(UserWarning):
    """A plug-in is ignored because it is broken or its name is taken."""


@dataclass(frozen=True)
class Entry:
    """One entry of a catalog, not imported.

    Attributes:
        name: Its key.
        module: Dotted name of its module.
        plug_in: Name and version of the plug-in package; empty for a file of this project.
    """

    name: str
    module: str
    plug_in: str = ""

    @property
    def place(self) -> str:
        """Its file, for messages."""
        path = f"{self.module.replace('.', '/')}.py"
        return f"{path} (plug-in {self.plug_in})" if self.plug_in else path


def import_plug_in(kind: str, entry: Entry) -> ModuleType:
    """Import the module of a plug-in.

    Args:
        kind: What the entry is, for messages.
        entry: The entry.

    Raises:
        ExtensionError: It cannot be imported.
    """
    try:
        return importlib.import_module(entry.module)
    except (Exception, SystemExit) as failure:
        raise ExtensionError(
            f"the plug-in {entry.plug_in} offers the {kind} {entry.name!r} as {entry.module}, "
            f"which cannot be imported ({type(failure).__name__}: {failure}): repair or uninstall "
            f"{entry.plug_in}"
        ) from failure


def plug_ins(group: str) -> tuple[Entry, ...]:
    """Return what installed packages declare in a group of entry points, by name."""
    return _installed(tuple(sys.path)).get(group, ())


@cache
def _installed(path: tuple[str, ...]) -> Mapping[str, tuple[Entry, ...]]:
    """Return the plug-ins of installed packages by group; ``path`` is the cache key."""
    groups: dict[str, list[Entry]] = {}
    for group, entry in _declared():
        groups.setdefault(group, []).append(entry)
    return {
        group: tuple(sorted(entries, key=lambda entry: (entry.name, entry.plug_in)))
        for group, entries in groups.items()
    }


def _declared() -> Iterator[tuple[str, Entry]]:
    from importlib.metadata import distributions

    names_seen = set()
    for distribution in distributions():
        # Most packages declare no plug-ins, and reading their metadata would be slow.
        if "dvtr_bench." not in (distribution.read_text("entry_points.txt") or ""):
            continue
        name = distribution.metadata["Name"]
        if name in names_seen:
            continue
        names_seen.add(name)
        for point in distribution.entry_points:
            entry = Entry(point.name, point.value, f"{name} {distribution.version}")
            yield point.group, entry
