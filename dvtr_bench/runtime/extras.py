"""Optional libraries: they are imported where they are used, and are part of no plain install."""

import importlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final

from dvtr_bench.errors import NotFoundError

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
    try:
        requirements = importlib.metadata.requires("dvtr-bench") or []
    except importlib.metadata.PackageNotFoundError:
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
