import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracles.ffmpeg_binary import ffmpeg_binary


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    ffmpeg_binary.cache_clear()
    yield
    ffmpeg_binary.cache_clear()


def test_it_runs() -> None:
    told = subprocess.run([ffmpeg_binary(), "-version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("ffmpeg version")


def test_the_one_on_path_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(ffmpeg_binary()).parent.name == "binaries"
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: "ffmpeg")
    ffmpeg_binary.cache_clear()
    with pytest.raises(AssertionError, match="IMAGEIO_FFMPEG_EXE"):
        ffmpeg_binary()


def test_a_named_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/opt/other/ffmpeg")
    assert ffmpeg_binary() == "/opt/other/ffmpeg"
