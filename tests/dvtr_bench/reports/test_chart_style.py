"""The look of charts: colours that can be told apart, sizes, settings that leave no trace."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.errors import ConfigError
from dvtr_bench.reports.chart import Chart
from dvtr_bench.reports.chart_data import NamedValues
from dvtr_bench.reports.chart_style import (
    COLOURS,
    IN_THE_DARK,
    PAPER,
    chart_settings,
    width_inches,
)

SEEN_BY = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "no green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""Linear RGB as colour-blind readers see it: Machado, Oliveira and Fernandes (2009), severity 1."""


def linear(colour: str) -> np.ndarray:
    part = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", SEEN_BY)
@pytest.mark.parametrize("page", ["light", "dark"])
def test_colours_are_told_apart(eyes: str, page: str) -> None:
    colours = list(COLOURS.values())
    if page == "dark":
        colours = [IN_THE_DARK[colour] for colour in colours]
    seen = [lab(SEEN_BY[eyes] @ linear(colour)) for colour in colours]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    # About 2.3 is just noticeable.
    assert nearest > 15


def test_colours_stand_out_from_the_page() -> None:
    def brightness(colour: str) -> float:
        return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))

    for colour in COLOURS.values():
        for mark, page in ((colour, PAPER), (IN_THE_DARK[colour], IN_THE_DARK[PAPER])):
            light, dark = sorted((brightness(mark), brightness(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize(
    ("size", "inches"), [("column", 3.3), ("page", 6.9), ("84mm", 84 / 25.4), ("8 cm", 8 / 2.54)]
)
def test_a_size_is_a_width(size: str, inches: float, tmp_path: Path) -> None:
    assert width_inches(size) == pytest.approx(inches)
    chart = Chart("dots", NamedValues("t", ["a"], {"x": [1.0]}))
    assert chart.figure(size).get_figwidth() == pytest.approx(inches)


@pytest.mark.parametrize("size", ["wide", "84", "mm", "3mm", "900cm"])
def test_another_size_is_refused(size: str) -> None:
    with pytest.raises(ConfigError, match=r"expected|85mm"):
        width_inches(size)


def test_what_a_reader_has_set_is_left_and_changes_nothing() -> None:
    import matplotlib

    before = matplotlib.rcParams["font.size"]
    chart = Chart("dots", NamedValues("t", ["a"], {"x": [1.0]}))
    first = chart.to_svg()
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert chart.to_svg() == first
        assert matplotlib.rcParams["font.size"] == 30
    with chart_settings():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert matplotlib.rcParams["font.size"] == before
