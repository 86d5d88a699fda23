import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from baselines.encoder.preprocessing import FITS, clip_pixels, stack_videos, trained_fit
from dvtr_bench.errors import InputError
from dvtr_bench.video.model_view import INTERPOLATIONS, chosen_frames, seen_part
from tests.fixtures.small_clip import random_videos, small_encoder

SIZES = [(224, 398), (224, 224), (398, 224), (225, 301), (300, 533), (100, 177), (224, 225)]


@pytest.mark.parametrize("image_size", [224, 96])
@pytest.mark.parametrize("size", SIZES)
def test_gives_the_bytes_of_open_clips_own_transform(size, image_size) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    transform = image_transform(image_size, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    expected = (transform(Image.fromarray(frame)) * 255).round().to(torch.uint8)
    assert torch.equal(torch.from_numpy(clip_pixels(frame, image_size)), expected)


@pytest.mark.parametrize("size", [*SIZES, (9, 640), (33, 32), (61, 7)])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("mode", FITS)
def test_other_fits_give_the_bytes_of_open_clips_own_transform(mode, interpolation, size) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    transform = image_transform(
        64,
        is_train=False,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        resize_mode=mode,
        interpolation=interpolation,
    )
    expected = (transform(Image.fromarray(frame)) * 255).round().to(torch.uint8).int()
    found = torch.from_numpy(clip_pixels(frame, 64, FITS[mode], interpolation)).int()
    # Pillow 13 resizes some upright pictures along their columns first: see the next test.
    assert (found - expected).abs().max() <= (2 if size[0] > size[1] else 0)


def resized_by_pillow(picture, width, height, interpolation):
    """Along the rows first, as Pillow 12 does with every picture."""
    by = Image.Resampling[interpolation.upper()]
    return picture.resize((width, picture.height), by).resize((width, height), by)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(360, 640), (640, 360), (224, 224), (97, 64)])
def test_squashes_and_letterboxes_as_pillow_does(size, interpolation) -> None:
    height, width = size
    frame = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    picture = Image.fromarray(frame)
    squashed = np.asarray(resized_by_pillow(picture, 96, 96, interpolation))
    found = clip_pixels(frame, 96, "squash", interpolation).transpose(1, 2, 0)
    assert np.array_equal(found, squashed)
    ratio = max(size) / 96
    sides = round(width / ratio), round(height / ratio)
    small = resized_by_pillow(picture, *sides, interpolation)
    square = Image.new("RGB", (96, 96))
    square.paste(small, ((96 - small.width) // 2, (96 - small.height) // 2))
    boxed = clip_pixels(frame, 96, "letterbox", interpolation).transpose(1, 2, 0)
    assert np.array_equal(boxed, np.asarray(square))


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


def test_frames_are_chosen_and_ordered_as_clip4clip_does() -> None:
    frames = [np.full((32, 40, 3), value, dtype=np.uint8) for value in range(9)]

    def given(choice="uniform", order="forward", count=9):
        pixels, mask = stack_videos([frames[:count]], 32, 5, choice=choice, order=order)
        return pixels[0, mask[0], 0, 0, 0].tolist()

    assert given("head") == [0, 1, 2, 3, 4]
    assert given("tail") == [4, 5, 6, 7, 8]
    assert given("uniform", "reverse") == [8, 6, 4, 2, 0]
    assert given("tail", "reverse") == [8, 7, 6, 5, 4]
    for choice in ("uniform", "head", "tail"):
        assert given(choice, count=3) == [0, 1, 2]
        shuffled = given(choice, "random")
        assert sorted(shuffled) == given(choice) != shuffled


def test_a_random_order_is_that_of_the_clip_in_every_batch() -> None:
    videos = random_videos(20, num_frames=6)
    together, _ = stack_videos(videos, 32, 6, order="random")
    orders = set()
    for row, video in enumerate(videos):
        alone, _ = stack_videos([video], 32, 6, order="random")
        assert torch.equal(alone[0], together[row])
        orders.add(tuple(chosen_frames(video, 6, order="random")))
    assert len(orders) > 15


def test_a_video_without_frames_is_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        stack_videos([[]], 32, 4)


@pytest.mark.parametrize(
    "frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((3, 8, 8))]
)
def test_other_frames_are_refused(frame) -> None:
    with pytest.raises(InputError, match="uint8, height x width x 3"):
        clip_pixels(frame, 8)


def test_weights_were_trained_with_what_open_clip_records() -> None:
    assert trained_fit("ViT-B-32/openai") == trained_fit("tiny") == "center_crop"
    assert trained_fit("ViT-B-32/laion2b_s34b_b79k") == "center_crop"
    assert trained_fit("ViT-L-14-CLIPA/datacomp1b") == "squash"
    assert trained_fit("ViT-B-32/some/file.pt") == trained_fit("no-such/weights") == "center_crop"


@pytest.mark.parametrize("fit", ["center_crop", "squash", "letterbox"])
@pytest.mark.parametrize("size", SIZES)
def test_says_which_part_of_a_frame_is_kept(size, fit) -> None:
    height, width = size
    rows = np.broadcast_to(np.linspace(0, 255, height)[:, None], size)
    columns = np.broadcast_to(np.linspace(0, 255, width), size)
    frame = np.stack([rows, columns, rows], axis=-1).astype(np.uint8)
    kept = clip_pixels(frame, 64, fit).astype(float)
    left, top, right, bottom = seen_part(height, width, 64, fit)
    places = (np.arange(64) + 0.5) / 64
    for column, first, last in ((kept[0, :, 32], top, bottom), (kept[1, 32], left, right)):
        shown = first + places * (last - first)
        inside = (shown > 0) & (shown < 1)
        np.testing.assert_allclose(column[inside], 255 * shown[inside], atol=5)
        assert not column[~inside].any()
        assert inside.all() or fit == "letterbox"
