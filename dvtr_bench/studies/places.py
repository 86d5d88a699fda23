"""Find study files: those of the package by name, all others by path."""

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dvtr_bench.errors import NotFoundError

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
