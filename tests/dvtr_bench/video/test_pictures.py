"""Colour, orientation, resizing, encoding and hashing of single pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from PIL import Image
from torchvision.transforms import InterpolationMode, Resize

from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.video.frame_store import (
    FrameFormat,
    decode_frame,
    encode_frame,
    resize,
    resize_short_side,
)
from dvtr_bench.video.model_view import INTERPOLATIONS, Interpolation
from dvtr_bench.video.perceptual_hash import hamming_distance, perceptual_hash
from dvtr_bench.video.shown_picture import Orientation, frame_colour, to_rgb

# Red and blue weights of luma, from ITU-R BT.709, BT.601 and BT.2020.
LUMA = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114), "bt2020": (0.2627, 0.0593)}
RNG = np.random.default_rng(0)


def flat_frame(
    yuv: tuple[int, int, int], width_px: int, height_px: int, matrix_tag: int, range_tag: int
) -> av.VideoFrame:
    frame = av.VideoFrame(width_px, height_px, "yuv420p")
    for plane, value in zip(frame.planes, yuv, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = matrix_tag, range_tag
    return frame


def textbook_rgb(yuv: tuple[int, int, int], matrix: str, full_range: bool) -> list[float]:
    red, blue = LUMA[matrix]
    luma_scale, chroma_scale, black = (255, 255, 0) if full_range else (219, 224, 16)
    y, pb, pr = (
        (yuv[0] - black) / luma_scale,
        (yuv[1] - 128) / chroma_scale,
        (yuv[2] - 128) / chroma_scale,
    )
    r, b = y + 2 * (1 - red) * pr, y + 2 * (1 - blue) * pb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return [min(255.0, max(0.0, 255 * value)) for value in (r, g, b)]


@pytest.mark.parametrize(
    ("size", "matrix_tag", "range_tag", "matrix", "words"),
    [
        ((64, 48), 1, 1, "bt709", "bt709 (tagged), limited range (tagged)"),
        ((64, 48), 1, 2, "bt709", "bt709 (tagged), full range (tagged)"),
        ((64, 48), 5, 0, "bt601", "bt601 (tagged), limited range (assumed)"),
        ((64, 48), 6, 1, "bt601", "bt601 (tagged), limited range (tagged)"),
        ((64, 48), 9, 1, "bt2020", "bt2020 (tagged), limited range (tagged)"),
        ((64, 48), 2, 0, "bt601", "bt601 (assumed), limited range (assumed)"),
        ((1280, 720), 2, 0, "bt709", "bt709 (assumed), limited range (assumed)"),
        ((1280, 720), 6, 0, "bt601", "bt601 (tagged), limited range (assumed)"),
    ],
)
@pytest.mark.parametrize("yuv", [(81, 90, 240), (145, 54, 34), (41, 240, 110), (120, 100, 150)])
def test_colours_follow_the_standards(
    size: tuple[int, int],
    matrix_tag: int,
    range_tag: int,
    matrix: str,
    words: str,
    yuv: tuple[int, int, int],
) -> None:
    frame = flat_frame(yuv, *size, matrix_tag, range_tag)
    rgb = to_rgb(frame, VideoReformatter())
    assert rgb.shape == (size[1], size[0], 3)
    expected = textbook_rgb(yuv, matrix, range_tag == 2)
    assert rgb[5, 5].tolist() == pytest.approx(expected, abs=1)
    assert str(frame_colour(frame)) == words


def test_rgb_needs_no_matrix() -> None:
    assert str(frame_colour(av.VideoFrame(8, 8, "gbrp"))) == "rgb"


def test_rows_that_are_padded_in_memory_come_without_the_padding() -> None:
    frame = flat_frame((120, 90, 200), 62, 46, 5, 1)
    assert frame.planes[0].line_size > 62
    rgb = to_rgb(frame, VideoReformatter())
    assert rgb.shape == (46, 62, 3)
    assert (rgb == rgb[0, 0]).all()


def test_white_of_five_bits_is_white() -> None:
    frame = av.VideoFrame(16, 16, "rgb555le")
    frame.planes[0].update(b"\xff\x7f" * (frame.planes[0].buffer_size // 2))
    assert (to_rgb(frame, VideoReformatter()) == 255).all()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_orientation_agrees_with_pillow(degrees: int, mirrored: bool) -> None:
    picture = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    expected = Image.fromarray(picture)
    if mirrored:
        expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    expected = expected.rotate(-degrees, expand=True)
    assert np.array_equal(Orientation(degrees, mirrored).apply(picture), np.asarray(expected))


FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def resized_by_pillow(
    picture: np.ndarray, width_px: int, height_px: int, interpolation: Interpolation
) -> np.ndarray:
    """Resize rows first: left to itself, Pillow 13 takes columns first in some tall pictures."""
    by = FILTERS[interpolation]
    rows = Image.fromarray(picture).resize((width_px, len(picture)), by)
    return np.asarray(rows.resize((width_px, height_px), by))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(640, 360), (356, 640), (161, 97), (224, 224), (1001, 225)])
def test_resize_is_that_of_clip_bit_for_bit(
    size: tuple[int, int], interpolation: Interpolation
) -> None:
    picture = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    once = resize_short_side(picture, 224, interpolation)
    transform = Resize(224, InterpolationMode(interpolation))
    assert np.array_equal(once, np.asarray(transform(Image.fromarray(picture))))
    assert np.array_equal(once, np.asarray(transform(Image.fromarray(once))))  # and stays so


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_resize_is_that_of_pillow_at_any_size(interpolation: Interpolation) -> None:
    for _ in range(200):
        given, wanted = RNG.integers(1, 400, 2), RNG.integers(1, 400, 2)
        picture = RNG.integers(0, 256, (*given, 3), dtype=np.uint8)
        if RNG.random() < 0.5:
            picture = np.where(picture < 128, np.uint8(0), np.uint8(255))  # sums overshoot
        width_px, height_px = wanted.tolist()
        expected = resized_by_pillow(picture, width_px, height_px, interpolation)
        sizes = f"{given} to {wanted}"
        assert np.array_equal(resize(picture, width_px, height_px, interpolation), expected), sizes


def test_a_turned_picture_is_resized_as_a_copy_of_it() -> None:
    picture = RNG.integers(0, 256, (90, 160, 3), dtype=np.uint8)
    turned = np.rot90(picture)
    before = turned.copy()
    assert np.array_equal(resize_short_side(turned, 40), resize_short_side(before, 40))
    assert np.array_equal(turned, before)


def test_a_tall_picture_is_hashed_rows_first() -> None:
    stripes = np.zeros((800, 30, 3), dtype=np.uint8)
    stripes[::7, ::3] = 255
    narrow = Image.fromarray(stripes).resize((32, 800), Image.Resampling.BOX)
    assert perceptual_hash([stripes]) == perceptual_hash([np.asarray(narrow)])


def test_png_keeps_every_bit() -> None:
    picture = RNG.integers(0, 256, (31, 45, 3), dtype=np.uint8)
    data = encode_frame(picture, FrameFormat("png"))
    assert np.array_equal(decode_frame(data), picture)


@pytest.mark.parametrize("chroma", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_has_the_chroma_and_channel_order_asked_for(chroma: str) -> None:
    import io

    from PIL import JpegImagePlugin

    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (48, 1)), np.full((48, 64), 40), np.full((48, 64), 200)], -1)
    data = encode_frame(picture.astype(np.uint8), FrameFormat("jpeg", 94, chroma))  # type: ignore[arg-type]
    image = Image.open(io.BytesIO(data))
    sampling = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}[JpegImagePlugin.get_sampling(image)]
    assert sampling == chroma
    # Stock `datasets` decodes with Pillow: it must see what we see.
    assert np.array_equal(np.asarray(image), decode_frame(data))
    assert np.abs(decode_frame(data).astype(int) - picture).mean() < 2


def test_encoding_is_deterministic() -> None:
    picture = RNG.integers(0, 256, (224, 398, 3), dtype=np.uint8)
    assert encode_frame(picture, FrameFormat()) == encode_frame(picture.copy(), FrameFormat())


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_bytes_that_are_no_picture(data: bytes) -> None:
    with pytest.raises(InputError, match="stored frame"):
        decode_frame(data)


@pytest.mark.parametrize(
    "options",
    [{"kind": "webp"}, {"jpeg_quality": 0}, {"jpeg_quality": 101}, {"jpeg_chroma": "4:1:1"}],
)
def test_frame_format_checks_itself(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        FrameFormat(**options)  # type: ignore[arg-type]


def scene(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((398, 224), Image.Resampling.BICUBIC))


def test_hash_survives_compression_and_size_and_tells_scenes_apart() -> None:
    frames = [scene(1), scene(2)]
    first = perceptual_hash(frames)
    squeezed = [decode_frame(encode_frame(frame, FrameFormat("jpeg", 30))) for frame in frames]
    smaller = [resize_short_side(frame, 120) for frame in frames]
    assert hamming_distance(first, perceptual_hash(squeezed)) <= 6
    assert hamming_distance(first, perceptual_hash(smaller)) <= 6
    others = [hamming_distance(first, perceptual_hash([scene(seed)])) for seed in range(10, 30)]
    assert min(others) > 12
    assert 26 < np.mean(others) < 38


def test_hamming_distance_counts_bits_of_signed_numbers() -> None:
    assert hamming_distance(-1, 0) == 64
    assert hamming_distance(-(2**63), 1) == 2
    assert hamming_distance(5, 5) == 0
