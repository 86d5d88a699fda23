"""Conversion of HDR pictures (PQ, HLG) to the SDR pictures that image models know.

Each step is a published one:

1. RGB signal of 12 bits to linear light: PQ's EOTF, or HLG's inverse OETF and its OOTF for a
   display of 1,000 cd/m2 (system gamma 1.2). Both are BT.2100-2, tables 4 and 5. Light above
   1,000 cd/m2 is clipped.
2. Tone curve: the EETF of BT.2390-11, section 5.4, from 1,000 to 203 cd/m2 with a black of 0. 203
   cd/m2 is the diffuse white of HDR (BT.2408) and becomes the white of SDR. The curve leaves light
   below 93 cd/m2 as it is and rolls the rest off without a kink, which is why it was preferred to
   Hable's: that one darkens everything. It is applied to the largest of R, G and B, and the other
   two are scaled along, so that hues stay.
3. BT.2020 primaries to BT.709 (BT.2087-0); what lies outside is clipped.
4. Signal of 8 bits for a display of gamma 2.4 (BT.1886), as SDR footage has it.

Tables are computed with decimal arithmetic, and pixels with additions, multiplications and square
roots only, which IEEE 754 defines to the last bit: every CPU gives the same bytes.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from dvtr_bench.runtime.cpu import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIGNAL_BITS: Final = 12
SOURCE_PEAK_NITS: Final = 1000
SDR_WHITE_NITS: Final = 203

_STEPS: Final = 4096
"""Steps of the tables over light; their grid is even in its fourth root, since dark light matters
as much as bright light."""

_BT2020_TO_BT709: Final = np.array(
    [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ]
)
"""BT.2087-0, as printed there."""


def tone_map(
    red: NDArray[np.uint16],
    green: NDArray[np.uint16],
    blue: NDArray[np.uint16],
    transfer: str,
    *,
    wide_gamut: bool = True,
) -> NDArray[np.uint8]:
    """Convert an HDR picture to SDR.

    Args:
        red: Signal of 12 bits, full range, height x width.
        green: As `red`.
        blue: As `red`.
        transfer: ``pq`` or ``hlg``.
        wide_gamut: Whether the primaries are BT.2020's; otherwise they are BT.709's already.

    Returns:
        uint8, height x width x 3, RGB, BT.709.

    Example:
        >>> white = np.full((1, 1), 4095, np.uint16)
        >>> tone_map(white, white, white, "hlg").tolist()
        [[[255, 255, 255]]]
    """
    light = _light_of_signal(transfer)
    ootf = _hlg_ootf() if transfer == "hlg" else np.ones(_STEPS)
    matrix = _BT2020_TO_BT709 if wide_gamut else np.eye(3)
    picture = np.empty((*red.shape, 3), dtype=np.uint8)
    _map_pixels(red, green, blue, light, ootf, _tone_gain(), matrix, _sdr_steps(), picture)
    return picture


@compiled
def _map_pixels(
    red: NDArray[np.uint16],
    green: NDArray[np.uint16],
    blue: NDArray[np.uint16],
    light: NDArray[np.float64],
    ootf: NDArray[np.float64],
    gain: NDArray[np.float64],
    matrix: NDArray[np.float64],
    steps: NDArray[np.float64],
    picture: NDArray[np.uint8],
) -> None:
    """Convert each pixel; light is in units of the source's peak."""
    top = len(light) - 1
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            r = light[min(red[row, column], top)]
            g = light[min(green[row, column], top)]
            b = light[min(blue[row, column], top)]
            scale = _look_up(ootf, 0.2627 * r + 0.678 * g + 0.0593 * b)
            scale *= _look_up(gain, max(r, g, b) * scale)
            r, g, b = r * scale, g * scale, b * scale
            for channel in range(3):
                value = matrix[channel, 0] * r + matrix[channel, 1] * g + matrix[channel, 2] * b
                low, high = 0, len(steps)
                while low < high:
                    middle = (low + high) // 2
                    if value >= steps[middle]:
                        low = middle + 1
                    else:
                        high = middle
                picture[row, column, channel] = low


