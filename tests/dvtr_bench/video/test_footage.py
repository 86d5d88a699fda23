"""Unusual but healthy footage: frames, times and pictures are those that ffmpeg shows."""

from __future__ import annotations

import subprocess
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import ffmpeg
import numpy as np
import pytest
from PIL import Image

from dvtr_bench.errors import ClipError
from dvtr_bench.video.decode import ClipDecoder
from dvtr_bench.video.deinterlace import deinterlaced
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.sampling import Sampling
from tests.fixtures.barcode_clips import X264, copy_streams, read_number, write_clip
from tests.fixtures.odd_containers import add_clean_aperture, empty_theora_packets, set_pixel_crop
from tests.oracles.ffmpeg_binary import ffmpeg_binary
from tests.oracles.ffmpeg_frames import reference_frames, reference_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

GAP = "not(between(n,20,30))"
MPEG2 = {"vcodec": "mpeg2video", "q:v": 2}
KINDS: dict[str, dict[str, object]] = {
    "a.gif": {"vcodec": "gif"},
    "a.mxf": {**MPEG2, "bf": 2, "pix_fmt": "yuv422p"},
    "dji.lrf": {**X264, "format": "mp4"},
    "gap_b.avi": {**X264, "select": GAP},
    "gap_b_mpeg4.avi": {"vcodec": "mpeg4", "bf": 2, "q:v": 3, "select": GAP},
    "gap.avi": {"vcodec": "mpeg4", "q:v": 3, "select": GAP},
    "packed.avi": {"vcodec": "libxvid", "bf": 2, "q:v": 3},
    "theora.ogv": {"vcodec": "libtheora", "q:v": 8},
    "wmv2.wmv": {"vcodec": "wmv2", "q:v": 3},
    "sorenson.flv": {"vcodec": "flv", "q:v": 3},
    "gray.mp4": {"vcodec": "libx264", "pix_fmt": "gray"},
    "deep.mp4": {"vcodec": "libx264", "pix_fmt": "yuv444p10le"},
    "rgb.mkv": {"vcodec": "ffv1", "pix_fmt": "bgr0"},
    "alpha.mov": {"vcodec": "prores_ks", "profile:v": 4444, "pix_fmt": "yuva444p10le"},
    "alpha.webm": {"vcodec": "libvpx-vp9", "pix_fmt": "yuva420p", "cpu-used": 8},
    "late.mkv": {**X264, "output_ts_offset": 100},
    "slow.mp4": {**X264, "vf": "fps=1"},
}


@cache
def encoders() -> frozenset[str]:
    command = [ffmpeg_binary(), "-v", "error", "-encoders"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return frozenset(line.split()[1] for line in listed.splitlines() if len(line.split()) > 1)


def require_encoder(name: object) -> None:
    if name not in encoders():
        pytest.skip(f"the tests' ffmpeg has no encoder {name}")


def decoded(path: Path) -> tuple[ClipDecoder, list[NDArray[np.uint8]]]:
    decoder = ClipDecoder(path)
    return decoder, [frame.rgb() for frame in decoder]


def difference(pictures: list[NDArray[np.uint8]], reference: NDArray[np.uint8]) -> float:
    return float(np.abs(np.stack(pictures).astype(int) - reference).mean())


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_the_frames_and_times_of_ffmpeg(tmp_path: Path, name: str) -> None:
    require_encoder(KINDS[name]["vcodec"])
    path = write_clip(tmp_path / name, **KINDS[name])  # type: ignore[arg-type]
    decoder, pictures = decoded(path)
    expected = reference_frames(path)
    assert len(pictures) == len(expected) == decoder.facts.source_num_frames
    times = [decoder.timeline.seconds(index) for index in range(len(pictures))]
    assert times == pytest.approx([float(frame.pts_seconds) for frame in expected], abs=1e-9)
    assert difference(pictures, reference_pictures(path, 160, 96)) < 0.6


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("gap")])
def test_avi_shows_each_frame_at_its_own_time(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, **KINDS[name])  # type: ignore[arg-type]
    decoder, pictures = decoded(path)
    shown = [number for number in range(60) if not 20 <= number <= 30]
    assert [read_number(picture) for picture in pictures] == shown
    times = [decoder.timeline.seconds(index) for index in range(len(shown))]
    assert times == pytest.approx([number / 25 for number in shown])
    clip = extract_frames(path, Sampling(12))
    middles = [(i + 0.5) * 0.2 for i in range(12)]
    on_screen = [max(n for n in shown if n / 25 <= middle + 1e-9) for middle in middles]
    assert [read_number(frame) for frame in clip.frames] == on_screen
    said = ("empty slots: 11 in AVI with B-frames",) if "_b" in name else ()
    assert clip.facts.treatment == said


