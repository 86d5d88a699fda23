from itertools import pairwise

import cv2
import numpy as np
import pytest

from builders.checks.audit.subject import (
    neighbour_similarity,
    structural_similarity,
)
from tests.builders.checks.audit.made_up import landscape
from tests.oracles.image_similarity import ssim


@pytest.mark.parametrize("noise", [0, 2, 20, 90])
def test_it_is_the_published_formula(noise) -> None:
    rng = np.random.default_rng(noise)
    first = cv2.cvtColor(landscape(1), cv2.COLOR_RGB2GRAY)
    second = np.clip(first + rng.normal(0, noise, first.shape), 0, 255).astype(np.uint8)
    expected = ssim(first / 255.0, second / 255.0)
    assert structural_similarity(first, second) == pytest.approx(expected, abs=2e-4)


def test_different_pictures_have_little_in_common() -> None:
    first, second = (cv2.cvtColor(landscape(seed), cv2.COLOR_RGB2GRAY) for seed in (1, 2))
    assert structural_similarity(first, second) < 0.5
    assert structural_similarity(first, 255 - first) < 0


def test_neighbours_are_compared_as_any_two_pictures() -> None:
    pictures = list(np.random.default_rng(3).integers(0, 256, (5, 40, 56), dtype=np.uint8))
    expected = [structural_similarity(*pair) for pair in pairwise(pictures)]
    assert neighbour_similarity(pictures) == expected  # to the last bit
    assert neighbour_similarity(pictures[:1]) == neighbour_similarity([]) == []
