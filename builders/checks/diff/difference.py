"""The differences between two builds or versions of a dataset."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final

from builders.checks.verify.row_stream import UnreadableRowsError, read_rows
from builders.sources.locate import LocatedDataset
from dvtr_bench.dataset.fingerprint import FINGERPRINTED, canonical_json
from dvtr_bench.dataset.manifest import SPLITS, VIDEO_FIELDS, Manifest
from dvtr_bench.errors import InputError
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.runtime.terminal import Advance, progress_bar

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


DECODED_COLUMNS: Final = tuple(
    field.name for field in VIDEO_FIELDS if field.name not in (*FINGERPRINTED, "frames")
)
"""Columns with decoding results, except the frames themselves."""

SAMPLED_COLUMNS: Final = ("frame_pts_seconds", "perceptual_hash")
"""Those of them that depend on which frames are stored, and how."""

_LONGEST_VALUE = 200


@dataclass(frozen=True)
class RowSummary:
    """The columns of one video, without its frames.

    Attributes:
        split: Its split.
        category: None if it has none.
        captions: In source order.
        clip_sha256: None in an annotations-only build.
        others: All other columns except the frames; long values as their hash.
    """

    split: str
    category: str | None
    captions: tuple[str, ...]
    clip_sha256: str | None
    others: Mapping[str, Any]


def read_row_summaries(side: LocatedDataset, advance: Advance) -> Iterator[tuple[str, RowSummary]]:
    """Read all videos of a dataset, split by split.

    Args:
        side: The dataset.
        advance: Called for each row.

    Yields:
        Id and row.

    Raises:
        InputError: Rows cannot be read.
    """
    others = [*(DECODED_COLUMNS if side.manifest.frames else ()), *side.manifest.extra_columns]
    for name, record in side.manifest.splits.items():
        try:
            columns = [*FINGERPRINTED, *others]
            for row in read_rows(side.open_file, record.paths("default"), columns):
                values = row.values
                yield (
                    values["video_id"],
                    RowSummary(
                        split=name,
                        category=values["category"],
                        captions=tuple(values["captions"]),
                        clip_sha256=values["clip_sha256"],
                        others={column: _short(values[column]) for column in others},
                    ),
                )
                advance()
        except (UnreadableRowsError, OSError, InputError) as failure:
            path_prefix = f"{failure.path}: " if isinstance(failure, UnreadableRowsError) else ""
            raise InputError(
                f"{side.label}: the {name} split cannot be read: {path_prefix}{failure}. See what "
                "is "
                "wrong with it by `dvtr-bench verify`"
            ) from failure


def _short(value: Any) -> Any:
    """Return a small value unchanged, otherwise a hash of it."""
    if value is None or isinstance(value, int | float) or len(value) == 0:
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_VALUE:
        return value
    return f"sha256:{hashlib.sha256(canonical_json(value)).hexdigest()[:16]}"


@dataclass(frozen=True)
class Change:
    """One video, or one caption of it, that differs between A and B.

    Attributes:
        video_id: The video.
        a: Its value in A; None if missing.
        b: Its value in B; None if missing.
        caption: Number of the caption, from 0, in the dataset that has it (A if both do).
        column: The column, for changes of other columns.
    """

    video_id: str
    a: Any
    b: Any
    caption: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class Difference:
    """All differences between two datasets.

    Attributes:
        a: The first dataset.
        b: The second.
        settings: Different settings and statements.
        added: Videos only in B; `b` is their split.
        removed: Videos only in A; `a` is their split.
        renamed: Pairs of a removed and an added id with the same footage: `video_id` is A's id.
        moved: Videos in another split.
        reordered: Splits of the same videos in another order.
        footage: Videos with another clip, as SHA-256 of the file.
        footage_compared: False when one of the two has no frames.
        captions: Captions added, removed or edited in videos that both have.
        categories: Videos in another category.
        columns: Values of other columns: decoding results of the same footage, and extra columns.
            Columns that depend on the stored frames are compared only if frames are stored in the
            same way.
    """

    a: LocatedDataset
    b: LocatedDataset
    settings: tuple[SettingChange, ...]
    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    renamed: tuple[Change, ...]
    moved: tuple[Change, ...]
    reordered: tuple[str, ...]
    footage: tuple[Change, ...]
    footage_compared: bool
    captions: tuple[Change, ...]
    categories: tuple[Change, ...]
    columns: tuple[Change, ...]

    @property
    def rows_are_equal(self) -> bool:
        """Whether every video is the same in both, as far as it can be compared."""
        return not any(
            (
                self.added,
                self.removed,
                self.moved,
                self.reordered,
                self.footage,
                self.captions,
                self.categories,
                self.columns,
            )
        )


def compare_datasets(a: LocatedDataset, b: LocatedDataset, *, progress: bool = True) -> Difference:
    """Compare two datasets; rows are read without their frames.

    Args:
        a: The first.
        b: The second.
        progress: Show a progress bar.

    Returns:
        The differences between A and B.

    Raises:
        InputError: Rows of one cannot be read.
    """
    total = sum(split.num_videos for side in (a, b) for split in side.manifest.splits.values())
    with progress_bar("read rows", total, enabled=progress) as advance:
        first = dict(read_row_summaries(a, advance))
        second = dict(read_row_summaries(b, advance))
    pairs = [
        (video_id, first[video_id], row) for video_id, row in second.items() if video_id in first
    ]
    added = [Change(name, None, row.split) for name, row in second.items() if name not in first]
    removed = [Change(name, row.split, None) for name, row in first.items() if name not in second]
    sampled_otherwise = _sampling(a.manifest) != _sampling(b.manifest)
    have_footage = a.manifest.frames is not None and b.manifest.frames is not None
    return Difference(
        a=a,
        b=b,
        settings=compare_settings(a.manifest, b.manifest),
        added=tuple(added),
        removed=tuple(removed),
        renamed=tuple(_renamed(first, second, removed, added)),
        moved=tuple(Change(name, x.split, y.split) for name, x, y in pairs if x.split != y.split),
        reordered=tuple(_reordered(first, second)),
        footage=tuple(
            Change(name, x.clip_sha256, y.clip_sha256)
            for name, x, y in pairs
            if have_footage and x.clip_sha256 != y.clip_sha256
        ),
        footage_compared=have_footage,
        captions=tuple(change for pair in pairs for change in _caption_changes(*pair)),
        categories=tuple(
            Change(name, x.category, y.category) for name, x, y in pairs if x.category != y.category
        ),
        columns=tuple(
            change
            for name, x, y in pairs
            for change in _column_changes(name, x, y)
            if change.column not in (SAMPLED_COLUMNS if sampled_otherwise else ())
        ),
    )


def _sampling(manifest: Manifest) -> tuple[Any, ...] | None:
    frames = manifest.frames
    return (frames.sampling, frames.short_side_px, frames.extractor) if frames else None


def _renamed(
    first: Mapping[str, RowSummary],
    second: Mapping[str, RowSummary],
    removed: Sequence[Change],
    added: Sequence[Change],
) -> Iterator[Change]:
    """Find clips that were removed under one id and added under another."""
    left = {
        clip: change.video_id
        for change in removed
        if (clip := first[change.video_id].clip_sha256) is not None
    }
    for change in added:
        clip = second[change.video_id].clip_sha256
        if clip is not None and clip in left:
            yield Change(left[clip], left[clip], change.video_id)


def _reordered(first: Mapping[str, RowSummary], second: Mapping[str, RowSummary]) -> Iterator[str]:
    """Find splits whose common videos are in a different order."""
    for split in SPLITS:
        in_first = [n for n, row in first.items() if row.split == split]
        in_second = [n for n, row in second.items() if row.split == split]
        shared = set(in_first) & set(in_second)
        if [n for n in in_first if n in shared] != [n for n in in_second if n in shared]:
            yield split


def _caption_changes(video_id: str, a: RowSummary, b: RowSummary) -> Iterator[Change]:
    """Align the captions of a video; replaced neighbours count as edited."""
    if a.captions == b.captions:
        return
    matcher = SequenceMatcher(None, a.captions, b.captions, autojunk=False)
    for kind, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if kind == "equal":
            continue
        for old, new in zip_longest(range(start_a, end_a), range(start_b, end_b)):
            yield Change(
                video_id,
                None if old is None else a.captions[old],
                None if new is None else b.captions[new],
                caption=new if old is None else old,
            )


def _column_changes(video_id: str, a: RowSummary, b: RowSummary) -> Iterator[Change]:
    """Compare further common columns; decoding results only for the same footage."""
    for column, value in a.others.items():
        if column not in b.others or value == b.others[column]:
            continue
        if column not in DECODED_COLUMNS or a.clip_sha256 == b.clip_sha256:
            yield Change(video_id, value, b.others[column], column=column)
