"""SSIM: structural similarity of two pictures."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_C1: Final = (0.01 * 255) ** 2
_C2: Final = (0.03 * 255) ** 2
_WINDOW_PX: Final = 11
_SIGMA: Final = 1.5


def structural_similarity(first: "NDArray[np.uint8]", second: "NDArray[np.uint8]") -> float:
    """Compare two grey pictures by structural similarity.

    Args:
        first: uint8, height x width, at least 11 pixels each way.
        second: uint8, of the same shape.

    Returns:
        Mean SSIM over windows that lie inside the picture: 1 for equal pictures, around 0 for
        unrelated ones, below for inverted ones.

    Example:
        >>> import numpy as np
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
        >>> round(structural_similarity(ramp, ramp), 6)
        1.0

    Source:
        Wang et al., Image quality assessment (2004), equations 13 to 17: Gaussian window of
        11 x 11, sigma 1.5, K1 0.01, K2 0.03.
    """
    import cv2
    import numpy as np

    def blurred(picture: "NDArray[np.float32]") -> "NDArray[np.float32]":
        edge = _WINDOW_PX // 2
        blur = cv2.GaussianBlur(picture, (_WINDOW_PX, _WINDOW_PX), _SIGMA)
        return np.asarray(blur[edge:-edge, edge:-edge], dtype=np.float32)

    first_float, second_float = first.astype(np.float32), second.astype(np.float32)
    mean_one, mean_two = blurred(first_float), blurred(second_float)
    products = mean_one * mean_two
    squares = mean_one * mean_one + mean_two * mean_two
    variances = blurred(first_float * first_float) + blurred(second_float * second_float) - squares
    covariance = blurred(first_float * second_float) - products
    alike = (2 * products + _C1) * (2 * covariance + _C2)
    return float(np.mean(alike / ((squares + _C1) * (variances + _C2)), dtype=np.float64))
