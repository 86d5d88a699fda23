"""What is written decodes to the frames that went in, and says how it is to be read."""

import hashlib
import subprocess
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from dvtr_bench.errors import BuildError, NotFoundError
from dvtr_bench.video import mp4_writer
from dvtr_bench.video.mp4_writer import encoder_name, write_mp4
from tests.oracles.ffmpeg_binary import ffmpeg_binary

Frames = list[npt.NDArray[np.uint8]]


@pytest.fixture
def frames() -> Frames:
    """Colours that wander slowly: what an encoder loses of them is little."""
    y, x = np.mgrid[:48, :64]
    return [
        np.dstack([x * 3 + number, y * 4, 200 - x - 2 * number]).astype(np.uint8)
        for number in range(12)
    ]


def test_frames_come_back_at_their_times(frames: Frames, tmp_path: Path) -> None:
    write_mp4(frames, tmp_path / "clip.mp4", 5)
    with av.open(str(tmp_path / "clip.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "h264"
        decoded = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in file.decode()]
    assert [time for time, _ in decoded] == pytest.approx([number / 5 for number in range(12)])
    for (_, got), wanted in zip(decoded, frames, strict=True):
        assert np.abs(got.astype(int) - wanted).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_ffmpeg_reads_the_colours_from_the_file(frames: Frames, tmp_path: Path) -> None:
    write_mp4(frames, tmp_path / "clip.mp4", 5)
    command = [ffmpeg_binary(), "-hide_banner", "-i", str(tmp_path / "clip.mp4")]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "yuv420p(tv, smpte170m" in told
    assert "64x48" in told
    assert "5 fps" in told


def test_equal_frames_give_equal_bytes(frames: Frames, tmp_path: Path) -> None:
    digests = set()
    for name in ("one.mp4", "two.mp4"):
        write_mp4(iter(frames), tmp_path / name, 5)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("instructions", ["0", "sse2"])
def test_x264_writes_the_same_with_any_instructions(
    instructions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = encoder_name()
    encoder_name.cache_clear()
    parameters = f"{mp4_writer._OPTIONS['x264-params']}:asm={instructions}"
    monkeypatch.setitem(mp4_writer._OPTIONS, "x264-params", parameters)
    try:
        assert encoder_name() == name
    finally:
        encoder_name.cache_clear()


def test_an_encoder_that_writes_otherwise_has_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = encoder_name()
    encoder_name.cache_clear()
    monkeypatch.setitem(mp4_writer._OPTIONS, "crf", "25")
    try:
        assert encoder_name() != name
    finally:
        encoder_name.cache_clear()


def test_what_cannot_be_written_leaves_nothing(frames: Frames, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    (tmp_path / "clip.mp4" / "full").touch()
    for path in (tmp_path / "clip.mp4", tmp_path / "nowhere" / "clip.mp4"):
        with pytest.raises(BuildError, match=r"clip\.mp4 cannot be written: .*Check"):
            write_mp4(frames, path, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_pyav_without_the_encoder_is_refused(
    frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp4_writer, "_CODEC", "libx999")
    with pytest.raises(NotFoundError, match=r"has no libx999.*pip install"):
        write_mp4(frames, tmp_path / "clip.mp4", 5)
