"""Times of a clip's frames: sampling by time, never by index, and mending of broken time stamps."""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


JUMP_SECONDS: Final = 10
"""FFmpeg's `dts_delta_threshold`."""

_JUMP_FACTOR: Final = 10
_FEW: Final = Fraction(1, 20)
_MOST: Final = Fraction(1, 2)
_USUAL_RATES: Final = (Fraction(1), Fraction(480))
_ASSUMED_RATE: Final = Fraction(25)


def mended_timeline(
    ticks: Sequence[int],
    last_duration: int,
    time_base: Fraction,
    rates: Iterable[Fraction | None],
    *,
    is_mpeg: bool = False,
    lacks_clock: bool = False,
) -> Timeline:
    """Build a timeline from time stamps as they come.

    Args:
        ticks: Time stamps in the order in which frames are shown, at least one.
        last_duration: Duration of the last frame, in ticks; 0 if unknown.
        time_base: Duration of a tick in seconds.
        rates: What the stream says of its frame rate, the best first.
        is_mpeg: Whether the container is an MPEG stream, whose clock may be set anew.
        lacks_clock: Whether the container has no clock, so that ticks mean nothing.

    Returns:
        The timeline, with remarks on what was mended.

    Example:
        >>> line = mended_timeline([0, 0, 0], 1, Fraction(1, 1000), [Fraction(30)])
        >>> line.seconds(2), line.remarks
        (0.06666666666666667, ('times by count: 2 of 3 repeat; 30 frames a second',))
    """
    rates = list(rates)
    gaps = [later - earlier for earlier, later in pairwise(ticks)]
    num_back = sum(gap < 0 for gap in gaps)
    num_repeated = len(ticks) - len(set(ticks))
    if lacks_clock:
        return _by_count(len(ticks), rates, "the container has 0 ticks a second")
    if num_back > max(1, int(_FEW * len(gaps))):
        return _by_count(len(ticks), rates, f"{num_back:,} of {len(ticks):,} go back")
    if num_repeated > _MOST * len(ticks):
        return _by_count(len(ticks), rates, f"{num_repeated:,} of {len(ticks):,} repeat")
    remarks: list[str] = []
    if num_repeated > _FEW * len(ticks) and not num_back:
        remarks.append(f"times repeated: {num_repeated:,} of {len(ticks):,}")
    jumps = _jumps(gaps, time_base, is_mpeg)
    if jumps:
        usual = _usual(gaps)
        mended = [usual if index in jumps else gap for index, gap in enumerate(gaps)]
        ticks = list(accumulate(mended, initial=0))
        first = min(jumps)
        more = f" and {len(jumps) - 1} more" if len(jumps) > 1 else ""
        seconds = float(gaps[first] * time_base)
        remarks.append(f"times bridged: {seconds:+,.3f} s after frame {first + 1:,}{more}")
    timeline = make_timeline(list(ticks), last_duration, time_base, next(iter(rates), None))
    return Timeline(timeline.starts, timeline.end, timeline.time_base, tuple(remarks))


def _jumps(gaps: Sequence[int], time_base: Fraction, is_mpeg: bool) -> set[int]:
    """Return the indices of the gaps to bridge."""
    back = {index for index, gap in enumerate(gaps) if gap < 0}
    if not gaps or max(gaps) * time_base <= JUMP_SECONDS:
        return back
    usual, whole = _usual(gaps), sum(gap for gap in gaps if gap > 0)
    return back | {
        index
        for index, gap in enumerate(gaps)
        if gap * time_base > JUMP_SECONDS
        and gap > _JUMP_FACTOR * usual
        and (is_mpeg or 2 * gap > whole)
    }


def _usual(gaps: Sequence[int]) -> int:
    forward = [gap for gap in gaps if gap > 0]
    return statistics.median_low(forward) if forward else 1


def _by_count(num_frames: int, rates: Iterable[Fraction | None], why: str) -> Timeline:
    low, high = _USUAL_RATES
    rate = next((rate for rate in rates if rate and low <= rate <= high), None)
    spoken = f"{float(rate or _ASSUMED_RATE):g} frames a second{'' if rate else ' assumed'}"
    remark = f"times by count: {why}; {spoken}"
    return Timeline(tuple(range(num_frames)), num_frames, 1 / (rate or _ASSUMED_RATE), (remark,))
