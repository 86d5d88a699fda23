import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvtr_bench.errors import NotFoundError
from dvtr_bench.video.ffmpeg_binary import ffmpeg_binary


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    ffmpeg_binary.cache_clear()
    yield
    ffmpeg_binary.cache_clear()


def test_it_runs() -> None:
    told = subprocess.run([ffmpeg_binary(), "-version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("ffmpeg version")


def test_the_one_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg_binary() == str(program)


def test_without_any_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none_here)
    with pytest.raises(NotFoundError, match="Install ffmpeg"):
        ffmpeg_binary()
