from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.barcode_clips import X264, copy_streams, write_clip

REAL_CLIPS = Path(__file__).parents[3].parent / "shared" / "real-clips" / "clips"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder with a clip of every kind that the decoder has to get right."""
    folder = tmp_path_factory.mktemp("clips")
    plain = write_clip(folder / "cfr.mp4")
    write_clip(folder / "vfr.mp4", select="not(mod(n,3))+lt(n,10)+gt(n,50)", **X264)
    open_gop = write_clip(
        folder / "open_gop.mp4", **{**X264, "x264-params": "open-gop=1:scenecut=0"}
    )
    hevc = write_clip(
        folder / "hevc.mp4",
        vcodec="libx265",
        preset="veryfast",
        pix_fmt="yuv420p",
        **{"x265-params": "log-level=none:open-gop=1:keyint=20:bframes=3"},
    )
    write_clip(folder / "mpeg4.avi", vcodec="mpeg4", bf=2, **{"q:v": 3})
    copy_streams(plain, folder / "h264.avi")
    write_clip(folder / "mpeg2.ts", vcodec="mpeg2video", bf=2, **{"q:v": 3})
    copy_streams(plain, folder / "h264.ts")
    copy_streams(plain, folder / "h264.mkv")
    copy_streams(plain, folder / "fragmented.mp4", movflags="frag_keyframe+empty_moov")
    write_clip(folder / "vp9.webm", vcodec="libvpx-vp9", **{"cpu-used": 8, "deadline": "realtime"})
    write_clip(
        folder / "odd_size.mov", width_px=161, height_px=97, vcodec="mjpeg", pix_fmt="yuvj444p"
    )
    copy_streams(open_gop, folder / "cut_open_gop.mp4", start_seconds=1.1)
    copy_streams(hevc, folder / "cut_hevc.mp4", start_seconds=1.1)
    copy_streams(open_gop, folder / "cut_open_gop.mkv", start_seconds=1.1)
    for degrees in (90, 180, 270):
        copy_streams(plain, folder / f"turned_{degrees}.mp4", display_rotation=degrees)
    write_clip(folder / "two_frames.mp4", num_frames=2)
    return folder


@pytest.fixture
def real_clips() -> Path:
    """The folder of real footage, where the checkout has it beside it."""
    if not REAL_CLIPS.is_dir():
        pytest.skip("no shared/real-clips beside this checkout")
    return REAL_CLIPS
