import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from baselines.encoder.preprocessing import clip_pixels, seen_part, stack_videos
from dvtr_bench.errors import InputError
from tests.fixtures.small_clip import small_encoder

SIZES = [(224, 398), (224, 224), (398, 224), (225, 301), (300, 533), (100, 177), (224, 225)]


@pytest.mark.parametrize("image_size", [224, 96])
@pytest.mark.parametrize("size", SIZES)
def test_gives_the_bytes_of_open_clips_own_transform(size, image_size) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    transform = image_transform(image_size, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    expected = (transform(Image.fromarray(frame)) * 255).round().to(torch.uint8)
    assert torch.equal(torch.from_numpy(clip_pixels(frame, image_size)), expected)


def test_normalises_as_open_clip_does() -> None:
    encoder = small_encoder()
    frame = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    expected = image_transform(32, is_train=False)(Image.fromarray(frame))
    found = encoder._normalise(torch.from_numpy(clip_pixels(frame, 32)))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_short_videos_are_filled_up_and_long_ones_thinned_evenly() -> None:
    frames = [np.full((32, 40, 3), value, dtype=np.uint8) for value in range(9)]
    pixels, mask = stack_videos([frames[:2], frames], 32, 5)
    assert mask.tolist() == [[True, True, False, False, False], [True] * 5]
    assert pixels.shape == (2, 5, 3, 32, 32)
    assert pixels[:, :, 0, 0, 0].tolist() == [[0, 1, 0, 0, 0], [0, 2, 4, 6, 8]]


def test_a_video_without_frames_is_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        stack_videos([[]], 32, 4)


@pytest.mark.parametrize(
    "frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((3, 8, 8))]
)
def test_other_frames_are_refused(frame) -> None:
    with pytest.raises(InputError, match="uint8, height x width x 3"):
        clip_pixels(frame, 8)


@pytest.mark.parametrize("size", SIZES)
def test_says_which_part_of_a_frame_is_kept(size) -> None:
    height, width = size
    rows = np.broadcast_to(np.linspace(0, 255, height)[:, None], size)
    columns = np.broadcast_to(np.linspace(0, 255, width), size)
    frame = np.stack([rows, columns, rows], axis=-1).astype(np.uint8)
    kept = clip_pixels(frame, 64).astype(float)
    left, top, right, bottom = seen_part(height, width, 64)
    places = (np.arange(64) + 0.5) / 64
    np.testing.assert_allclose(kept[0, :, 32], 255 * (top + places * (bottom - top)), atol=4)
    np.testing.assert_allclose(kept[1, 32], 255 * (left + places * (right - left)), atol=4)
