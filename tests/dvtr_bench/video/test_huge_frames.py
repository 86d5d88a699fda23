"""Frames of absurd size are refused before memory is spent on them."""

import struct
import subprocess
import sys
from pathlib import Path

import av.logging
import ffmpeg
import pytest

from dvtr_bench.errors import ClipError
from dvtr_bench.video import containers
from dvtr_bench.video import stream_reader as refused_frame
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.sampling import Sampling
from tests.oracles.ffmpeg_binary import ffmpeg_binary

SOF = b"\xff\xc0\x00\x11\x08"
"""What stands before the height and width of every JPEG picture of such a clip."""


def write_clip(path: Path, source: str) -> Path:
    clip = ffmpeg.input(source, format="lavfi")
    made = clip.output(str(path), vcodec="mjpeg", pix_fmt="yuvj420p")
    made.run(cmd=ffmpeg_binary(), quiet=True)
    return path


def write_stream(path: Path, source: str, start_seconds: int) -> Path:
    clip = ffmpeg.input(source, format="lavfi")
    settings = {"preset": "ultrafast", "pix_fmt": "yuv420p", "output_ts_offset": start_seconds}
    made = clip.output(str(path), vcodec="libx264", **settings)
    made.run(cmd=ffmpeg_binary(), quiet=True)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = write_clip(tmp_path / "clip.avi", "testsrc2=size=64x48:rate=5:duration=1")
    assert path.read_bytes().count(SOF) == 5
    return path


def enlarge(path: Path, size_px: int, *, first: int = 0, header: bool = False) -> None:
    """Have pictures claim to be square and huge, from the one with index `first` on."""
    data = bytearray(path.read_bytes())
    place, index = data.find(SOF), 0
    while place >= 0:
        if index >= first:
            struct.pack_into(">HH", data, place + len(SOF), size_px, size_px)
        place, index = data.find(SOF, place + 1), index + 1
    if header:
        struct.pack_into("<ii", data, data.index(b"strf") + 12, size_px, size_px)
        struct.pack_into("<ii", data, data.index(b"avih") + 40, size_px, size_px)
    path.write_bytes(data)


def refused(path: Path) -> str:
    with pytest.raises(ClipError) as caught:
        extract_frames(path, Sampling(2))
    return str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a process's peak of memory")
def test_a_huge_clip_that_is_whole_costs_no_memory(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "huge.avi", "color=size=10100x10100:rate=1:duration=1")
    code = (
        "import resource, sys; from pathlib import Path; from dvtr_bench.errors import ClipError\n"
        "from dvtr_bench.video.extract import extract_frames\n"
        "from dvtr_bench.video.sampling import Sampling\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: extract_frames(Path(sys.argv[1]), Sampling(2))\n"
        "except ClipError as failure: print(peak() - before, failure)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    grown_kb, _, told = done.stdout.partition(" ")
    assert "too large: frames of 10100 x 10100 pixels; at most 100,000,000 pixels" in told
    # Decoded, its one frame takes 150 MB.
    assert int(grown_kb) < 50_000


@pytest.mark.parametrize("size_px", [14_000, 20_000])
@pytest.mark.parametrize(("first", "header"), [(0, True), (0, False), (2, False)])
def test_sizes_are_told_wherever_they_stand(
    clip: Path, size_px: int, first: int, header: bool
) -> None:
    extract_frames(clip, Sampling(2))
    enlarge(clip, size_px, first=first, header=header)
    told = refused(clip)
    assert f"too large: frames of {size_px} x {size_px} pixels; at most 100,000,000" in told
    assert "damaged" not in told


def test_a_stream_that_grows_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two whole recordings in a row, as a camera writes them whose settings change.
    parts = [
        write_stream(tmp_path / f"{number}.ts", f"testsrc2=size={size}:rate=5:duration=1", number)
        for number, size in enumerate(("64x48", "640x480"))
    ]
    path = tmp_path / "grows.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert extract_frames(path, Sampling(2)).facts.source_num_frames == 10
    for module in (containers, refused_frame):
        monkeypatch.setattr(module, "MAX_FRAME_PX", 100_000)
    assert "too large: frames of 640 x 480 pixels; at most 100,000 pixels" in refused(path)


def test_damage_is_not_taken_for_size(clip: Path) -> None:
    data = clip.read_bytes()
    place = data.rindex(SOF)
    clip.write_bytes(data[:place] + bytes(len(SOF)) + data[place + len(SOF) :])
    assert "damaged after frame 4" in refused(clip)
    assert av.logging.get_level() is None
