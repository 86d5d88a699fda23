"""Parts of a clip: frames of the same part cut out without loss, from one pass over the file."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from dvtr_bench.errors import ClipError
from dvtr_bench.video import decode
from dvtr_bench.video.extract import ExtractedSegment, extract_frames, extract_segments
from dvtr_bench.video.sampling import Sampling, Timeline
from dvtr_bench.video.stream_reader import ReadAhead, StreamReader, read_ahead
from dvtr_bench.video.windows import Window
from tests.fixtures.barcode_clips import copy_streams, read_number, write_clip
from tests.oracles.ffmpeg_frames import reference_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    Frames = tuple[NDArray[np.uint8], ...]

EVERY_FRAME_A_KEY = {"vcodec": "libx264", "pix_fmt": "yuv420p", "preset": "ultrafast", "g": 1}


def cut(
    path: Path, *windows: tuple[float, float | None], sampling: str = "12"
) -> list[ExtractedSegment[Frames]]:
    """Extract windows that are all there."""
    found = extract_segments(
        path,
        [Window.between(*window) for window in windows],
        Sampling.parse(sampling),
        tuple,
        short_side_px=48,
    )
    segments = [segment for segment in found if isinstance(segment, ExtractedSegment)]
    assert len(segments) == len(windows)
    return segments


def numbers(segment: ExtractedSegment[Frames]) -> list[int]:
    return [read_number(frame) for frame in segment.packed]


@pytest.mark.parametrize("sampling", ["uniform:12", "uniform:5", "5fps", "25fps:40"])
def test_a_part_is_what_it_is_as_a_file_of_its_own(tmp_path: Path, sampling: str) -> None:
    path = write_clip(tmp_path / "long.mp4", num_frames=100, **EVERY_FRAME_A_KEY)
    windows = [(0.0, 1.0), (1.2, 2.0), (0.84, 3.6), (2.4, 4.0), (3.96, 4.0)]
    for window, segment in zip(windows, cut(path, *windows, sampling=sampling), strict=True):
        start, end = window
        file = copy_streams(
            path, tmp_path / f"{start}.mp4", start_seconds=start, t=round(end - start, 2)
        )
        expected = extract_frames(file, Sampling.parse(sampling), short_side_px=48)
        assert read_number(expected.frames[0]) >= round(start * 25)
        assert np.array_equal(segment.packed, expected.frames)
        assert segment.frame_pts_seconds == expected.frame_pts_seconds
        assert segment.facts == expected.facts
        assert segment.perceptual_hash == expected.perceptual_hash
        assert segment.clip_sha256 != expected.clip_sha256


@pytest.mark.parametrize(
    "name", ["cfr.mp4", "open_gop.mp4", "hevc.mp4", "h264.avi", "mpeg2.ts", "vp9.webm", "vfr.mp4"]
)
def test_frames_are_those_on_screen_in_the_part(clip_folder: Path, name: str) -> None:
    path = clip_folder / name
    starts = [frame.pts_seconds for frame in reference_frames(path)]
    shown = [read_number(frame) for frame in extract_all(path)]
    (segment,) = cut(path, (0.5, 1.75), sampling="uniform:9")
    # Middles of nine equal parts of the 1.25 s from half a second on.
    times = [Fraction(1, 2) + Fraction(5, 4) * (2 * i + 1) / 18 for i in range(9)]
    rounding = Fraction(1, 1000) if name.endswith(".webm") else Fraction(1, 10**6)
    places = [max(i for i, start in enumerate(starts) if start <= t + rounding) for t in times]
    assert numbers(segment) == [shown[place] for place in places]
    expected = [max(0.0, float(starts[place]) - 0.5) for place in places]
    assert segment.frame_pts_seconds == pytest.approx(expected, abs=1e-6)
    assert segment.facts.duration_seconds == pytest.approx(1.25)


def extract_all(path: Path) -> Iterator[NDArray[np.uint8]]:
    return (frame.rgb() for frame in decode.ClipDecoder(path))


def test_the_frame_already_on_screen_is_the_first_of_a_part(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "slow.mp4", num_frames=20, fps=5)
    (segment,) = cut(path, (1.1, 1.9), sampling="5fps")
    # Frames are shown from 1.0, 1.2, ... s; taken at 1.1, 1.3, 1.5 and 1.7 s.
    assert numbers(segment) == [5, 6, 7, 8]
    assert segment.frame_pts_seconds == pytest.approx([0, 0.1, 0.3, 0.5])
    assert (segment.facts.source_num_frames, segment.facts.duration_seconds) == (5, 0.8)


def test_a_part_that_ends_after_its_file_ends_with_it(clip_folder: Path) -> None:
    path = clip_folder / "cfr.mp4"  # 2.4 s
    late, open_ended = cut(path, (2.0, 30.0), (2.0, None), sampling="25fps:40")
    assert numbers(late) == numbers(open_ended) == list(range(50, 60))
    assert late.facts.duration_seconds == pytest.approx(0.4)


def counted_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the frames that are decoded."""
    decoded = [0]
    frames = StreamReader.frames

    def counting(reader: StreamReader) -> Iterator[VideoFrame]:
        for frame in frames(reader):
            decoded[0] += 1
            yield frame

    monkeypatch.setattr(StreamReader, "frames", counting)
    return decoded


