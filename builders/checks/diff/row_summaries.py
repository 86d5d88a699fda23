"""Rows without their frames, for comparing datasets in little memory."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from builders.checks.verify.row_stream import UnreadableRowsError, read_rows
from builders.sources.locate import LocatedDataset
from dvtr_bench.dataset.contents import FINGERPRINTED
from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.dataset.manifest import VIDEO_FIELDS
from dvtr_bench.errors import InputError
from dvtr_bench.runtime.progress import Advance

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
