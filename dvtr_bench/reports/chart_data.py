"""The three kinds of data that charts draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dvtr_bench.errors import InputError


@dataclass(frozen=True)
class NamedValues:
    """Values of named things, such as figures of models or counts of classes.

    Attributes:
        title: What the chart shows.
        names: Names of the things, in order.
        parts: Values by part, one for each name, such as by split or by figure; NaN for a value
            that is missing.
        intervals: Lower and upper end of each value, by part; a part may have none, and a value
            without an interval has NaN twice.

    Raises:
        InputError: A part has more or fewer values than there are names.
    """

    title: str
    names: Sequence[str]
    parts: Mapping[str, Sequence[float]]
    intervals: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every name has a value in every part."""
        for part, values in (*self.parts.items(), *self.intervals.items()):
            if len(values) != len(self.names):
                raise InputError(
                    f"the chart {self.title!r}: {part} has {len(values)} values: expected one for "
                    f"each of {len(self.names)} names"
                )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the parts, if there are several, for a legend."""
        return tuple(self.parts) if len(self.parts) > 1 else ()


@dataclass(frozen=True)
class Distribution:
    """Shares over a numeric axis, one line for each thing.

    Attributes:
        title: What the chart shows.
        axis: What the axis is, with its unit.
        edges: N + 1 edges of the bins, ascending.
        lines: Shares of each bin, in percent, N for each line.

    Raises:
        InputError: There is no bin, edges do not ascend, or a line has a wrong number of shares.
    """

    title: str
    axis: str
    edges: Sequence[float]
    lines: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bins, and that every line has a share for each."""
        bins = len(self.edges) - 1
        if bins < 1 or any(b <= a for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)):
            raise InputError(f"the chart {self.title!r}: expected ascending edges, two or more")
        for line, shares in self.lines.items():
            if len(shares) != bins:
                raise InputError(
                    f"the chart {self.title!r}: {line} has {len(shares)} shares: expected one for "
                    f"each of {bins} bins"
                )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the lines, for a legend."""
        return tuple(self.lines)


@dataclass(frozen=True)
class Series:
    """Points over a numeric axis, one line for each thing, such as recall over k.

    Attributes:
        title: What the chart shows.
        axis: What the axis is, with its unit.
        y_axis: What the values are, with their unit.
        lines: Points (x, y) of each line, from left to right.
        whole_numbers: Whether the axis counts something, such as epochs.

    Raises:
        InputError: The points of a line are not in order of x.
    """

    title: str
    axis: str
    y_axis: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    whole_numbers: bool = False

    def __post_init__(self) -> None:
        """Check that the points of every line are in order of x."""
        for name, line in self.lines.items():
            if any(b[0] <= a[0] for a, b in zip(line[:-1], line[1:], strict=True)):
                raise InputError(
                    f"the chart {self.title!r}: {name} goes back to the left: expected points in "
                    "order of x, each x once"
                )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the lines, for a legend."""
        return tuple(self.lines)


ChartData = NamedValues | Distribution | Series
