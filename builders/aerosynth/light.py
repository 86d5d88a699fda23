"""Times of day: colour grading and depth of shadows."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Light:
    """The look of a time of day.

    Attributes:
        gain: Factors of red, green and blue.
        gamma: Exponent of all channels; above 1, mid tones are darker.
        shadow: Share of the light that a shadow removes, 0 to 1.
        words: Phrases for captions.
    """

    gain: tuple[float, float, float]
    gamma: float
    shadow: float
    words: tuple[str, ...]


LIGHTS: dict[str, Light] = {
    "noon": Light((1.03, 1.03, 1.0), 0.94, 0.52, ("at noon", "in bright sunlight")),
    "morning": Light((1.07, 0.99, 0.86), 1.0, 0.46, ("in the morning", "in morning light")),
    "cloudy": Light((0.92, 0.96, 1.0), 1.0, 0.14, ("in cloudy weather", "under clouds")),
    "dusk": Light((0.85, 0.73, 0.79), 1.06, 0.3, ("at dusk", "in the dusk")),
}
"""Times of day by their names in the ground truth."""


@lru_cache(maxsize=8)
def grade_table(name: str) -> npt.NDArray[np.uint8]:
    """Return the look-up table for grading a frame.

    Args:
        name: A key of ``LIGHTS``.

    Returns:
        uint8 (256, 3): the new value of each value of red, green and blue.
    """
    light = LIGHTS[name]
    ramp = np.linspace(0.0, 1.0, 256) ** light.gamma
    table = np.stack([ramp * gain for gain in light.gain], axis=1)
    return np.asarray(np.clip(np.round(table * 255), 0, 255).astype(np.uint8))
