"""The renderer's own loops beside what OpenCV and plain float arithmetic make of the same."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from builders.aerosynth import ground_pixels, pixels
from builders.aerosynth.camera import HEIGHT_PX, WIDTH_PX, CameraPlan
from builders.aerosynth.canvas import SEEN_HALF_HEIGHT, SEEN_HALF_WIDTH, TEXELS, Canvas, Ground
from builders.aerosynth.render import View, _waves

Image = npt.NDArray[np.uint8]
CAMERA = CameraPlan("rotates", (3.0, -2.0), 0.9, 0.3, 1.0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def smooth_picture(rng: np.random.Generator, channels: int) -> Image:
    """As large as a ground; smooth, so that a small shift of a place changes little."""
    canvas = Canvas(rng)
    noise = rng.uniform(0, 255, (canvas.rows, canvas.columns, channels)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 9).reshape(noise.shape), dtype=np.uint8)


def looked_at(layer: Image, matrix: npt.NDArray[np.float64]) -> Image:
    """What OpenCV's own warping sees of a layer of the ground."""
    scale, x, y = 1 / TEXELS, 0.5 / TEXELS - SEEN_HALF_WIDTH, 0.5 / TEXELS - SEEN_HALF_HEIGHT
    to_world = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])
    flat = matrix[:, [0, 1, 3]] @ to_world
    return np.asarray(cv2.warpPerspective(layer, flat, (WIDTH_PX, HEIGHT_PX)), dtype=np.uint8)


def test_the_ground_is_seen_as_a_warped_picture(rng: np.random.Generator) -> None:
    picture = smooth_picture(rng, 4)
    for time in (0.0, 1.7, 4.0):
        matrix = CAMERA.projection(time)
        frame = View(Ground(picture, None, None), 0.5).frame(picture, matrix, time)
        warped = looked_at(picture, matrix).astype(float)
        wanted = warped[:, :, :3] * (1 - 0.5 * warped[:, :, 3:] / 255)
        assert np.abs(frame - wanted).max() < 2


def test_water_alone_glitters_and_goes_on_doing_so(rng: np.random.Generator) -> None:
    picture = smooth_picture(rng, 4) // 2
    water = np.zeros(picture.shape[:2], np.uint8)
    water[:, picture.shape[1] // 2 :] = 255
    matrix = CAMERA.projection(1.0)
    dry = View(Ground(picture, None, None), 0.5).frame(picture, matrix, 1.0).astype(int)
    wet = View(Ground(picture, water, None), 0.5)
    first, later = (wet.frame(picture, matrix, time) - dry for time in (1.0, 1.5))
    on_water = looked_at(water, matrix)
    assert (first[on_water == 0] == 0).all()
    assert (first >= 0).all()
    assert 1 < first[on_water == 255].mean() < 20
    assert np.corrcoef(first[on_water == 255].ravel(), later[on_water == 255].ravel())[0, 1] < 0.5


def test_waves_have_no_seam() -> None:
    waves = _waves().astype(float) / 256
    assert abs(waves.mean()) < 0.1
    assert 0.9 < waves.std() < 1.1
    for axis in (0, 1):
        steps = np.abs(np.diff(waves, axis=axis, append=np.take(waves, [0], axis)))
        assert np.take(steps, -1, axis).mean() < 1.3 * steps.mean()


def test_colours_are_mixed_by_the_mask(rng: np.random.Generator) -> None:
    frame = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    mask = np.zeros((40, 50), np.uint8)
    mask[5:20, 8:30] = rng.integers(0, 256, (15, 22))
    share = mask[:, :, None] / 255 * (230 / 256)
    wanted = frame + (np.array([238, 244, 244]) - frame) * share
    pixels.mix(frame, mask, cv2.boundingRect(mask), np.array([238, 244, 244], np.int32), 230)
    assert np.abs(frame - wanted).max() <= 0.51


def test_pictures_cover_by_the_mask(rng: np.random.Generator) -> None:
    below, picture = rng.integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    mask = np.zeros((40, 50), np.uint8)
    mask[3:30, 0:50] = rng.integers(0, 256, (27, 50))
    wanted = below + (picture.astype(float) - below) * mask[:, :, None] / 255
    ground_pixels.cover(below, picture, mask, cv2.boundingRect(mask))
    assert np.abs(below - wanted).max() <= 0.51


def test_a_grade_is_a_table_for_each_channel(rng: np.random.Generator) -> None:
    frame = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    table = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    wanted = cv2.LUT(frame, table[None])
    pixels.grade(frame, table)
    assert np.array_equal(frame, wanted)


@pytest.mark.parametrize("shape", [(9, 9), (5, 31), (40, 60)])
def test_grids_are_stretched_as_opencv_does(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    grid, total = rng.standard_normal(shape), np.ones((120, 150), np.float32)
    ground_pixels.add_smooth(total, grid, 0.6)
    wanted = cv2.resize(grid, (150, 120), interpolation=cv2.INTER_CUBIC)
    assert np.abs(total - 1 - 0.6 * wanted).max() < 1e-5


def test_smoke_veils_in_the_order_of_its_puffs(rng: np.random.Generator) -> None:
    billow = np.dstack([np.full((8, 8), 0.5), np.full((8, 8), 0.9)])
    clear, glow = np.ones((20, 30)), np.zeros((20, 30))
    for _ in range(2):
        pixels.add_puff(clear, glow, billow, (15.0, 10.0, 6.0, 0.8))
    assert clear[10, 15] == pytest.approx(0.6 * 0.6)
    assert glow[10, 15] == pytest.approx(0.9 * (1 - 0.6 * 0.6))
    assert clear[0, 0] == 1
    frame = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    layers = [
        cv2.resize(layer, (60, 40), interpolation=cv2.INTER_LINEAR) for layer in (clear, glow)
    ]
    colour = np.array([200, 100, 250], np.int32)
    wanted = frame * layers[0][:, :, None] + layers[1][:, :, None] * colour
    pixels.draw_smoke(frame, clear, glow, colour)
    assert np.abs(frame - np.minimum(wanted, 255)).max() <= 0.51


def test_a_wavering_picture_has_its_two_colours_and_its_grain(rng: np.random.Generator) -> None:
    canvas = Canvas(rng)
    noise = canvas.noise(20)
    assert abs(noise.mean()) < 0.15
    assert 0.3 < noise.std() < 0.9
    picture = canvas.blend((100, 60, 200), (120, 60, 180), 20, grain=5).astype(float)
    assert picture.mean(axis=(0, 1)) == pytest.approx([110, 60, 190], abs=2)
    assert picture[:, :, 1].std() == pytest.approx(5, abs=0.2)