def test_a_file_is_decoded_once_for_all_its_parts(
    clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = counted_frames(monkeypatch)
    windows = [(start / 10, start / 10 + 0.6) for start in range(17)]
    segments = cut(clip_folder / "cfr.mp4", *reversed(windows))
    assert decoded == [57]  # up to 2.2 s, where the last part ends
    assert [numbers(segment)[0] // 2 for segment in segments] == [
        int((start + 0.025) * 25) // 2 for start, _ in reversed(windows)
    ]


def test_a_wrong_forecast_is_put_right(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip_folder / "cfr.mp4"
    windows = [(0.0, 1.0), (0.2, None)]
    expected = cut(path, *windows)

    def misled(container: InputContainer, stream: VideoStream) -> ReadAhead:
        ahead = read_ahead(container, stream)
        assert ahead.timeline is not None
        half = Timeline(ahead.timeline.starts, ahead.timeline.end, ahead.timeline.time_base / 2)
        return replace(ahead, timeline=half)

    decoded = counted_frames(monkeypatch)
    monkeypatch.setattr(decode, "read_ahead", misled)
    again = cut(path, *windows)
    assert decoded == [120]
    for segment, right in zip(again, expected, strict=True):
        assert segment.frame_pts_seconds == right.frame_pts_seconds
        assert np.array_equal(segment.packed, right.packed)


def test_frames_are_packed_as_soon_as_a_part_is_complete(clip_folder: Path) -> None:
    lengths: list[int] = []

    def pack(frames: Sequence[NDArray[np.uint8]]) -> int:
        lengths.append(len(frames))
        return read_number(frames[0])

    windows = [Window.between(1.0, 2.0), Window.between(0, 0.5), Window.between(0.2, 2.4)]
    found = extract_segments(clip_folder / "cfr.mp4", windows, Sampling(3), pack)
    assert lengths == [3, 3, 3]
    assert [part.packed for part in found if isinstance(part, ExtractedSegment)] == [29, 2, 14]


def test_a_part_after_the_end_costs_itself_alone(clip_folder: Path) -> None:
    windows = [Window.between(0, 1), Window.between(2.4, 5), Window.between(1, 2)]
    first, second, third = extract_segments(
        clip_folder / "cfr.mp4", windows, Sampling(3), len, short_side_px=48
    )
    assert isinstance(second, ClipError)
    assert "starts at 2.4 seconds, where the clip has ended: it is 2.4 seconds long" in str(second)
    assert isinstance(first, ExtractedSegment)
    assert isinstance(third, ExtractedSegment)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (5.0, 5.0, "a segment from 5 to 5 seconds: expected an end after the start, but it is em"),
        (5.0, 2.0, "from 5 to 2 seconds: expected an end after the start, but they are reversed"),
        (-1.0, 2.0, "from -1 to 2 seconds: expected a start of 0 or later"),
        (float("nan"), 2.0, "from nan to 2 seconds: expected two times"),
        (1.0, float("inf"), "from 1 to inf seconds: expected two times"),
    ],
)
def test_times_that_make_no_part(start: float, end: float, told: str) -> None:
    with pytest.raises(ClipError, match=told):
        Window.between(start, end)


