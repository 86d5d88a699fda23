"""PSNR and SSIM by their definitions, for pictures in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_C1, _C2 = 0.01**2, 0.03**2


def psnr_db(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Peak signal-to-noise ratio in decibels; infinite for equal pictures."""
    error = float(np.mean((first - second) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(1 / error))


def ssim(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Structural similarity of Wang et al. (2004), equations 13 to 17.

    11 x 11 Gaussian window of sigma 1.5, only where it lies inside the picture; mean over the
    colour channels.
    """

    def blur(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)[5:-5, 5:-5]

    mean_1, mean_2 = blur(first), blur(second)
    variance_1 = blur(first * first) - mean_1 * mean_1
    variance_2 = blur(second * second) - mean_2 * mean_2
    covariance = blur(first * second) - mean_1 * mean_2
    alike = (2 * mean_1 * mean_2 + _C1) * (2 * covariance + _C2)
    scale = (mean_1**2 + mean_2**2 + _C1) * (variance_1 + variance_2 + _C2)
    return float(np.mean(alike / scale))
