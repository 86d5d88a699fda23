"""What every file of dvtr_bench/reports/charts must keep to."""

import re
from types import ModuleType
from xml.etree import ElementTree

import pytest

from dvtr_bench.catalog import CHARTS
from dvtr_bench.errors import ConfigError, InputError, NotFoundError
from dvtr_bench.reports.chart_data import ChartData, Distribution, NamedValues, Series
from dvtr_bench.reports.drawing import draw_chart, svg_file_text

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;\x1b[31m"

WHOLE: dict[type, ChartData] = {
    NamedValues: NamedValues(
        EVIL,
        [EVIL, "b"],
        {"train": [3, 0], EVIL: [1.0, 2.5]},
        {EVIL: [(0.5, 1.5), (2.5, 2.5)]},
    ),
    Distribution: Distribution(
        EVIL, EVIL, [0.0, 0.5, 1.0], {EVIL: [25.0, 75.0], "none": [0.0, 0.0]}
    ),
    Series: Series(EVIL, EVIL, EVIL, {EVIL: [(1, -2.5), (5, 60.0)], "b": [(2, 10.0)]}),
}
BARE: dict[type, list[ChartData]] = {
    NamedValues: [NamedValues("none", ["a"], {"x": [0], "y": [0.0]})],
    Distribution: [
        Distribution("none", "words", [0.0, 1.0], {"x": [0.0]}),
        Distribution("none", "words", [-0.5, 0.5], {}),
    ],
    Series: [
        Series("none", "k", "percent", {}),
        Series("none", "k", "percent", {"x": [], "y": [(1, 0.0)]}),
    ],
}


@pytest.fixture(params=CHARTS.names())
def chart(request: pytest.FixtureRequest) -> tuple[str, ModuleType]:
    return request.param, CHARTS.load(request.param)


def test_it_draws_what_it_takes(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    drawn = draw_chart(name, WHOLE[module.TAKES])
    root = ElementTree.fromstring(drawn)
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    numbers = re.findall(r' (?:x|y|width|height|cx|cy|x1|x2|y1|y2)="([-0-9.e]+)"', drawn)
    assert numbers
    assert all(-1 <= float(number) <= max(width, height) for number in numbers)


def test_what_others_wrote_stays_text(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    drawn = draw_chart(name, WHOLE[module.TAKES])
    assert "\x1b" not in drawn
    tags = {element.tag for element in ElementTree.fromstring(drawn).iter()}
    assert not tags & {"script", "img", "foreignObject", "a", "style"}
    assert "&lt;script&gt;" in drawn


def test_it_can_do_with_next_to_nothing(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    for data in BARE[module.TAKES]:
        assert draw_chart(name, data).startswith("<svg")


def test_it_is_a_file_of_its_own_too(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    keys = WHOLE[module.TAKES].keys
    root = ElementTree.fromstring(svg_file_text(name, WHOLE[module.TAKES]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    style = root[0].text or ""
    told = [element.text for element in root if element.tag.endswith("text")]
    assert [text[:8] for text in told if text] == ["<script>", *(k[:8] for k in keys)]
    assert "var(" not in style
    assert ".f0 { fill: #1a66c2; }" in style


def test_it_refuses_data_of_another_kind(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    other = next(data for kind, data in WHOLE.items() if kind is not module.TAKES)
    with pytest.raises(ConfigError, match=f"the chart {name} draws {module.TAKES.__name__}"):
        draw_chart(name, other)


def test_bars_are_as_long_as_their_values() -> None:
    data = NamedValues("", ["a", "b", "c"], {"x": [1, 2, 4]})
    widths = [
        float(one) for one in re.findall(r'width="([0-9.]+)" height', draw_chart("bars", data))
    ]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 2, 4], rel=2e-3)
    assert 300 < max(widths) < 360


def test_dots_stand_within_their_intervals() -> None:
    data = NamedValues("", ["a"], {"x": [30.0]}, {"x": [(25.0, 40.0)]})
    drawn = draw_chart("dots", data)
    start, end = map(float, re.findall(r'x1="([0-9.]+)" x2="([0-9.]+)"[^>]*class="l0"', drawn)[0])
    (dot,) = map(float, re.findall(r'cx="([0-9.]+)"', drawn))
    assert (dot - start) / (end - start) == pytest.approx(1 / 3, abs=0.01)
    assert "a, x: 30.0 (25.0 to 40.0)" in drawn


def test_lines_go_through_their_points() -> None:
    data = Series("", "", "", {"x": [(0, 0.0), (1, 50.0), (4, 100.0)]})
    (path,) = re.findall(r'points="([^"]+)"', draw_chart("lines", data))
    (x0, y0), (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in path.split())
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=0.01)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(0.5, abs=0.01)
    assert y2 < y0, "upwards is more"


def test_a_scatter_plot_needs_two_parts() -> None:
    with pytest.raises(InputError, match="a scatter plot needs two parts, found x"):
        draw_chart("scatter", NamedValues("", ["a"], {"x": [1]}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: NamedValues("t", ["a", "b"], {"x": [1]}),
        lambda: NamedValues("t", ["a"], {"x": [1]}, {"x": []}),
        lambda: Distribution("t", "", [0.0, 1.0], {"x": [1.0, 2.0]}),
        lambda: Distribution("t", "", [0.0]),
        lambda: Distribution("t", "", [1.0, 1.0]),
        lambda: Series("t", "", "", {"x": [(1, 2.0), (1, 3.0)]}),
    ],
)
def test_data_that_do_not_fit_together_are_refused(make) -> None:
    with pytest.raises(InputError, match="the chart 't': "):
        make()


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no chart is called 'bar': did you mean bars"):
        draw_chart("bar", BARE[NamedValues][0])