def test_decoding_ends_with_the_last_part(
    clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = [(0.2, 0.8), (0.1, 1.0)]
    decoded = counted_frames(monkeypatch)
    for name in "cfr.mp4 open_gop.mp4 hevc.mp4 mpeg2.ts vp9.webm vfr.mp4".split():
        path = clip_folder / name
        whole = cut(path, *windows, (0.0, None))[:2]  # the third lasts until the clip's end
        every, decoded[0] = decoded[0], 0
        parts = cut(path, *windows)
        # The frame at the end of the last part, and the one behind it that the decoder gives first.
        starts = [float(frame.pts_seconds) for frame in reference_frames(path)]
        needed = sum(start < 1 - 1e-3 for start in starts)
        assert needed < decoded[0] <= needed + 2 < every, name
        decoded[0] = 0
        assert_equal(parts, whole)


def test_all_is_decoded_where_packets_do_not_tell_the_times(
    clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = counted_frames(monkeypatch)
    cut(clip_folder / "h264.avi", (0.2, 0.8))
    assert decoded == [60]


def assert_equal(
    parts: Sequence[ExtractedSegment[Frames]], others: Sequence[ExtractedSegment[Frames]]
) -> None:
    for part, other in zip(parts, others, strict=True):
        assert replace(part, packed=()) == replace(other, packed=())
        assert np.array_equal(part.packed, other.packed)


def damaged(path: Path, folder: Path) -> Path:
    """Copy a clip whose later packets hold noise, each of its length."""
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(video=0) if one.size]
    data = bytearray(path.read_bytes())
    for packet in packets[-8:]:
        assert packet.pos is not None
        noise = np.random.default_rng(0).integers(0, 256, packet.size - 8, np.uint8).tobytes()
        data[packet.pos + 8 : packet.pos + packet.size] = noise
    copied = folder / path.name
    copied.write_bytes(data)
    return copied


def test_damage_costs_the_parts_that_reach_it(clip_folder: Path, tmp_path: Path) -> None:
    path = damaged(clip_folder / "cfr.mp4", tmp_path)
    windows = [Window.between(0.2, 0.8), Window.between(0.5, 2.4), Window.between(0.1, 1.0)]
    apart = [extract_segments(path, [one], Sampling(3), tuple)[0] for one in windows]
    together = extract_segments(path, windows, Sampling(3), tuple)
    for found in (apart, together):
        assert [isinstance(one, ClipError) for one in found] == [False, True, False]
        assert "damaged after frame" in str(found[1])
    whole = extract_segments(clip_folder / "cfr.mp4", windows, Sampling(3), tuple)
    sha = together[0].clip_sha256 if isinstance(together[0], ExtractedSegment) else ""
    for number in (0, 2):
        right, one, other = whole[number], apart[number], together[number]
        assert isinstance(right, ExtractedSegment)
        assert isinstance(one, ExtractedSegment)
        assert isinstance(other, ExtractedSegment)
        assert_equal([one, other], [replace(right, clip_sha256=sha)] * 2)
    with pytest.raises(ClipError, match="damaged after frame"):
        extract_frames(path, Sampling(3))


def test_what_follows_a_part_says_nothing_of_it(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "a.ts", num_frames=25, **EVERY_FRAME_A_KEY)
    later = {"width_px": 192, "height_px": 128, "output_ts_offset": 1, **EVERY_FRAME_A_KEY}
    large = write_clip(tmp_path / "b.ts", num_frames=25, **later)
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    first, last = cut(both, (0.0, 0.5), (0.0, None))
    assert first.facts.treatment == ()
    assert last.facts.treatment[0].startswith("sizes made one: ")
    assert_equal(cut(both, (0.0, 0.5)), [first])
