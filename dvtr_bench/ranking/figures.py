"""Compute figures and their intervals from a `RankTable`."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.catalog import METRICS
from dvtr_bench.errors import ExtensionError
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS, Direction, RelevanceKind
from dvtr_bench.ranking.bootstrap import (
    BootstrapConfig,
    Draws,
    add_up,
    difference_interval,
    figure_interval,
    once,
    two_sided_p_value,
    video_draws,
)
from dvtr_bench.ranking.rank_table import RankTable
from dvtr_bench.runtime.packages import PlugInWarning

BOTH: Final = "both"
"""Key of figures that join t2v and v2t, used like a direction."""

_JOINED: Final = ("mR", "RSum")
"""The figures of `BOTH`; no metric may use these names."""

Values: TypeAlias = dict[tuple[str, RelevanceKind, str], NDArray[np.float64]]
"""By direction (or `BOTH`), relevance and figure: float64, one value per row of counts."""

_Compute: TypeAlias = Callable[
    [NDArray[np.int64], NDArray[np.float64], int], dict[str, NDArray[np.float64]]
]


@dataclass(frozen=True)
class Figure:
    """One figure of a run.

    Attributes:
        value: Value of the run itself.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One figure of two runs on the same queries.

    Attributes:
        first: Value of the first run.
        second: Value of the second run.
        difference: second - first.
        low: Lower end of the difference's interval.
        high: Upper end of the difference's interval.
        p_value: Two-sided, by paired bootstrap over videos.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


Figures: TypeAlias = Mapping[str, Mapping[RelevanceKind, Mapping[str, Figure]]]
"""By direction (or `BOTH`), relevance and figure."""


def compute_figures(table: RankTable, config: BootstrapConfig) -> Figures:
    """Compute every metric of every direction, with its interval.

    Args:
        table: The ranks of a run.
        config: Of the bootstrap.

    Returns:
        The figures; those not defined for the gallery's size are left out.
    """
    histograms = _Histograms(table, "pessimistic")
    values = _joined(histograms.values(once(table)))
    resampled = _resampled([histograms], table, config)[0]
    videos = len(table.query_videos("v2t"))
    figures: dict[str, dict[RelevanceKind, dict[str, Figure]]] = {}
    for (direction, kind, name), values_once in values.items():
        value, by_resample = float(values_once[0]), resampled[direction, kind, name]
        low, high = figure_interval(value, by_resample, full_share(name), videos, config.level)
        named_figures = figures.setdefault(direction, {}).setdefault(kind, {})
        named_figures[name] = Figure(value, low, high)
    return figures


def compare(
    first: RankTable, second: RankTable, config: BootstrapConfig
) -> dict[tuple[str, RelevanceKind, str], Difference]:
    """Compare two runs on the same queries, figure by figure, with the same resamples.

    Args:
        first: Ranks of one run.
        second: Ranks of the other.
        config: Of the bootstrap.

    Returns:
        The differences by direction (or `BOTH`), relevance and figure.

    Raises:
        IncomparableError: The runs have other queries.
    """
    first.require_same_queries(second)
    values = point_values(first), point_values(second)
    resampled = resampled_values([first, second], config)
    videos = len(first.query_videos("v2t"))
    are_same = equal_everywhere(*resampled)
    differences = {}
    for key in values[0]:
        moved = resampled[1][key] - resampled[0][key]
        first_value, second_value = float(values[0][key][0]), float(values[1][key][0])
        full = None if are_same else full_share(key[2])
        values_of_both = (first_value, second_value)
        low, high = difference_interval(values_of_both, moved, full, videos, config.level)
        differences[key] = Difference(
            first_value,
            second_value,
            second_value - first_value,
            low,
            high,
            two_sided_p_value(moved),
        )
    return differences


def equal_everywhere(first: Values, second: Values) -> bool:
    """Tell whether two runs have equal figures in every resample: then they are one run.

    Args:
        first: Figures of one run, one value a resample.
        second: Figures of the other.
    """
    return all(
        np.array_equal(values, second[key]) for key, values in first.items() if key[1] == "strict"
    )


