"""Entries that installed packages add: found by their entry points, imported when they are used."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from dvtr_bench.errors import ExtensionError


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
