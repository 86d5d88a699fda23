"""Versions of a dataset: the git tag of each, and which is later."""

import re
from typing import Final

from dvtr_bench.errors import InputError

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?")


def version_tag(version: str) -> str:
    """Return the tag that a version is published under.

    What follows ``+`` names a variant. A ``+`` is allowed in a tag but means a space in parts of an
    address, so it becomes ``-``; versions of ours hold no other ``-`` before it, so no two versions
    share a tag.

    Args:
        version: Semantic version, with or without a variant.

    Returns:
        The tag.

    Raises:
        InputError: It is no such version.

    Example:
        >>> version_tag("1.0.0"), version_tag("1.0.1+small")
        ('v1.0.0', 'v1.0.1-small')
    """
    _parsed(version)
    return "v" + version.replace("+", "-")


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version, to compare by.

    Args:
        version: As for `version_tag`.

    Returns:
        Major, minor, patch.

    Raises:
        InputError: It is no such version.

    Example:
        >>> release("1.0.10+small") > release("1.0.9")
        True
    """
    major, minor, patch = _parsed(version).group(1, 2, 3)
    return int(major), int(minor), int(patch)


def _parsed(version: str) -> re.Match[str]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InputError(
            f"version {version!r}: expected MAJOR.MINOR.PATCH, with +VARIANT where there is one, "
            "such as 1.0.0 or 1.0.0+small"
        )
    return found