def point_values(table: RankTable, assumption: str = "pessimistic") -> Values:
    """Compute every figure of a run, without intervals.

    Args:
        table: The ranks of a run.
        assumption: Which ranks: ``pessimistic`` (the protocol's), ``optimistic`` or ``expected``.

    Returns:
        Figures, one value each.
    """
    return _joined(_Histograms(table, assumption).values(once(table)))


def left_out(table: RankTable) -> tuple[str, ...]:
    """List the figures that are not defined, and why.

    Args:
        table: The ranks of a run.

    Returns:
        One sentence per figure.
    """
    sentences = []
    one_query = np.array([1]), np.ones((1, 1))
    values: Values = {}
    for direction in DIRECTIONS:
        size = table.gallery_size(direction)
        for names, _, compute in _metrics():
            defined = compute(*one_query, size)
            values.update({(direction, "strict", name): row for name, row in defined.items()})
            sentences += [
                f"{name} of {direction} is not defined: the gallery has {size} candidates"
                for name in names
                if name not in defined
            ]
    if len(list(_both_ways(values, "strict"))) < 6:
        sentences.append("mR and RSum are not defined: they need R@1, R@5 and R@10 both ways")
    return tuple(sentences)


@cache
def _metrics() -> tuple[tuple[tuple[str, ...], bool, _Compute], ...]:
    """Return figures, direction and `compute` of each metric, in the order of reports."""
    modules = METRICS.load_all()
    metric_of: dict[str, str] = dict.fromkeys(_JOINED, "the protocol")
    for metric, module in list(modules.items()):
        entry = METRICS.entry(metric)
        for name in module.FIGURES:
            if (other := metric_of.setdefault(name, metric)) != metric:
                message = f"{entry.place} defines {name}, which {other} defines already: rename it"
                if not entry.plug_in:
                    raise ExtensionError(message)
                warnings.warn(f"{message}; it is left out", PlugInWarning, stacklevel=2)
                modules.pop(metric, None)
    ordered = sorted(
        modules.items(), key=lambda item: (not item[1].HIGHER_IS_BETTER, item[1].FIGURES)
    )
    return tuple(
        (module.FIGURES, module.HIGHER_IS_BETTER, _checked(METRICS.entry(metric).place, module))
        for metric, module in ordered
    )


def _checked(where: str, module: ModuleType) -> _Compute:
    """Return a metric's ``compute`` with checks of what it returns."""

    def compute(
        ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
    ) -> dict[str, NDArray[np.float64]]:
        figures: dict[str, NDArray[np.float64]] = module.compute(ranks, counts, gallery_size)
        if unknown := [name for name in figures if name not in module.FIGURES]:
            raise ExtensionError(f"{where}: compute returns {unknown[0]}, which FIGURES lacks")
        for name, values in figures.items():
            if np.shape(values) != (len(counts),):
                raise ExtensionError(
                    f"{where}: {name} has the shape {np.shape(values)}: expected one number for "
                    f"each of the {len(counts)} rows of counts, ({len(counts)},)"
                )
            if not (np.isfinite(values) & (values >= 0)).all():
                raise ExtensionError(
                    f"{where}: {name} is {np.min(values)}: expected finite numbers, 0 or more"
                )
        return figures

    return compute


def figure_names() -> tuple[str, ...]:
    """Return the names of all figures of one direction, in the order of reports."""
    return tuple(name for names, _, _ in _metrics() for name in names)


def higher_is_better(name: str) -> bool:
    """Tell whether a higher value of a figure is better.

    Args:
        name: A figure, mR and RSum included.

    Returns:
        True if higher is better.
    """
    return next((better for names, better, _ in _metrics() if name in names), True)


@cache
def full_share(name: str) -> float | None:
    """Return the value of a figure if every query is a hit; None if it is no share of queries.

    Args:
        name: A figure, mR and RSum included.

    Returns:
        100 for a figure of a metric with ``PERCENT_OF_QUERIES`` and for mR, 600 for RSum.
    """
    if name in _JOINED:
        return 600.0 if name == "RSum" else 100.0
    metric = next((each for each in METRICS.load_all().values() if name in each.FIGURES), None)
    return 100.0 if getattr(metric, "PERCENT_OF_QUERIES", False) else None


