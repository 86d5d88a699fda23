"""Lines over one axis as a small SVG picture, which notebooks and pages show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import Final

from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.runtime.files import written_beside

WIDTH_PX: Final = 520
HEIGHT_PX: Final = 280
LEFT_PX: Final = 52
TOP_PX: Final = 34
BOTTOM_PX: Final = 46
RIGHT_PX: Final = 14
LEGEND_PX: Final = 18

COLOURS: Final = ("#1f6feb", "#d1481f", "#16893e", "#8250df", "#b08800", "#57606a")
INK: Final = "#57606a"
GRID: Final = "#d0d7de"


@dataclass(frozen=True, repr=False)
class LineChart:
    """Lines over one axis.

    Attributes:
        title: Heading.
        x_title: What the horizontal axis shows, with its unit.
        y_title: What the vertical axis shows, with its unit.
        lines: By name, points from left to right; at least one point in all.

    Example:
        >>> chart = LineChart("Recall", "k", "percent", {"msam": [(1, 20.0), (5, 60.0)]})
        >>> chart.to_svg().startswith("<svg")
        True
    """

    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]

    def to_svg(self) -> str:
        """Return the picture as an ``<svg>`` element; whatever names hold is escaped."""
        points = [point for line in self.lines.values() for point in line]
        if not points:
            raise ValueError(f"the chart {self.title!r} has no points to draw")
        x_ticks = _ticks(min(x for x, _ in points), max(x for x, _ in points))
        y_ticks = _ticks(min(y for _, y in points), max(y for _, y in points))
        height = HEIGHT_PX + LEGEND_PX * len(self.lines) + 8
        across = _Scale(x_ticks, LEFT_PX, WIDTH_PX - RIGHT_PX)
        up = _Scale(y_ticks, HEIGHT_PX - BOTTOM_PX, TOP_PX)
        drawn = [_text(LEFT_PX, 20, self.title, "start", weight="600")]
        for tick in y_ticks:
            y = up.at(tick)
            drawn.append(
                f'<line x1="{LEFT_PX}" x2="{WIDTH_PX - RIGHT_PX}" y1="{y:.1f}" y2="{y:.1f}" '
                f'stroke="{GRID}"/>'
            )
            drawn.append(_text(LEFT_PX - 6, y + 4, f"{tick:g}", "end"))
        floor_px = HEIGHT_PX - BOTTOM_PX
        drawn += [_text(across.at(tick), floor_px + 16, f"{tick:g}", "middle") for tick in x_ticks]
        middle = (LEFT_PX + WIDTH_PX - RIGHT_PX) / 2
        drawn.append(
            _text(middle, floor_px + 34, f"{self.x_title}; upwards {self.y_title}", "middle")
        )
        for number, (name, line) in enumerate(self.lines.items()):
            colour = COLOURS[number % len(COLOURS)]
            places = [(across.at(x), up.at(y)) for x, y in line]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            drawn.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
            drawn += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places
            ]
            row = HEIGHT_PX + LEGEND_PX * number + 14
            drawn.append(
                f'<rect x="{LEFT_PX}" y="{row - 9}" width="14" height="4" fill="{colour}"/>'
            )
            drawn.append(_text(LEFT_PX + 20, row - 3, name, "start"))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" '
            f'width="{WIDTH_PX}" role="img" aria-label="{safe_html(self.title)}" '
            f'font-family="sans-serif" font-size="12">{"".join(drawn)}</svg>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the picture as an SVG file, beside and then renamed.

        Args:
            path: The file; its folder is made.

        Returns:
            The path written.
        """
        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(place) as beside:
            beside.write_text(self.to_svg() + "\n", encoding="utf-8")
        return place

    def __repr__(self) -> str:
        """Title and the names of the lines."""
        return f"LineChart({self.title!r}: {', '.join(self.lines)})"

    def _repr_svg_(self) -> str:
        return self.to_svg()


@dataclass(frozen=True)
class _Scale:
    """From a value to a place in the picture."""

    ticks: Sequence[float]
    first_px: float
    last_px: float

    def at(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return self.first_px + (value - low) / (high - low) * (self.last_px - self.first_px)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to seven round numbers that reach from below the lowest to the highest value."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(part * power for part in (1, 2, 5, 10) if part * power >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _text(x: float, y: float, text: str, anchor: str, weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{INK}">{safe_html(text)}</text>'
    )
