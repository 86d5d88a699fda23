"""Sampling of a clip's frames by time, never by index."""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from dvtr_bench.errors import ConfigError

_UNKNOWN_FRAME_SECONDS = Fraction(1, 25)


@dataclass(frozen=True)
class Timeline:
    """The times at which a clip's frames are shown.

    Attributes:
        starts: Start of each frame, in ticks of `time_base`, ascending. The first is 0, whatever
            the offset in the container.
        end: End of the last frame, in ticks.
        time_base: Duration of a tick in seconds.
        remarks: What was mended, as "KIND: DETAIL"; empty for healthy time stamps.

    Example:
        >>> line = Timeline(starts=(0, 2, 4), end=6, time_base=Fraction(1, 4))
        >>> float(line.duration_seconds), line.shown_at(Fraction(9, 10)), line.seconds(1)
        (1.5, 1, 0.5)
    """

    starts: tuple[int, ...]
    end: int
    time_base: Fraction
    remarks: tuple[str, ...] = ()

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


_UNIFORM = re.compile(r"(?:uniform:)?(\d{1,4})")
_RATE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)fps(?::(\d{1,4}))?")


@dataclass(frozen=True)
class Sampling:
    """How frames are sampled from a clip.

    Without a rate, the clip is divided into `num_frames` segments of equal duration, and the frame
    shown at the middle of each is taken; if the clip has fewer frames, some are taken several
    times. With a rate, the frames shown at 0, 1/rate, 2/rate, ... seconds are taken; if there are
    more than `num_frames`, then `num_frames` evenly spaced ones, including the first and the last.

    Attributes:
        num_frames: Exact number of frames without a rate, maximum with one.
        rate_fps: Frames per second; None for equal segments.

    Raises:
        ConfigError: The count or the rate is not positive.

    Example:
        >>> str(Sampling.parse("12")), str(Sampling.parse("1fps"))
        ('uniform:12', '1fps:12')

    Source:
        The form with a rate follows the loader of CLIP4Clip (arXiv 2104.08860) and MSAM:
        `feature_framerate 1`, `max_frames 12`, `slice_framepos 2`. differs: times are the decoder's
        time stamps; the loader counts frames with the frame rate truncated to an integer and seeks
        to them.
    """

    num_frames: int = 12
    rate_fps: Fraction | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.num_frames < 1:
            raise ConfigError(f"sampling: expected at least 1 frame, found {self.num_frames}.")
        if self.rate_fps is not None and self.rate_fps <= 0:
            raise ConfigError(f"sampling: expected a rate above 0, found {self.rate_fps}.")

    @classmethod
    def parse(cls, text: str) -> Sampling:
        """Read a sampling from text.

        Args:
            text: "12" or "uniform:12" for equal segments; "1fps" or "1fps:12" for a rate with at
                most 12 frames.

        Returns:
            The sampling; its `str` is the long form.

        Raises:
            ConfigError: The text has none of these forms.
        """
        if uniform := _UNIFORM.fullmatch(text.strip()):
            return cls(int(uniform[1]))
        if rate := _RATE.fullmatch(text.strip()):
            return cls(int(rate[2] or cls.num_frames), Fraction(rate[1]))
        raise ConfigError(
            f"sampling: expected '12', 'uniform:12', '1fps' or '1fps:12', found {text!r}."
        )

    def __str__(self) -> str:
        """Return the long form that `parse` reads."""
        if self.rate_fps is None:
            return f"uniform:{self.num_frames}"
        return f"{float(self.rate_fps):g}fps:{self.num_frames}"

    def times(self, duration_seconds: Fraction) -> list[Fraction]:
        """Return the times to sample.

        Args:
            duration_seconds: Duration of the clip, above 0.

        Returns:
            Exact times within the clip, in seconds from its first frame, ascending.
        """
        if self.rate_fps is None:
            step = duration_seconds / (2 * self.num_frames)
            return [(2 * i + 1) * step for i in range(self.num_frames)]
        available = max(1, math.ceil(duration_seconds * self.rate_fps))
        count = min(available, self.num_frames)
        # numpy.linspace(0, available - 1, count, dtype=int) without its rounding errors.
        chosen = [i * (available - 1) // max(1, count - 1) for i in range(count)]
        return [i / self.rate_fps for i in chosen]

    def pick(self, timeline: Timeline) -> list[int]:
        """Return the indices of the frames on screen at the sampled times.

        Args:
            timeline: When each frame of the clip is shown.

        Returns:
            Indices in display order, ascending, repeated if the clip has too few frames.
        """
        return [timeline.shown_at(time) for time in self.times(timeline.duration_seconds)]
