"""The blocks (captions x videos) in which a sim_matrix is computed, columns first."""

from collections.abc import Iterator
from dataclasses import dataclass

from dvtr_bench.errors import ConfigError


@dataclass(frozen=True)
class Block:
    """One rectangle of the sim_matrix.

    Attributes:
        captions: Rows, as a slice with start and stop.
        videos: Columns, as a slice with start and stop.
    """

    captions: slice
    videos: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Number of captions and of videos."""
        return (
            self.captions.stop - self.captions.start,
            self.videos.stop - self.videos.start,
        )

    def __str__(self) -> str:
        """Both ranges, including the ends."""
        return (
            f"captions {self.captions.start}..{self.captions.stop - 1} x "
            f"videos {self.videos.start}..{self.videos.stop - 1}"
        )


@dataclass(frozen=True)
class Grid:
    """How captions x videos are cut into blocks.

    A score may differ in its last bit between blocks of different shapes, so every pass over the
    sim_matrix uses the same grid.

    Attributes:
        num_captions: T.
        num_videos: V.
        block_captions: Rows of a block; for a ``query_block`` model a multiple of its text block.
        block_videos: Columns of a block.
    """

    num_captions: int
    num_videos: int
    block_captions: int
    block_videos: int

    def __post_init__(self) -> None:
        """Check the sizes."""
        if min(self.num_captions, self.num_videos, self.block_captions, self.block_videos) < 1:
            raise ConfigError(f"every size of a grid must be at least 1: {self}")

    def __iter__(self) -> Iterator[Block]:
        """Yield every block once: all rows of the first columns, then all rows of the next."""
        for run in self.columns():
            yield from run

    def columns(self) -> Iterator[list[Block]]:
        """Yield for each run of columns its blocks, which together hold all rows."""
        for videos in cut(self.num_videos, self.block_videos):
            yield [
                Block(captions, videos) for captions in cut(self.num_captions, self.block_captions)
            ]

    def __len__(self) -> int:
        """Return the number of blocks."""
        rows = -(-self.num_captions // self.block_captions)
        return rows * -(-self.num_videos // self.block_videos)


def cut(count: int, size: int) -> Iterator[slice]:
    """Cut the range ``0..count`` into slices.

    Args:
        count: Number of items.
        size: Items per slice; the last one may be shorter.

    Yields:
        Slices with start and stop, in order.

    Example:
        >>> [(run.start, run.stop) for run in cut(5, 2)]
        [(0, 2), (2, 4), (4, 5)]
    """
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
