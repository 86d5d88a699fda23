"""SSIM: structural similarity of two pictures."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    return _similarity(_Blurred.of(first), _Blurred.of(second))


def neighbour_similarity(pictures: "Sequence[NDArray[np.uint8]]") -> list[float]:
    """Compare each grey picture with the next.

    Args:
        pictures: Each as for `structural_similarity`.

    Returns:
        The same numbers as `structural_similarity` of each two neighbours, in three quarters of the
        time: what is blurred of one picture serves both comparisons of it.
    """
    return [_similarity(*pair) for pair in pairwise(map(_Blurred.of, pictures))]


@dataclass(frozen=True, eq=False)
class _Blurred:
    """What a comparison needs of one picture.

    Attributes:
        picture: float32, height x width.
        mean: Its mean in each window.
        square: The mean of its square in each window.
    """

    picture: "NDArray[np.float32]"
    mean: "NDArray[np.float32]"
    square: "NDArray[np.float32]"

    @classmethod
    def of(cls, picture: "NDArray[np.uint8]") -> "_Blurred":
        values = picture.astype("float32")
        return cls(values, _blur(values), _blur(values * values))


def _blur(picture: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import cv2
    import numpy as np

    edge = _WINDOW_PX // 2
    blur = cv2.GaussianBlur(picture, (_WINDOW_PX, _WINDOW_PX), _SIGMA)
    return np.asarray(blur[edge:-edge, edge:-edge], dtype=np.float32)


def _similarity(first: _Blurred, second: _Blurred) -> float:
    import numpy as np

    products = first.mean * second.mean
    squares = first.mean * first.mean + second.mean * second.mean
    variances = first.square + second.square - squares
    covariance = _blur(first.picture * second.picture) - products
    alike = (2 * products + _C1) * (2 * covariance + _C2)
    return float(np.mean(alike / ((squares + _C1) * (variances + _C2)), dtype=np.float64))
