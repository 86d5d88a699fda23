from __future__ import annotations

from typing import TYPE_CHECKING

import ffmpeg
import numpy as np
import pytest

from dvtr_bench.video.decode import ClipDecoder
from tests.fixtures.barcode_clips import copy_streams, read_number, write_clip
from tests.oracles.ffmpeg_binary import ffmpeg_binary
from tests.oracles.ffmpeg_frames import reference_frames, reference_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from dvtr_bench.video.sampling import Timeline

CLIPS = [
    "cfr.mp4",
    "vfr.mp4",
    "open_gop.mp4",
    "hevc.mp4",
    "mpeg4.avi",
    "h264.avi",
    "mpeg2.ts",
    "h264.ts",
    "h264.mkv",
    "fragmented.mp4",
    "vp9.webm",
    "odd_size.mov",
    "cut_open_gop.mp4",
    "cut_hevc.mp4",
    "cut_open_gop.mkv",
    "turned_90.mp4",
    "turned_180.mp4",
    "turned_270.mp4",
    "two_frames.mp4",
]
TURNED = [name for name in CLIPS if name.startswith("turned")]


@pytest.mark.parametrize("name", CLIPS)
def test_frame_count_times_and_pictures_are_those_of_ffmpeg(clip_folder: Path, name: str) -> None:
    path = clip_folder / name
    decoder = ClipDecoder(path)
    pictures = [frame.rgb() for frame in decoder]
    expected = reference_frames(path)
    times = [decoder.timeline.seconds(index) for index in range(len(pictures))]
    assert times == pytest.approx([float(frame.pts_seconds) for frame in expected], abs=1e-9)
    assert decoder.facts.source_num_frames == len(pictures) == len(expected)
    height_px, width_px, _ = pictures[0].shape
    reference = reference_pictures(path, width_px, height_px)
    difference = np.abs(np.stack(pictures).astype(int) - reference.astype(int))
    assert difference.mean() < 0.5


@pytest.mark.parametrize("name", [name for name in CLIPS if name not in TURNED])
def test_every_frame_is_the_one_it_says_it_is(clip_folder: Path, name: str) -> None:
    numbers = [read_number(frame.rgb()) for frame in ClipDecoder(clip_folder / name)]
    gaps = np.diff(numbers)
    assert (gaps > 0).all()
    if name == "vfr.mp4":
        expected = [n for n in range(60) if n % 3 == 0 or n < 10 or n > 50]
        assert numbers == expected
    else:
        assert (gaps == 1).all()
        assert numbers[-1] == (1 if name == "two_frames.mp4" else 59)


@pytest.mark.parametrize(
    ("name", "counterclockwise"),
    [("turned_90.mp4", 1), ("turned_180.mp4", 2), ("turned_270.mp4", 3)],
)
def test_rotation_is_applied_and_sizes_stay_as_coded(
    clip_folder: Path, name: str, counterclockwise: int
) -> None:
    plain = [frame.rgb() for frame in ClipDecoder(clip_folder / "cfr.mp4")]
    decoder = ClipDecoder(clip_folder / name)
    turned = [frame.rgb() for frame in decoder]
    assert all(
        np.array_equal(np.rot90(before, counterclockwise), after)
        for before, after in zip(plain, turned, strict=True)
    )
    facts = decoder.facts
    assert (facts.source_width_px, facts.source_height_px) == (160, 96)
    assert facts.rotation_degrees == 360 - 90 * counterclockwise


def test_a_mirrored_clip_is_turned_back(clip_folder: Path, tmp_path: Path) -> None:
    path = copy_streams(clip_folder / "cfr.mp4", tmp_path / "mirror.mp4", display_hflip=None)
    picture = next(iter(ClipDecoder(path))).rgb()
    assert np.abs(picture.astype(int) - reference_pictures(path, 160, 96)[0]).mean() < 0.5
    plain = next(iter(ClipDecoder(clip_folder / "cfr.mp4"))).rgb()
    assert np.array_equal(picture, plain[:, ::-1])


def test_a_cover_picture_is_not_the_clip(clip_folder: Path, tmp_path: Path) -> None:
    cover = write_clip(
        tmp_path / "cover.mov", num_frames=1, width_px=400, height_px=300, vcodec="mjpeg"
    )
    both = [ffmpeg.input(str(path)).video for path in (cover, clip_folder / "cfr.mp4")]
    path = tmp_path / "both.mp4"
    node = ffmpeg.output(*both, str(path), c="copy", **{"disposition:v:0": "attached_pic"})
    node.run(cmd=ffmpeg_binary(), quiet=True)
    decoder = ClipDecoder(path)
    assert len([frame for frame in decoder]) == 60
    assert decoder.facts.source_width_px == 160


def test_facts_are_counted(clip_folder: Path) -> None:
    decoder = ClipDecoder(clip_folder / "cfr.mp4")
    for _ in decoder:
        pass
    facts = decoder.facts
    assert facts.duration_seconds == pytest.approx(2.4)
    assert facts.source_fps == pytest.approx(25)
    assert facts.source_codec == "h264"
    assert facts.colour == "bt601 (assumed), limited range (assumed)"


def test_a_cut_counts_only_what_is_shown(clip_folder: Path) -> None:
    # The copy starts at a key frame before the cut; the edit list hides what lies between.
    path = clip_folder / "cut_open_gop.mp4"
    first = next(iter(ClipDecoder(path)))
    assert read_number(first.rgb()) == 28  # the first frame from 1.1 s on, at 25 frames a second


def test_facts_are_not_known_before_the_end(clip_folder: Path) -> None:
    decoder = ClipDecoder(clip_folder / "cfr.mp4")
    next(iter(decoder))
    with pytest.raises(RuntimeError, match="to its end"):
        _ = decoder.facts


def test_threads_change_nothing(clip_folder: Path) -> None:
    one, four = (
        [frame.rgb() for frame in ClipDecoder(clip_folder / "cfr.mp4", threads)]
        for threads in (1, 4)
    )
    assert np.array_equal(one, four)


def test_packets_predict_the_timeline(clip_folder: Path) -> None:
    for name in ("cfr.mp4", "vfr.mp4", "h264.avi", "h264.ts", "cut_open_gop.mp4"):
        predicted: list[Timeline | None] = []
        decoder = ClipDecoder(clip_folder / name, on_predicted_timeline=predicted.append)
        for _ in decoder:
            pass
        assert predicted == [decoder.timeline], name


def test_real_clips_have_the_times_of_ffmpeg(real_clips: Path) -> None:
    for path in sorted(real_clips.iterdir())[::20]:
        decoder = ClipDecoder(path)
        count = sum(1 for _ in decoder)
        times = [decoder.timeline.seconds(index) for index in range(count)]
        expected = [float(frame.pts_seconds) for frame in reference_frames(path)]
        assert times == pytest.approx(expected, abs=1e-9), path.name
