"""When each frame of a clip is shown, in exact arithmetic."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_UNKNOWN_FRAME_SECONDS = Fraction(1, 25)


@dataclass(frozen=True)
class Timeline:
    """The times at which a clip's frames are shown.

    Attributes:
        starts: When each frame begins, in ticks of `time_base`, ascending; the first is 0: a clip
            begins where its first frame is shown, whatever offset its container has.
        end: When the last frame ends, in ticks: its own duration counts.
        time_base: Seconds a tick.

    Example:
        >>> line = Timeline(starts=(0, 2, 4), end=6, time_base=Fraction(1, 4))
        >>> float(line.duration_seconds), line.shown_at(Fraction(9, 10)), line.seconds(1)
        (1.5, 1, 0.5)
    """

    starts: tuple[int, ...]
    end: int
    time_base: Fraction

    @property
    def duration_seconds(self) -> Fraction:
        """From the first frame's start to the last frame's end."""
        return self.end * self.time_base

    def seconds(self, index: int) -> float:
        """When the frame with this index is first shown."""
        return float(self.starts[index] * self.time_base)

    def shown_at(self, seconds: Fraction) -> int:
        """The index of the frame on screen at a time: the last one that starts by then."""
        return max(0, bisect_right(self.starts, seconds / self.time_base) - 1)


def make_timeline(
    ticks: list[int], last_duration: int, time_base: Fraction, rate: Fraction | None
) -> Timeline:
    """Build a timeline from presentation times as the container has them.

    Args:
        ticks: Presentation times, ascending, at least one.
        last_duration: How long the last frame is shown, in ticks; 0 where the container does not
            say: then the median gap between frames is taken, or the stream's frame rate.
        time_base: Seconds a tick.
        rate: The stream's frame rate, for a clip of one frame.

    Returns:
        The timeline, beginning at 0.
    """
    starts = tuple(tick - ticks[0] for tick in ticks)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    if last_duration <= 0 and gaps:
        last_duration = statistics.median_low(gaps)
    if last_duration <= 0:
        frame_seconds = 1 / rate if rate else _UNKNOWN_FRAME_SECONDS
        last_duration = max(1, round(frame_seconds / time_base))
    return Timeline(starts, starts[-1] + last_duration, time_base)
