"""Time stamps that jump, go back, repeat or say nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.sampling import Sampling, mended_timeline
from tests.fixtures.barcode_clips import copy_streams, read_number, write_clip

if TYPE_CHECKING:
    from pathlib import Path

    from dvtr_bench.video.sampling import Timeline

MS = Fraction(1, 1000)
EVERY_FIFTH = [5 * i + 2 for i in range(12)]  # of 60 frames, those at the middles of 12 parts


def mended(ticks: list[int], rate: int | None = 25, **flags: bool) -> Timeline:
    return mended_timeline(ticks, 40, MS, [Fraction(rate) if rate else None], **flags)


def test_healthy_times_are_taken_as_they_are() -> None:
    for ticks in ([0], [5, 45, 85], [0, 40, 40, 80, *range(120, 2000, 40)], [0, 20_000, 40_000]):
        line = mended(ticks)
        assert line.starts == tuple(tick - ticks[0] for tick in ticks)
        assert line.remarks == ()


@pytest.mark.parametrize(
    ("ticks", "rate", "seconds", "remark"),
    [
        ([0] * 4, 50, 0.02, "times by count: 3 of 4 repeat; 50 frames a second"),
        ([0] * 4, None, 0.04, "times by count: 3 of 4 repeat; 25 frames a second assumed"),
        # No camera films 1,250 frames a second of all zeros.
        ([0] * 4, 1250, 0.04, "times by count: 3 of 4 repeat; 25 frames a second assumed"),
        ([0, 80, 40, 120, 200, 160], 25, 0.04, "times by count: 2 of 6 go back; 25 frames a"),
    ],
)
def test_useless_times_give_way_to_the_count(
    ticks: list[int], rate: int | None, seconds: float, remark: str
) -> None:
    line = mended(ticks, rate)
    assert [line.seconds(i) for i in range(len(ticks))] == pytest.approx(
        [seconds * i for i in range(len(ticks))]
    )
    assert float(line.duration_seconds) == pytest.approx(seconds * len(ticks))
    assert len(line.remarks) == 1
    assert line.remarks[0].startswith(remark)


@pytest.mark.parametrize(
    ("gap", "is_mpeg", "bridged"),
    [
        (-5_000, False, True),
        (26 * 3_600_000, False, True),  # more than half of the clip
        (9_000, False, False),
        (11_000, False, True),
        (11_000, True, True),
    ],
)
def test_single_jumps_are_bridged(gap: int, is_mpeg: bool, bridged: bool) -> None:
    ticks = [40 * i + (gap - 40) * (i >= 30) for i in range(60)]
    line = mended(ticks, is_mpeg=is_mpeg)
    expected = range(0, 60 * 40, 40) if bridged else ticks
    assert line.starts == tuple(expected)
    words = (f"times bridged: {gap / 1000:+,.3f} s after frame 30",) if bridged else ()
    assert line.remarks == words


def test_a_long_still_picture_in_a_long_clip_is_no_jump() -> None:
    ticks = [40 * i + 20_000 * (i >= 500) for i in range(1000)]
    assert mended(ticks).remarks == ()
    assert mended(ticks, is_mpeg=True).remarks == ("times bridged: +20.040 s after frame 500",)


def test_many_repeats_are_said() -> None:
    ticks = [80 * (i // 2) for i in range(8)] + [40 * i for i in range(8, 20)]
    line = mended(ticks)
    assert line.starts == tuple(ticks)
    assert line.remarks == ("times repeated: 4 of 20",)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ("ts=0", "times by count: 59 of 60 repeat; 25 frames a second"),
        ("ts='TS+gte(N,30)*3600/TB'", "times bridged: +3,600.040 s after frame 30"),
    ],
)
def test_a_clip_with_such_times_is_sampled_over_all_its_frames(
    tmp_path: Path, times: str, said: str
) -> None:
    plain = write_clip(tmp_path / "plain.mkv", vcodec="mjpeg", pix_fmt="yuvj420p")
    path = copy_streams(plain, tmp_path / "odd.mkv", **{"bsf:v": f"setts={times}"})
    clip = extract_frames(path, Sampling(12))
    assert [read_number(frame) for frame in clip.frames] == EVERY_FIFTH
    assert clip.facts.duration_seconds == pytest.approx(2.4, abs=0.01)
    assert clip.facts.source_fps == pytest.approx(25, abs=0.1)
    assert len(clip.facts.treatment) == 1
    assert clip.facts.treatment[0].startswith(said)


def test_a_stream_with_its_clock_set_back_is_bridged(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "first.ts", 30, vcodec="mpeg2video", **{"q:v": 2})
    path = tmp_path / "twice.ts"
    path.write_bytes(2 * first.read_bytes())
    clip = extract_frames(path, Sampling(12))
    assert [read_number(frame) for frame in clip.frames] == [n % 30 for n in EVERY_FIFTH]
    assert clip.facts.source_num_frames == 60
    assert clip.facts.duration_seconds == pytest.approx(2.4)
    assert clip.facts.treatment == ("times bridged: -1.160 s after frame 30",)


def test_a_clock_of_zero_ticks_a_second_is_no_clock(clip_folder: Path, tmp_path: Path) -> None:
    data = bytearray((clip_folder / "cfr.mp4").read_bytes())
    place = data.index(b"mdhd") + 4 + 12  # version and flags, two times
    assert int.from_bytes(data[place : place + 4]) > 0
    data[place : place + 4] = bytes(4)
    path = tmp_path / "no_clock.mp4"
    path.write_bytes(data)
    clip = extract_frames(path, Sampling(12))
    assert [read_number(frame) for frame in clip.frames] == EVERY_FIFTH
    assert clip.facts.duration_seconds == pytest.approx(2.4)
    assert np.allclose(np.diff(clip.frame_pts_seconds), 0.2)
    assert clip.facts.treatment[0].startswith("times by count: the container has 0 ticks a second")