@compiled
def _look_up(table: NDArray[np.float64], light: float) -> float:
    """Interpolate a table whose grid is even in the fourth root of light in 0..1."""
    last = len(table) - 1
    position = np.sqrt(np.sqrt(min(light, 1.0))) * last
    index = min(int(position), last - 1)
    share = position - index
    return float(table[index] * (1.0 - share) + table[index + 1] * share)


_EXACT: Final = Context(prec=20)


@cache
def _light_of_signal(transfer: str) -> NDArray[np.float64]:
    """Light of each signal: of the display for PQ, of the scene for HLG; the peak is 1."""
    top = (1 << SIGNAL_BITS) - 1
    with localcontext(_EXACT):
        eotf = _pq_eotf if transfer == "pq" else _hlg_inverse_oetf
        return np.array([float(min(eotf(Decimal(k) / top), Decimal(1))) for k in range(top + 1)])


@cache
def _hlg_ootf() -> NDArray[np.float64]:
    """Factor of display light to scene light, by the luminance of the scene."""
    return _table(lambda light: light ** (_HLG_GAMMA - 1) if light else Decimal(0))


@cache
def _tone_gain() -> NDArray[np.float64]:
    """Factor of SDR light to HDR light, by the largest component."""
    return _table(lambda light: _eetf(light) / light if light else Decimal(1))


@cache
def _sdr_steps() -> NDArray[np.float64]:
    """The light, in units of the source's peak, at which each next 8-bit signal begins."""
    with localcontext(_EXACT):
        white = Decimal(SDR_WHITE_NITS) / SOURCE_PEAK_NITS
        halves = [(2 * k + 1) / Decimal(510) for k in range(255)]
        return np.array([float(white * half ** Decimal("2.4")) for half in halves])


def _table(function: Callable[[Decimal], Decimal]) -> NDArray[np.float64]:
    with localcontext(_EXACT):
        grid = [(Decimal(k) / (_STEPS - 1)) ** 4 for k in range(_STEPS)]
        return np.array([float(function(light)) for light in grid])


_HLG_GAMMA = Decimal("1.2")
_HLG_A, _HLG_B, _HLG_C = Decimal("0.17883277"), Decimal("0.28466892"), Decimal("0.55991073")


def _hlg_inverse_oetf(signal: Decimal) -> Decimal:
    if signal <= Decimal("0.5"):
        return signal * signal / 3
    return (((signal - _HLG_C) / _HLG_A).exp() + _HLG_B) / 12


_PQ_M1, _PQ_M2 = Decimal(2610) / 16384, Decimal(2523) / 32
_PQ_C1, _PQ_C2, _PQ_C3 = Decimal(3424) / 4096, Decimal(2413) / 128, Decimal(2392) / 128
_PQ_PEAK_NITS = 10_000


def _pq_eotf(signal: Decimal) -> Decimal:
    """Return light in units of the source's peak."""
    if not signal:
        return Decimal(0)
    power = signal ** (1 / _PQ_M2)
    light = (max(power - _PQ_C1, Decimal(0)) / (_PQ_C2 - _PQ_C3 * power)) ** (1 / _PQ_M1)
    return light * _PQ_PEAK_NITS / SOURCE_PEAK_NITS


def _pq_inverse_eotf(light: Decimal) -> Decimal:
    """Return the signal of light in units of the source's peak."""
    power = (light * SOURCE_PEAK_NITS / _PQ_PEAK_NITS) ** _PQ_M1
    return Decimal(((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2)


def _eetf(light: Decimal) -> Decimal:
    """Return the tone-mapped light, both in units of the source's peak."""
    peak = _pq_inverse_eotf(Decimal(1))
    target = _pq_inverse_eotf(Decimal(SDR_WHITE_NITS) / SOURCE_PEAK_NITS) / peak
    knee = Decimal("1.5") * target - Decimal("0.5")
    signal = _pq_inverse_eotf(light) / peak
    if signal <= knee:
        return light
    t = (signal - knee) / (1 - knee)
    squared, cubed = t * t, t * t * t
    rolled = (
        (2 * cubed - 3 * squared + 1) * knee
        + (cubed - 2 * squared + t) * (1 - knee)
        + (3 * squared - 2 * cubed) * target
    )
    return _pq_eotf(rolled * peak)
