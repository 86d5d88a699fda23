"""Settings and statements that differ between two manifests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.reading.json_records import to_json

_PLAIN: Final = (
    "name version format_version pretty_name summary language homepage citation built_with".split()
)


@dataclass(frozen=True)
class SettingChange:
    """One setting that differs between two manifests.

    Attributes:
        name: Such as ``version`` or ``frames sampling``.
        a: Its value in the first; None if missing.
        b: Its value in the second.
    """

    name: str
    a: Any
    b: Any


def compare_settings(a: Manifest, b: Manifest) -> tuple[SettingChange, ...]:
    """Compare two manifests, except rows, counts and file hashes.

    Args:
        a: The first.
        b: The second.

    Returns:
        The differences, in a fixed order.
    """
    first, second = dict(_settings(a)), dict(_settings(b))
    return tuple(
        SettingChange(name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def _settings(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    yield from ((name, getattr(manifest, name)) for name in _PLAIN)
    yield from _prefixed("licence", to_json(manifest.licence))
    yield from _prefixed("frames", to_json(manifest.frames) if manifest.frames else {})
    if manifest.keeps_clips:
        yield "clips", "kept"
    yield "extra columns", list(manifest.extra_columns)
    for source in manifest.sources:
        yield from _prefixed(f"source {source.name}", to_json(source))
    yield from _prefixed("left out", dict(manifest.left_out))
    yield "notes", list(manifest.notes)


def _prefixed(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{prefix}: {name}", value) for name, value in values.items() if name != "name")
