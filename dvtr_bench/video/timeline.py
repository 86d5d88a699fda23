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
        starts: Start of each frame, in ticks of `time_base`, ascending. The first is 0, whatever
            the offset in the container.
        end: End of the last frame, in ticks.
        time_base: Duration of a tick in seconds.

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
        """Time from the first frame's start to the last frame's end."""
        return self.end * self.time_base

    def seconds(self, index: int) -> float:
        """Return the time at which a frame is first shown."""
        return float(self.starts[index] * self.time_base)

    def shown_at(self, seconds: Fraction) -> int:
        """Return the index of the frame on screen at a time: the last one that starts by then."""
        return max(0, bisect_right(self.starts, seconds / self.time_base) - 1)


def make_timeline(
    ticks: list[int], last_duration: int, time_base: Fraction, rate: Fraction | None
) -> Timeline:
    """Build a timeline from the presentation times of a container.

    Args:
        ticks: Presentation times, ascending, at least one.
        last_duration: Duration of the last frame, in ticks. If it is 0 (unknown), the median gap
            between frames is used; for a single frame, the frame rate.
        time_base: Duration of a tick in seconds.
        rate: The stream's frame rate, if known.

    Returns:
        The timeline, starting at 0.
    """
    starts = tuple(tick - ticks[0] for tick in ticks)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    if last_duration <= 0 and gaps:
        last_duration = statistics.median_low(gaps)
    if last_duration <= 0:
        frame_seconds = 1 / rate if rate else _UNKNOWN_FRAME_SECONDS
        last_duration = max(1, round(frame_seconds / time_base))
    return Timeline(starts, starts[-1] + last_duration, time_base)
