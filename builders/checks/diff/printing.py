"""Print and write the result of `dvtr-bench diff`."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from builders.checks.diff.difference import Change, Difference, SettingChange
from builders.sources.locate import LocatedDataset
from dvtr_bench.dataset.manifest import FINGERPRINT_SHOWN
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.files import written_beside

_LONGEST_TEXT = 400


def print_difference(difference: Difference, most: int) -> None:
    """Print the differences between two datasets.

    Args:
        difference: The differences.
        most: Largest number of items listed of a kind; settings are all listed.
    """
    console = make_console()

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    for name, side in (("A", difference.a), ("B", difference.b)):
        say(f"{name}  {_title(side)}")
    settings = [_setting(change) for change in difference.settings]
    for title, lines in (("settings that differ", settings), *_sections(difference)):
        lines_shown = lines if lines is settings else lines[:most]
        if lines:
            say(f"\n{title}: {len(lines):,}", "bold")
        for line in lines_shown:
            say(f"  {line}")
        if len(lines) > len(lines_shown):
            say(f"  and {len(lines) - len(lines_shown):,} more (--out FILE for all)")
    say("")
    if tested := _about_test(difference):
        say(tested)
    say(_verdict(difference))


def difference_as_json(difference: Difference) -> dict[str, Any]:
    """Return all that two datasets differ in as JSON values.

    Args:
        difference: What was found.

    Returns:
        Both sides, the settings that differ, and a list for each kind of change.
    """
    content: dict[str, Any] = {
        name: _side(side) for name, side in (("a", difference.a), ("b", difference.b))
    }
    content["footage_compared"] = difference.footage_compared
    content["reordered"] = list(difference.reordered)
    content["settings"] = [to_json(change) for change in difference.settings]
    for kind in _KINDS:
        content[kind] = [_short(change) for change in getattr(difference, kind)]
    return content


def write_difference(difference: Difference, path: Path) -> Path:
    """Write all differences between two datasets as JSON.

    Args:
        difference: The differences.
        path: The file.

    Returns:
        The file.
    """
    content = difference_as_json(difference)
    with written_beside(path) as beside:
        text = readable_json(content, indent=2) + "\n"
        beside.write_text(text, encoding="utf-8", newline="\n")
    return path


_KINDS: Final = "added removed renamed moved footage captions categories columns".split()


def _sections(difference: Difference) -> Iterable[tuple[str, list[str]]]:
    d = difference
    yield "videos that B alone has", _listed(d.added, lambda c: f"{c.video_id!r} ({c.b})")
    yield "videos that A alone has", _listed(d.removed, lambda c: f"{c.video_id!r} ({c.a})")
    yield "the same footage under another id", _listed(d.renamed, lambda c: f"{c.a!r} -> {c.b!r}")
    yield "videos in another split", _listed(d.moved, lambda c: f"{c.video_id!r}: {c.a} -> {c.b}")
    yield "splits in another order", list(d.reordered)
    yield (
        "videos with other footage",
        _listed(d.footage, lambda c: f"{c.video_id!r}: SHA-256 {c.a[:12]} -> {c.b[:12]}"),
    )
    for title, has_a, has_b in (
        ("captions edited", True, True),
        ("captions that B alone has", False, True),
        ("captions that A alone has", True, False),
    ):
        changes = [c for c in d.captions if (c.a is not None, c.b is not None) == (has_a, has_b)]
        yield title, _listed(changes, _caption)
    yield (
        "videos in another category",
        _listed(d.categories, lambda c: f"{c.video_id!r}: {_text(c.a)} -> {_text(c.b)}"),
    )
    yield (
        "values of other columns",
        _listed(d.columns, lambda c: f"{c.video_id!r} {c.column}: {_text(c.a)} -> {_text(c.b)}"),
    )


def _listed(changes: Sequence[Change], line: Callable[[Change], str]) -> list[str]:
    return [line(change) for change in changes]


def _caption(change: Change) -> str:
    location = f"{change.video_id!r} {change.caption}"
    if change.a is None or change.b is None:
        return f"{location}: {_text(change.b if change.a is None else change.a)}"
    return f"{location}: {_text(change.a)} -> {_text(change.b)}"


def _setting(change: SettingChange) -> str:
    return f"{change.name}: {_text(change.a)} -> {_text(change.b)}"


def _text(value: object) -> str:
    text = "none" if value is None else repr(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def _title(side: LocatedDataset) -> str:
    manifest = side.manifest
    videos = "/".join(f"{split.num_videos:,}" for split in manifest.splits.values())
    frames = manifest.frames.sampling if manifest.frames else "annotations only"
    return (
        f"{manifest.name} {manifest.version}  {manifest.fingerprint[:FINGERPRINT_SHOWN]}  "
        f"{'/'.join(manifest.splits)} {videos}, {frames}  {side.label}"
    )


def _about_test(difference: Difference) -> str:
    """Say whether the test clips of A are still held out in B, where videos came, went or moved."""
    d = difference
    if not (d.added or d.removed or d.moved) or "test" not in d.a.manifest.splits:
        return ""
    moved = sum(change.a == "test" for change in d.moved)
    gone = sum(change.a == "test" for change in d.removed)
    if not moved and not gone:
        return "every test video of A is a test video of B"
    return f"of the test videos of A, {moved:,} are in another split of B and {gone:,} are not in B"


def _verdict(difference: Difference) -> str:
    a, b = difference.a.manifest, difference.b.manifest
    if a.fingerprint == b.fingerprint:
        return "the same rows and settings: the fingerprints are equal" + (
            "" if difference.rows_are_equal else ", yet rows differ: see `dvtr-bench verify`"
        )
    note = "" if difference.footage_compared else "; footage was not compared: one has no frames"
    if difference.rows_are_equal:
        return f"the same videos, captions and splits; the settings above differ{note}"
    return f"two different datasets: results on one say nothing about the other{note}"


def _side(side: LocatedDataset) -> dict[str, str]:
    manifest = side.manifest
    return {
        "place": side.label,
        "name": manifest.name,
        "version": manifest.version,
        "fingerprint": manifest.fingerprint,
    }


def _short(change: Change) -> dict[str, Any]:
    """Return a change without the fields that its kind does not use."""
    value = to_json(change)
    return {
        name: item
        for name, item in value.items()
        if item is not None or name in ("video_id", "a", "b")
    }
