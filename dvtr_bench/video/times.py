"""Times of frames whose time stamps jump, go back, repeat or are missing.

A healthy clip's times are taken as they are. Otherwise the timeline is mended in one of two ways,
and its remarks say so:

- Single jumps are bridged: the frame after the jump follows the one before it at the usual
  distance. Every step back is a jump. A gap is one if it lasts over 10 seconds and over 10 usual
  distances, and either the container is MPEG's, where FFmpeg bridges it too, or the gap would take
  up more than half of the clip.
- If the container has no clock, over a twentieth of all steps go back, or over half of the time
  stamps repeat, then frames are taken by count, at the nominal frame rate.
"""

from __future__ import annotations

import statistics
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from dvtr_bench.video.sampling import Timeline, make_timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
