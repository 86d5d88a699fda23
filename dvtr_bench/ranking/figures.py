"""Figures with intervals from ranks: the one way from a `RankTable` to what a table shows."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.catalog import METRICS, PlugInWarning
from dvtr_bench.errors import ExtensionError
from dvtr_bench.ranking import DIRECTIONS, RELEVANCE_KINDS, Direction, RelevanceKind
from dvtr_bench.ranking.bootstrap import (
    BootstrapConfig,
    Draws,
    add_up,
    interval,
    once,
    two_sided_p_value,
    video_draws,
)
from dvtr_bench.ranking.rank_table import RankTable

BOTH: Final = "both"
"""Where figures that join t2v and v2t stand, beside the directions."""

_JOINED: Final = ("mR", "RSum")
"""The figures of `BOTH`, which no metric may give."""

Values: TypeAlias = dict[tuple[str, RelevanceKind, str], NDArray[np.float64]]
"""By direction (or `BOTH`), relevance and figure: float64, one value a row of counts."""

_Compute: TypeAlias = Callable[
    [NDArray[np.int64], NDArray[np.float64], int], dict[str, NDArray[np.float64]]
]


@dataclass(frozen=True)
class Figure:
    """One figure of a run.

    Attributes:
        value: Of the run itself.
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
    figures: dict[str, dict[RelevanceKind, dict[str, Figure]]] = {}
    for (direction, kind, name), value in values.items():
        low, high = interval(resampled[direction, kind, name], config.level)
        place = figures.setdefault(direction, {}).setdefault(kind, {})
        place[name] = Figure(float(value[0]), low, high)
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
    differences = {}
    for place in values[0]:
        moved = resampled[1][place] - resampled[0][place]
        low, high = interval(moved, config.level)
        one, other = float(values[0][place][0]), float(values[1][place][0])
        differences[place] = Difference(
            one, other, other - one, low, high, two_sided_p_value(moved)
        )
    return differences


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
    """Say which figures are not defined, and why.

    Args:
        table: The ranks of a run.

    Returns:
        One sentence a figure.
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
    """Return figures, whether more is better, and how to compute them, in the order of reports."""
    modules = METRICS.load_all()
    given_by: dict[str, str] = dict.fromkeys(_JOINED, "the protocol")
    for metric, module in list(modules.items()):
        entry = METRICS.entry(metric)
        for name in module.FIGURES:
            if (other := given_by.setdefault(name, metric)) != metric:
                told = f"{entry.place} gives {name}, which {other} gives already: rename it"
                if not entry.plug_in:
                    raise ExtensionError(told)
                warnings.warn(f"{told}; it is left out", PlugInWarning, stacklevel=2)
                modules.pop(metric, None)
    kept = sorted(modules.items(), key=lambda item: (not item[1].HIGHER_IS_BETTER, item[1].FIGURES))
    return tuple(
        (module.FIGURES, module.HIGHER_IS_BETTER, _checked(METRICS.entry(metric).place, module))
        for metric, module in kept
    )


def _checked(place: str, module: ModuleType) -> _Compute:
    """Return a metric's ``compute`` that refuses what figures cannot be."""

    def compute(
        ranks: NDArray[np.int64], counts: NDArray[np.float64], gallery_size: int
    ) -> dict[str, NDArray[np.float64]]:
        figures: dict[str, NDArray[np.float64]] = module.compute(ranks, counts, gallery_size)
        if unknown := [name for name in figures if name not in module.FIGURES]:
            raise ExtensionError(f"{place}: compute gives {unknown[0]}, which FIGURES lacks")
        for name, values in figures.items():
            if np.shape(values) != (len(counts),):
                raise ExtensionError(
                    f"{place}: {name} has the shape {np.shape(values)}: expected one number for "
                    f"each of the {len(counts)} rows of counts, ({len(counts)},)"
                )
            if not (np.isfinite(values) & (values >= 0)).all():
                raise ExtensionError(
                    f"{place}: {name} is {np.min(values)}: expected finite numbers, 0 or more"
                )
        return figures

    return compute


def figure_names() -> tuple[str, ...]:
    """Return the names of all figures of one direction, in the order of reports."""
    return tuple(name for names, _, _ in _metrics() for name in names)


def higher_is_better(name: str) -> bool:
    """Say which way a figure is better.

    Args:
        name: A figure, mR and RSum included.

    Returns:
        True where more is better.
    """
    return next((better for names, better, _ in _metrics() if name in names), True)


class _Histograms:
    """How many queries of which video have which rank, of every direction and relevance."""

    def __init__(self, table: RankTable, assumption: str) -> None:
        self._parts: list[tuple[Direction, RelevanceKind, _Histogram]] = []
        for direction in DIRECTIONS:
            clusters, size = table.query_clusters(direction), table.gallery_size(direction)
            for kind in RELEVANCE_KINDS:
                ranks = getattr(table.ranks[direction][kind], assumption)
                self._parts.append((direction, kind, _Histogram.of(ranks, clusters, size)))

    def values(self, drawn: Draws) -> Values:
        """Compute every figure for some draws of videos (B x C)."""
        found: Values = {}
        for direction, kind, histogram in self._parts:
            counts = histogram.counts(drawn)
            for _, _, compute in _metrics():
                figures = compute(histogram.ranks, counts, histogram.gallery_size)
                found.update({(direction, kind, name): row for name, row in figures.items()})
        return found


@dataclass(frozen=True, eq=False)
class _Histogram:
    """Queries in order of rank: ``starts`` says where each distinct rank begins."""

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
        For each table its figures, one value a resample.
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
        _joined({place: np.concatenate([part[place] for part in parts]) for place in parts[0]})
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
