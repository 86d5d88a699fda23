"""Groups of queries: how one axis sorts the captions or the videos of a split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.rank_table import RankTable

Unit: TypeAlias = Literal["caption", "video"]
"""What an axis groups. If it groups videos, a caption is in the group of its video."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of one axis.

    Attributes:
        title: Title of the axis, for reports.
        unit: What is grouped.
        names: Names of the groups, in the order of reports.
        codes: int64, one per caption or video of the split: an index into ``names``.
    """

    title: str
    unit: Unit
    names: tuple[str, ...]
    codes: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that every code belongs to a group, and that group names differ."""
        if len(set(self.names)) != len(self.names) or not self.names:
            raise InputError(
                f"the groups of {self.title!r} need one name each, found {', '.join(self.names)}"
            )
        if self.codes.ndim != 1 or self.codes.dtype != np.int64 or not len(self.codes):
            raise InputError(
                f"the groups of {self.title!r} need int64 codes, one a {self.unit}, found "
                f"{self.codes.dtype} of shape {self.codes.shape}"
            )
        if self.codes.min() < 0 or self.codes.max() >= len(self.names):
            row = int(np.argmax((self.codes < 0) | (self.codes >= len(self.names))))
            raise InputError(
                f"{self.unit} {row} is in group {self.codes[row]} of {self.title!r}: expected "
                f"0..{len(self.names) - 1}"
            )

    @classmethod
    def by_number(
        cls,
        title: str,
        unit: Unit,
        values: NDArray[np.number],
        bins: Sequence[tuple[float, str]],
    ) -> "Groups":
        """Group by a number.

        Args:
            title: Title of the axis.
            unit: What is grouped.
            values: One number per caption or video.
            bins: The largest value of each group, ascending, and its name; the last group takes
                all larger values.

        Returns:
            All groups, including empty ones.

        Example:
            >>> bins = [(0, "none"), (4, "1 to 4"), (float("inf"), "5 or more")]
            >>> Groups.by_number("Boats", "video", np.array([0, 5, 4]), bins).codes.tolist()
            [0, 2, 1]
        """
        borders = [border for border, _ in bins[:-1]]
        codes = np.searchsorted(borders, values, side="left").astype(np.int64)
        return cls(title, unit, tuple(name for _, name in bins), codes)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Directions whose queries the axis can group; for captions only t2v."""
        return ("t2v",) if self.unit == "caption" else ("t2v", "v2t")

    def query_codes(self, table: RankTable, direction: Direction) -> NDArray[np.int64]:
        """Return the group of each query.

        Args:
            table: The ranks of a run.
            direction: One of `directions`.

        Returns:
            int64, Q: indices into ``names``.

        Raises:
            InputError: There are more or fewer codes than captions or videos.
        """
        video_index = table.caption_video_index
        expected = len(video_index) if self.unit == "caption" else table.num_videos
        if len(self.codes) != expected:
            raise InputError(
                f"{self.title!r} sorts {len(self.codes)} {self.unit}s, but the split has {expected}"
            )
        return self.codes if self.unit == "caption" else self.codes[table.query_videos(direction)]
