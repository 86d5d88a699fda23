"""Still pictures as clips of one frame."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dvtr_bench.errors import ClipError
from dvtr_bench.video.still import extract_still

if TYPE_CHECKING:
    from pathlib import Path


def picture(width_px: int = 60, height_px: int = 40) -> Image.Image:
    """Return a picture that is red on the left, blue on the right and lighter at the top."""
    pixels = np.zeros((height_px, width_px, 3), dtype=np.uint8)
    pixels[:, : width_px // 2, 0] = 200
    pixels[:, width_px // 2 :, 2] = 200
    pixels[: height_px // 2] += 50
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp"])
def test_a_picture_is_one_frame(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    picture().save(path, lossless=True)  # what other formats than WebP ignore
    still = extract_still(path, short_side_px=20)
    (frame,) = still.frames
    expected = picture().resize((30, 20), Image.Resampling.BICUBIC)
    assert np.array_equal(frame, np.asarray(expected))
    assert still.frame_pts_seconds == (0.0,)
    facts = still.facts
    assert (facts.duration_seconds, facts.source_fps, facts.source_num_frames) == (0, 0, 1)
    assert (facts.source_width_px, facts.source_height_px) == (60, 40)
    assert facts.source_codec == name.partition(".")[2]
    assert still.clip_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("orientation", "degrees", "turned"),
    [
        (1, 0, lambda pixels: pixels),
        (3, 180, lambda pixels: np.rot90(pixels, 2)),
        (6, 90, lambda pixels: np.rot90(pixels, -1)),
        (8, 270, lambda pixels: np.rot90(pixels, 1)),
    ],
)
def test_pictures_are_upright(
    tmp_path: Path, orientation: int, degrees: int, turned: object
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    picture().save(path, exif=exif)
    still = extract_still(path, short_side_px=40)
    assert callable(turned)
    assert np.array_equal(still.frames[0], turned(np.asarray(picture())))
    assert still.facts.rotation_degrees == degrees


def test_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(ClipError, match=r"a\.png: there is no such clip"):
        extract_still(path)
    path.write_text("no picture")
    with pytest.raises(ClipError, match="this is no picture: expected BMP, JPEG"):
        extract_still(path)
    picture(600, 400).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ClipError, match=r"a\.png: a damaged picture"):
        extract_still(path)
    for size, told in (((12_000, 10_000), "frames of 12000 x 10000"), ((20_000, 10_000), "at mo")):
        Image.new("1", size).save(path)
        with pytest.raises(ClipError, match=f"too large: {told}"):
            extract_still(path)
