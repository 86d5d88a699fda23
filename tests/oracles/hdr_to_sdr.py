"""HDR to SDR by the formulas of ITU-R BT.2100, BT.2390, BT.2087 and BT.1886, in floating point.

Written from the Recommendations alone, with powers where our code has tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_eotf(signal: Floats) -> Floats:
    """Display light in cd/m2."""
    power = signal ** (1 / M2)
    return 10_000 * (np.maximum(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1)


def pq_inverse(light: Floats) -> Floats:
    power = (light / 10_000) ** M1
    return ((C1 + C2 * power) / (1 + C3 * power)) ** M2


def hlg_display_light(signal: Floats) -> Floats:
    """Display light in cd/m2 on a display of 1,000 cd/m2, from ... x 3 signals."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ [0.2627, 0.6780, 0.0593]
    return 1000 * luminance[..., None] ** 0.2 * scene


def roll_off(light: Floats) -> Floats:
    """BT.2390, 5.4: from 1,000 to 203 cd/m2, black 0."""
    peak, target = pq_inverse(np.array([1000.0, 203.0]))
    e1, maximum = pq_inverse(light) / peak, target / peak
    knee = 1.5 * maximum - 0.5
    t = (e1 - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * maximum
    )
    return pq_eotf(np.where(e1 < knee, e1, spline) * peak)


def hdr_to_sdr(signal: Floats, transfer: str, *, wide_gamut: bool = True) -> Floats:
    """Convert signals in 0..1 (... x 3) to SDR signals in 0..1."""
    light = pq_eotf(signal) if transfer == "pq" else hlg_display_light(signal)
    light = np.minimum(light, 1000)
    largest = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    light = light * roll_off(largest) / largest
    if wide_gamut:
        to_bt709 = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083]]
        light = light @ np.transpose([*to_bt709, [-0.0182, -0.1006, 1.1187]])
    return np.clip(light / 203, 0, 1) ** (1 / 2.4)
