"""Which part of a picture is seen, against a count of pixels."""

import numpy as np
import pytest

from dvtr_bench.video.model_view import seen_part, seen_share, seen_text


@pytest.mark.parametrize("size", [(224, 398), (398, 224), (224, 224), (97, 640)])
def test_the_share_is_that_of_the_pixels_inside_the_square(size) -> None:
    height, width = size
    for fit in ("center_crop", "squash", "letterbox"):
        left, top, right, bottom = seen_part(height, width, 224, fit)
        x = (np.arange(2000) + 0.5) / 2000
        inside = ((x > left) & (x < right)).mean() * ((x > top) & (x < bottom)).mean()
        assert seen_share((left, top, right, bottom)) == pytest.approx(inside, abs=2e-3)
        if fit == "center_crop":
            assert inside == pytest.approx(min(size) / max(size), abs=4e-3)
        else:
            assert inside == 1.0


def test_the_text_names_a_range_for_frames_of_several_sizes() -> None:
    assert seen_text([0.5628, 0.5604], "center_crop") == (
        "the middle 56% of each frame (center_crop)"
    )
    assert seen_text([0.75, 0.5625], "center_crop").startswith("the middle 56% to 75% of")
    assert seen_text([1.0], "center_crop").startswith("all of each frame")
    assert "squash" in seen_text([1.0], "squash")
    assert "letterbox" in seen_text([1.0], "letterbox")
