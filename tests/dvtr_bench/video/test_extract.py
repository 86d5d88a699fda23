from __future__ import annotations

import hashlib
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dvtr_bench.video import decode
from dvtr_bench.video.containers import open_container
from dvtr_bench.video.decode import ClipDecoder
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.frame_store import resize_short_side
from dvtr_bench.video.sampling import Sampling
from dvtr_bench.video.stream_reader import MAX_READ_AHEAD_BYTES, ReadAhead, read_ahead
from tests.fixtures.barcode_clips import read_number, write_clip
from tests.oracles.ffmpeg_frames import reference_frames

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

# How far the number in the first shown frame is from 0, for clips that were cut.
FIRST_NUMBERS = {"cut_open_gop.mp4": 28, "cut_hevc.mp4": 28}


@pytest.mark.parametrize(
    "name",
    [
        "cfr.mp4",
        "open_gop.mp4",
        "hevc.mp4",
        "mpeg4.avi",
        "h264.avi",
        "mpeg2.ts",
        "h264.ts",
        "h264.mkv",
        "fragmented.mp4",
        "odd_size.mov",
        "cut_open_gop.mp4",
        "cut_hevc.mp4",
    ],
)
@pytest.mark.parametrize("sampling", ["uniform:12", "uniform:5", "1fps", "4fps:6"])
def test_sampled_frames_are_the_ones_on_screen(clip_folder: Path, name: str, sampling: str) -> None:
    path = clip_folder / name
    clip = extract_frames(path, Sampling.parse(sampling))
    reference = [frame.pts_seconds for frame in reference_frames(path)]
    duration = len(reference) * Fraction(1, 25)
    expected = [
        max(index for index, start in enumerate(reference) if start <= time + Fraction(1, 10**6))
        for time in Sampling.parse(sampling).times(duration)
    ]
    first = FIRST_NUMBERS.get(name, 0)
    assert [read_number(frame) - first for frame in clip.frames] == expected
    times = [float(reference[index]) for index in expected]
    assert clip.frame_pts_seconds == pytest.approx(times, abs=1e-6)


def test_variable_rate_is_sampled_by_time(clip_folder: Path) -> None:
    clip = extract_frames(clip_folder / "vfr.mp4", Sampling(12))
    # Source frame n is shown from n / 25 s; the clip lasts 2.4 s, so segments are 0.2 s long.
    shown = [n for n in range(60) if n % 3 == 0 or n < 10 or n > 50]
    expected = [max(n for n in shown if n / 25 <= (i + 0.5) * 0.2 + 1e-9) for i in range(12)]
    assert [read_number(frame) for frame in clip.frames] == expected


def test_a_clip_of_two_frames_repeats_them(clip_folder: Path) -> None:
    clip = extract_frames(clip_folder / "two_frames.mp4", Sampling(4))
    assert [read_number(frame) for frame in clip.frames] == [0, 0, 1, 1]
    assert clip.frame_pts_seconds == pytest.approx([0, 0, 0.04, 0.04])


def test_frames_are_exactly_what_clip_preprocessing_makes(clip_folder: Path) -> None:
    path = clip_folder / "cfr.mp4"
    clip = extract_frames(path, Sampling(3))
    pictures = [frame.rgb() for frame in ClipDecoder(path)]
    for frame, index in zip(clip.frames, (10, 30, 50), strict=True):
        expected = Image.fromarray(pictures[index]).resize((373, 224), Image.Resampling.BICUBIC)
        assert np.array_equal(frame, np.asarray(expected))


def test_hashes_and_facts_come_along(clip_folder: Path) -> None:
    path = clip_folder / "turned_90.mp4"
    clip = extract_frames(path, Sampling(2))
    assert clip.clip_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert -(2**63) <= clip.perceptual_hash < 2**63
    assert clip.facts.source_num_frames == 60
    assert clip.frames[0].shape == (373, 224, 3)  # upright: coded 160 x 96, shown 96 x 160


def test_a_wrong_forecast_is_put_right(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip_folder / "cfr.mp4"
    expected = extract_frames(path, Sampling(12))

    def knowing_nothing(container: InputContainer, stream: VideoStream) -> ReadAhead:
        return replace(read_ahead(container, stream), timeline=None)

    monkeypatch.setattr(decode, "read_ahead", knowing_nothing)
    again = extract_frames(path, Sampling(12))
    assert again.frame_pts_seconds == expected.frame_pts_seconds
    assert np.array_equal(again.frames, expected.frames)


@pytest.mark.parametrize(("max_bytes", "times"), [(MAX_READ_AHEAD_BYTES, 1), (500, 2)])
def test_a_small_clip_is_opened_once_and_a_large_one_twice(
    clip_folder: Path, monkeypatch: pytest.MonkeyPatch, max_bytes: int, times: int
) -> None:
    opened = []

    def counted(path: Path) -> InputContainer:
        opened.append(path)
        return open_container(path)

    monkeypatch.setattr(decode, "open_container", counted)
    monkeypatch.setattr(decode, "read_ahead", partial(read_ahead, max_bytes=max_bytes))
    for name in ("cfr.mp4", "vfr.mp4", "h264.avi", "h264.ts", "cut_open_gop.mp4"):
        opened.clear()
        clip = extract_frames(clip_folder / name, Sampling(12))
        assert opened == [clip_folder / name] * times
        # Decoded without looking ahead, straight from the file.
        decoder = ClipDecoder(clip_folder / name)
        pictures = [frame.rgb() for frame in decoder]
        expected = Sampling(12).pick(decoder.timeline)
        assert clip.facts == decoder.facts
        assert clip.frame_pts_seconds == tuple(map(decoder.timeline.seconds, expected))
        for frame, index in zip(clip.frames, expected, strict=True):
            assert np.array_equal(frame, resize_short_side(pictures[index], 224))


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", num_frames=120, width_px=320, height_px=180)
    extract_frames(path, Sampling(1), short_side_px=32)  # what is imported late is not counted
    tracemalloc.start()
    extract_frames(path, Sampling(12), short_side_px=32)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 * 320 * 180 * 3  # of 120 frames, never more than a few at once
