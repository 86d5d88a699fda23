"""Windows: parts of a clip in time, and which frames are on screen in them."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

from dvtr_bench.errors import ClipError
from dvtr_bench.video.sampling import Timeline


@dataclass(frozen=True)
class Window:
    """A part of a clip: everything that is on screen at times in [start, end).

    Attributes:
        start_seconds: Its start, from the clip's first frame.
        end_seconds: Its end; None for the clip's own. A later end than the clip's is the clip's.
    """

    start_seconds: Fraction
    end_seconds: Fraction | None

    @classmethod
    def between(cls, start_seconds: float, end_seconds: float | None) -> Window:
        """Make a window from times as a table has them.

        Args:
            start_seconds: Its start.
            end_seconds: Its end; None for the clip's own.

        Returns:
            The window; 0.04 is exactly 1/25 of a second in it.

        Raises:
            ClipError: A time is not finite, the start is negative, or the end is not after it.
        """
        times = [start_seconds] if end_seconds is None else [start_seconds, end_seconds]
        text = f"a segment from {start_seconds:g} to {times[-1]:g} seconds"
        if not all(map(math.isfinite, times)):
            raise ClipError(f"{text}: expected two times in seconds. Correct them")
        if start_seconds < 0:
            raise ClipError(f"{text}: expected a start of 0 or later. Correct it")
        if end_seconds is not None and end_seconds <= start_seconds:
            found = "it is empty" if end_seconds == start_seconds else "they are reversed"
            raise ClipError(f"{text}: expected an end after the start, but {found}. Correct them")
        exact = [Fraction(repr(float(time))) for time in times]
        return cls(exact[0], None if end_seconds is None else exact[1])

    def cut(self, timeline: Timeline) -> tuple[int, Timeline]:
        """Cut the window out of a clip's timeline.

        Args:
            timeline: When each frame of the whole clip is shown.

        Returns:
            The index of the frame on screen at the window's start, and the timeline from there to
            the window's end. Its times count from the window's start, where that frame is first
            shown.

        Raises:
            ClipError: The window starts at or after the clip's end.

        Example:
            >>> whole = Timeline(starts=(0, 1, 2, 3), end=4, time_base=Fraction(1, 2))
            >>> first, part = Window(Fraction(3, 4), None).cut(whole)
            >>> first, [part.seconds(index) for index in range(3)], float(part.duration_seconds)
            (1, [0.0, 0.25, 0.75], 1.25)
        """
        start, clip_end = self.start_seconds, timeline.duration_seconds
        if start >= clip_end:
            raise ClipError(
                f"the segment starts at {float(start):g} seconds, where the clip has ended: it is "
                f"{float(clip_end):.6g} seconds long. Correct the times, or get the whole clip"
            )
        end = clip_end if self.end_seconds is None else min(self.end_seconds, clip_end)
        base = timeline.time_base
        ticks_per_second = math.lcm(base.denominator, start.denominator, end.denominator)
        ticks_per_old_tick = int(base * ticks_per_second)
        offset = int(start * ticks_per_second)
        first = timeline.shown_at(start)
        stop = bisect_left(timeline.starts, end / base)
        later = (tick * ticks_per_old_tick - offset for tick in timeline.starts[first + 1 : stop])
        return first, Timeline(
            starts=(0, *later),
            end=int(end * ticks_per_second) - offset,
            time_base=Fraction(1, ticks_per_second),
        )
