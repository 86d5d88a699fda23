"""Find out whether a package of other people stands in the place of one of ours.

Four of our five packages have names that others use too. Whichever comes first on Python's path is
imported; of two that were installed into one folder, the later one has replaced the files.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dvtr_bench

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
