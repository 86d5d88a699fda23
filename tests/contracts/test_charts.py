"""What every file of dvtr_bench/reports/charts must keep to."""

import math
import re
from types import ModuleType
from xml.etree import ElementTree

import pytest

from dvtr_bench.catalog import CHARTS
from dvtr_bench.errors import ConfigError, InputError, NotFoundError
from dvtr_bench.reports.chart_data import ChartData, Distribution, NamedValues, Series
from dvtr_bench.reports.drawing import draw_chart, make_figure, svg_file_text

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;\x1b[31m $x_1$ $\\oops$"

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
    NamedValues: [
        NamedValues("none", ["a"], {"x": [0], "y": [0.0]}),
        NamedValues("none", ["a", "b"], {"x": [1.0, 2.0], "y": [math.nan, math.nan]}),
    ],
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


def test_it_draws_what_it_takes_within_its_edges(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    root = ElementTree.fromstring(draw_chart(name, WHOLE[module.TAKES]))
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    for width in (3.3, 6.9):
        figure = make_figure(name, WHOLE[module.TAKES], width)
        figure.canvas.draw()
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert box is not None
            assert box.x0 >= -1
            assert box.y0 >= -1
            assert box.x1 <= figure.bbox.width + 1
            assert box.y1 <= figure.bbox.height + 1


def test_what_others_wrote_stays_text(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    drawn = draw_chart(name, WHOLE[module.TAKES])
    assert "\x1b" not in drawn
    tags = {element.tag for element in ElementTree.fromstring(drawn).iter()}
    assert not tags & {"script", "img", "foreignObject", "a", "style"}
    assert "&lt;script&gt;" in drawn
    assert re.search(r' id="(figure|axes|text|line2d|patch)_', drawn) is None


def test_it_can_do_with_next_to_nothing(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    for data in BARE[module.TAKES]:
        assert draw_chart(name, data).startswith("<svg")


def test_it_is_a_file_of_its_own_too(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    text = svg_file_text(name, WHOLE[module.TAKES])
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root[0].text or "").startswith("<script>alert")
    style = root[1].text or ""
    assert style.startswith("@media (prefers-color-scheme: dark){")
    # Drawing programs know no variables of style sheets.
    assert "var(" not in text
    words = " ".join("".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text"))
    assert "$x_1$" in words


def test_the_same_data_give_the_same_bytes(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    first, second = (svg_file_text(name, WHOLE[module.TAKES]) for _ in range(2))
    assert first == second


def test_it_refuses_data_of_another_kind(chart: tuple[str, ModuleType]) -> None:
    name, module = chart
    other = next(data for kind, data in WHOLE.items() if kind is not module.TAKES)
    with pytest.raises(ConfigError, match=f"the chart {name} draws {module.TAKES.__name__}"):
        draw_chart(name, other)


def test_bars_are_as_long_as_their_values() -> None:
    figure = make_figure("bars", NamedValues("", ["a", "b", "c"], {"x": [1, 2, 4]}))
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1, 2, 4]  # type: ignore[attr-defined]
    assert figure.axes[0].get_xlim()[0] == 0


def test_dots_stand_within_their_intervals() -> None:
    data = NamedValues("", ["a"], {"x": [30.0]}, {"x": [(25.0, 40.0)]})
    (axes,) = make_figure("dots", data).axes
    (whisker,) = axes.collections
    assert whisker.get_paths()[0].vertices[:, 0].tolist() == [25.0, 40.0]  # type: ignore[union-attr]
    assert [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 1] == [[30.0]]
    assert "<title>a, x: 30.0 (25.0 to 40.0)</title>" in draw_chart("dots", data)


def test_a_forests_mark_is_filled_where_zero_lies_outside() -> None:
    data = NamedValues("", ["a", "b"], {"x": [3.0, 1.0]}, {"x": [(1.0, 5.0), (-2.0, 4.0)]})
    (axes,) = make_figure("forest", data).axes
    marks = [line for line in axes.lines if (line.get_gid() or "").startswith("hover:")]
    assert [mark.get_markerfacecolor() == mark.get_color() for mark in marks] == [True, False]


def test_lines_go_through_their_points() -> None:
    data = Series("", "", "", {"x": [(0, 0.0), (1, 50.0), (4, 100.0)]})
    (axes,) = make_figure("lines", data).axes
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [1, 50], [4, 100]]  # type: ignore[union-attr]


def test_a_heat_maps_cells_are_darker_for_higher_values() -> None:
    data = NamedValues("", ["a", "b"], {"x": [1.0, 2.0], "y": [3.0, math.nan]})
    (axes,) = make_figure("heatmap", data).axes
    blues = [cell.get_facecolor()[0] for cell in axes.patches]
    assert blues == sorted(blues, reverse=True)
    assert [text.get_text() for text in axes.texts] == ["1.0", "2.0", "3.0", "–"]


def test_a_scatter_plot_needs_two_parts() -> None:
    with pytest.raises(InputError, match="a scatter plot needs two parts, found x"):
        draw_chart("scatter", NamedValues("", ["a"], {"x": [1]}))


def test_a_wide_range_makes_the_axis_of_a_scatter_plot_logarithmic() -> None:
    for last, scale in ((10.0, "linear"), (1000.0, "log")):
        data = NamedValues("", ["a", "b"], {"x": [1.0, last], "y": [2.0, 3.0]})
        assert make_figure("scatter", data).axes[0].get_xscale() == scale
    assert "mathdefault" not in draw_chart("scatter", data)


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
