"""Versions of a dataset: their git tags and their order."""

import re
from typing import Final

from dvtr_bench.errors import InputError

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?")


def version_tag(version: str) -> str:
    """Return the git tag of a published version.

    The ``+`` before a variant becomes ``-`` in the tag, because a URL may read ``+`` as a space.
    The numbers before it contain no ``-``, so different versions have different tags.

    Args:
        version: Semantic version, with or without a variant.

    Returns:
        The tag.

    Raises:
        InputError: The version is malformed.

    Example:
        >>> version_tag("1.0.0"), version_tag("1.0.1+small")
        ('v1.0.0', 'v1.0.1-small')
    """
    _parse(version)
    return "v" + version.replace("+", "-")


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version, which order versions.

    Args:
        version: As for `version_tag`.

    Returns:
        Major, minor, patch.

    Raises:
        InputError: The version is malformed.

    Example:
        >>> release("1.0.10+small") > release("1.0.9")
        True
    """
    major, minor, patch = _parse(version).group(1, 2, 3)
    return int(major), int(minor), int(patch)


def _parse(version: str) -> re.Match[str]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(
            f"version {version!r}: expected MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH+VARIANT, such "
            "as 1.0.0 or 1.0.0+small"
        )
    return match
