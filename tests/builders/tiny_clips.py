"""Tiny clips, most of 64x48 pixels and one second, made through ffmpeg-python; no two alike."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import ffmpeg

from tests.oracles.ffmpeg_binary import ffmpeg_binary

SHARED = Path(__file__).parents[2].parent / "shared"
ANNOTATIONS = SHARED / "annotations"
REAL_CLIPS = SHARED / "real-clips"


@cache
def _clip_bytes(number: int) -> bytes:
    source = ffmpeg.input(
        f"testsrc2=size=64x48:rate=12:duration=1,hue=h={number * 47 % 360}", format="lavfi"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mp4"
        command = source.output(
            str(path), vcodec="libx264", preset="ultrafast", pix_fmt="yuv420p", crf=20 + number % 20
        )
        command.overwrite_output().run(cmd=ffmpeg_binary(), quiet=True)
        return path.read_bytes()


class TinyClips:
    """Writes tiny clips; clips of one number are the same file."""

    def write(self, path: Path, number: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_clip_bytes(number))
        return path

    def write_folder(self, folder: Path, names: list[str]) -> Path:
        for number, name in enumerate(names):
            self.write(folder / name, number)
        return folder

    def write_silent(self, path: Path) -> Path:
        """Write an MP4 that has sound and no frames."""
        tone = ffmpeg.input("sine=duration=1", format="lavfi")
        tone.output(str(path)).overwrite_output().run(cmd=ffmpeg_binary(), quiet=True)
        return path


def pack(path: Path, folder: Path, method: int = zipfile.ZIP_STORED) -> Path:
    """Put a folder into a zip."""
    with zipfile.ZipFile(path, "w", method) as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder))
    return path


def copy_annotations(name: str, folder: Path) -> Path:
    """Copy a dataset's real annotation files; they may be changed there."""
    shutil.copytree(ANNOTATIONS / name, folder)
    for path in [folder, *folder.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
