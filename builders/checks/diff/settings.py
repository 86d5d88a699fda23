"""Settings and statements that differ between two manifests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.runtime.json_records import to_json

_PLAIN: Final = (
    "name version format_version pretty_name summary language homepage citation built_with".split()
)


@dataclass(frozen=True)
class SettingChange:
    """One thing that two manifests say otherwise.

    Attributes:
        name: Such as ``version`` or ``frames sampling``.
        a: As the first has it; None where it has none.
        b: As the second has it.
    """

    name: str
    a: Any
    b: Any


def compare_settings(a: Manifest, b: Manifest) -> tuple[SettingChange, ...]:
    """Compare two manifests in everything that is no row, count or hash of files.

    Args:
        a: The first.
        b: The second.

    Returns:
        What differs, in a fixed order.
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
    yield "extra columns", list(manifest.extra_columns)
    for source in manifest.sources:
        yield from _prefixed(f"source {source.name}", to_json(source))
    yield from _prefixed("left out", dict(manifest.left_out))
    yield "notes", list(manifest.notes)


def _prefixed(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{prefix}: {name}", value) for name, value in values.items() if name != "name")