def test_an_empty_theora_packet_repeats_the_picture(tmp_path: Path) -> None:
    require_encoder("libtheora")
    plain = write_clip(tmp_path / "plain.ogv", vcodec="libtheora", **{"q:v": 8})
    path = empty_theora_packets(plain, tmp_path / "repeats.ogv")
    decoder, pictures = decoded(path)
    expected = reference_frames(path)
    times = [decoder.timeline.seconds(index) for index in range(len(pictures))]
    assert times == pytest.approx([float(frame.pts_seconds) for frame in expected], abs=1e-9)
    assert [read_number(picture) for picture in pictures] == list(range(60))
    # One picture stays for two slots.
    assert max(later - earlier for earlier, later in pairwise(times)) == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("aspect", "shown"), [("16:9", (171, 96)), ("1:1", (160, 160)), ("5:3", (160, 96))]
)
def test_pixels_become_square(
    clip_folder: Path, tmp_path: Path, aspect: str, shown: tuple[int, int]
) -> None:
    plain = [frame.rgb() for frame in ClipDecoder(clip_folder / "cfr.mp4")][30]
    path = copy_streams(clip_folder / "cfr.mp4", tmp_path / "wide.mp4", aspect=aspect)
    decoder, pictures = decoded(path)
    bicubic = Image.Resampling.BICUBIC
    assert np.array_equal(pictures[30], Image.fromarray(plain).resize(shown, bicubic))
    clip = extract_frames(path, Sampling(3))
    width_px, height_px = (224 * side // min(shown) for side in shown)
    stored = Image.fromarray(plain).resize((width_px, height_px), bicubic)
    assert np.array_equal(clip.frames[1], stored)
    assert (decoder.facts.source_width_px, decoder.facts.source_height_px) == (160, 96)
    assert bool(decoder.facts.treatment) == (shown != (160, 96))
    assert decoder.facts.treatment in ((), ("pixel aspect: 16:15",), ("pixel aspect: 3:5",))


def test_pixels_become_square_before_a_clip_is_turned(clip_folder: Path, tmp_path: Path) -> None:
    wide = copy_streams(clip_folder / "cfr.mp4", tmp_path / "wide.mp4", aspect="16:9")
    path = copy_streams(wide, tmp_path / "turned.mp4", display_rotation=90)
    _, pictures = decoded(path)
    assert pictures[0].shape == (171, 96, 3)
    reference = reference_pictures(path, 96, 171, "scale=96:171")
    assert difference(pictures, reference) < 1


@pytest.mark.parametrize("name", ["cfr.mp4", "h264.mkv"])
def test_the_container_crops(clip_folder: Path, tmp_path: Path, name: str) -> None:
    plain = [frame.rgb() for frame in ClipDecoder(clip_folder / name)]
    path = tmp_path / name
    # The middle 100 x 60 of 160 x 96 pixels, 10 to the right and 4 down.
    if name.endswith(".mp4"):
        add_clean_aperture(clip_folder / name, path, (100, 60), (10, 4))
    else:
        set_pixel_crop(clip_folder / name, path, left=40, top=22, right=20, bottom=14)
    decoder, pictures = decoded(path)
    for picture, whole in zip(pictures, plain, strict=True):
        assert np.array_equal(picture, whole[22:82, 40:140])
    assert decoder.facts.treatment == ("cropped: 100x60 at 40,22",)
    assert (decoder.facts.source_width_px, decoder.facts.source_height_px) == (160, 96)
    assert extract_frames(path, Sampling(1)).frames[0].shape == (224, 373, 3)


@pytest.mark.parametrize(
    ("size", "offset"), [((0, 60), (0, 0)), ((200, 60), (0, 0)), ((100, 60), (40, 0))]
)
def test_an_impossible_crop_is_ignored(
    clip_folder: Path, tmp_path: Path, size: tuple[int, int], offset: tuple[int, int]
) -> None:
    path = add_clean_aperture(clip_folder / "cfr.mp4", tmp_path / "odd.mp4", size, offset)
    decoder, pictures = decoded(path)
    assert pictures[0].shape == (96, 160, 3)
    assert decoder.facts.treatment == ()


def interlaced_clip(path: Path, num_frames: int = 20) -> Path:
    """Weave two frames of 50 a second into each one, and say so in the stream."""
    frames = write_clip(path.with_suffix(".mkv"), 2 * num_frames, fps=50, vcodec="ffv1")
    node = ffmpeg.input(str(frames)).filter("tinterlace", mode="interleave_top")
    options = {**MPEG2, "flags": "+ildct+ilme", "top": 1, "field_order": "tt"}
    options.pop("top")
    node = node.filter("setfield", "tff").output(str(path), **options)
    node.run(cmd=ffmpeg_binary(), quiet=True)
    return path


def test_interlaced_frames_are_deinterlaced_each_by_itself(tmp_path: Path) -> None:
    path = interlaced_clip(tmp_path / "tv.mpg")
    frames = list(ClipDecoder(path))
    decoder, pictures = decoded(path)
    assert decoder.facts.treatment == ("deinterlaced: bwdif",)
    expected = reference_frames(path, "bwdif=mode=send_frame")
    assert len(pictures) == len(expected) == 20
    times = [decoder.timeline.seconds(index) for index in range(20)]
    assert times == pytest.approx([index / 25 for index in range(20)])
    reference = reference_pictures(path, 160, 96, "bwdif=mode=send_frame")
    assert difference(pictures, reference) < 0.6
    combed = reference_pictures(path, 160, 96)
    assert combing(combed) > 2 * combing(np.stack(pictures))
    # Of few frames or many, at the start, in the middle and at the end: it takes three.
    assert len(frames) == 20
    middle = frames[10]
    alone = deinterlaced(middle._before, middle._frame, middle._after)
    assert (alone.width, alone.height, alone.format.name) == (160, 96, "yuv420p")


def combing(pictures: NDArray[np.uint8]) -> float:
    """Mean difference of each line of the moving half to the mean of its neighbours."""
    moving = pictures[:, 50:].astype(int)
    between = (moving[:, :-2] + moving[:, 2:]) / 2
    return float(np.abs(moving[:, 1:-1] - between).mean())


def test_a_single_interlaced_frame(tmp_path: Path) -> None:
    _, pictures = decoded(interlaced_clip(tmp_path / "one.mpg", 1))
    assert [picture.shape for picture in pictures] == [(96, 160, 3)]


def test_pictures_of_several_sizes_become_one_size(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{width}.ts", 30, width_px=width, height_px=height, **X264)  # type: ignore[arg-type]
        for width, height in ((160, 96), (240, 160))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    clip = extract_frames(path, Sampling(12))
    assert {frame.shape for frame in clip.frames} == {(224, 373, 3)}
    assert [read_number(frame) for frame in clip.frames] == [(5 * i + 2) % 30 for i in range(12)]
    assert clip.facts.treatment[0] == "sizes made one: 160x96, 240x160"
    decoder, pictures = decoded(path)
    second = [frame.rgb() for frame in ClipDecoder(parts[1])]
    expected = Image.fromarray(second[10]).resize((160, 96), Image.Resampling.BICUBIC)
    assert np.array_equal(pictures[40], expected)


def test_a_picture_that_no_image_file_can_hold_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "thin.mp4", 3, width_px=1920, height_px=4, **X264)  # type: ignore[arg-type]
    with pytest.raises(ClipError, match=r"too long and thin: .*1920 x 4 would be 107,520 x 224"):
        extract_frames(path, Sampling(2))