def compute_named(
    names: Sequence[str],
    ranks: NDArray[np.int64],
    counts: NDArray[np.float64],
    gallery_size: int,
) -> dict[str, NDArray[np.float64]]:
    """Compute some figures of some queries.

    Args:
        names: Names of figures.
        ranks: int64, U: distinct ranks, ascending, from 1.
        counts: float64, B x U: queries at each rank, one row per resample; no row is all zero.
        gallery_size: Candidates of a query.

    Returns:
        float64, B, by figure, in the order of ``names``; those that are not defined are left out.
    """
    values: dict[str, NDArray[np.float64]] = {}
    for figures, _, compute in _metrics():
        if not set(figures).isdisjoint(names):
            values.update(compute(ranks, counts, gallery_size))
    return {name: values[name] for name in names if name in values}


class _Histograms:
    """Counts of queries by rank and video, for every direction and relevance."""

    def __init__(self, table: RankTable, assumption: str) -> None:
        self._parts: list[tuple[Direction, RelevanceKind, _Histogram]] = []
        for direction in DIRECTIONS:
            clusters, size = table.query_clusters(direction), table.gallery_size(direction)
            for kind in RELEVANCE_KINDS:
                ranks = getattr(table.ranks[direction][kind], assumption)
                self._parts.append((direction, kind, _Histogram.of(ranks, clusters, size)))

    def values(self, drawn: Draws) -> Values:
        """Compute every figure for some draws of videos (B x C)."""
        values: Values = {}
        for direction, kind, histogram in self._parts:
            counts = histogram.counts(drawn)
            for _, _, compute in _metrics():
                figures = compute(histogram.ranks, counts, histogram.gallery_size)
                values.update({(direction, kind, name): row for name, row in figures.items()})
        return values


@dataclass(frozen=True, eq=False)
class _Histogram:
    """Queries in order of rank; ``starts`` holds the start of each distinct rank."""

    ranks: NDArray[np.int64]
    clusters: NDArray[np.int64]
    starts: NDArray[np.int64]
    gallery_size: int

    @classmethod
    def of(
        cls, ranks: NDArray[np.int64], clusters: NDArray[np.int64], gallery_size: int
    ) -> "_Histogram":
        order = np.argsort(ranks, kind="stable")
        distinct, starts = np.unique(ranks[order], return_index=True)
        return cls(distinct, clusters[order], starts, gallery_size)

    def counts(self, drawn: Draws) -> NDArray[np.float64]:
        """Return the queries at each distinct rank (float64, B x U)."""
        return add_up(drawn, self.clusters, self.starts)


def resampled_values(tables: Sequence[RankTable], config: BootstrapConfig) -> list[Values]:
    """Compute every figure of every table on the same resamples.

    Args:
        tables: Ranks of runs on the same queries.
        config: Of the bootstrap.

    Returns:
        The figures of each table, one value per resample.
    """
    return _resampled([_Histograms(table, "pessimistic") for table in tables], tables[0], config)


def _resampled(
    histograms: Sequence[_Histograms], queries: RankTable, config: BootstrapConfig
) -> list[Values]:
    collected: list[list[Values]] = [[] for _ in histograms]
    for drawn in video_draws(queries, config):
        for values, histogram in zip(collected, histograms, strict=True):
            values.append(histogram.values(drawn))
    return [
        _joined({key: np.concatenate([part[key] for part in parts]) for key in parts[0]})
        for parts in collected
    ]


def _joined(values: Values) -> Values:
    """Add the figures that join both directions: mR and RSum of the six recalls."""
    for kind in RELEVANCE_KINDS:
        recalls = list(_both_ways(values, kind))
        if len(recalls) == 6:
            total = np.sum(recalls, axis=0)
            values[BOTH, kind, "mR"] = total / 6.0
            values[BOTH, kind, "RSum"] = total
    return values


def _both_ways(values: Values, kind: RelevanceKind) -> Iterator[NDArray[np.float64]]:
    directions: tuple[Direction, ...] = ("t2v", "v2t")
    for direction in directions:
        for k in (1, 5, 10):
            if (direction, kind, f"R@{k}") in values:
                yield values[direction, kind, f"R@{k}"]
