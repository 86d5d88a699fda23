"""Give older result files the intervals that figures without width have today.

Files written before `dvtr_bench.ranking.score_intervals` state the bootstrap's interval of a recall
of no hits, or of all hits: 0.0 to 0.0, or 100.0 to 100.0. Wilson's interval depends on that value
and on the number of videos alone, so it is put in its place without another bootstrap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dvtr_bench.ranking.figures import Figure, full_share
from dvtr_bench.ranking.group_figures import GroupFigure, GroupFigures
from dvtr_bench.ranking.score_intervals import bound_interval, is_at_bound
from dvtr_bench.results.record import RunRecord


def with_score_intervals(record: RunRecord) -> RunRecord:
    """Replace intervals that are a single point by those of Wilson.

    Args:
        record: A record as read.

    Returns:
        The same object if it has no such interval.
    """
    if not any(_is_point(name, figure) for name, figure in _all_figures(record)):
        return record
    level, videos = record.bootstrap.level, len(record.rank_table.query_videos("v2t"))

    def of_run(name: str, figure: Figure) -> Figure:
        if not _is_point(name, figure):
            return figure
        return Figure(figure.value, *_ends(name, figure.value, videos, level))

    def of_group(group: GroupFigures) -> GroupFigures:
        metrics = {
            name: GroupFigure(figure.value, *_ends(name, figure.value, group.videos, level))
            if _is_point(name, figure)
            else figure
            for name, figure in group.metrics.items()
        }
        return replace(group, metrics=metrics)

    return replace(
        record,
        metrics={
            direction: {
                kind: {name: of_run(name, figure) for name, figure in figures.items()}
                for kind, figures in kinds.items()
            }
            for direction, kinds in record.metrics.items()
        },
        breakdowns={
            axis: replace(
                breakdown,
                results={
                    direction: {name: of_group(group) for name, group in groups.items()}
                    for direction, groups in breakdown.results.items()
                },
            )
            for axis, breakdown in record.breakdowns.items()
        },
    )


def _ends(name: str, value: float, videos: int, level: float) -> tuple[float, float]:
    full = full_share(name)
    return (value, value) if full is None else bound_interval(value, full, videos, level)


def _is_point(name: str, figure: Figure | GroupFigure) -> bool:
    is_point = figure.low == figure.high == figure.value
    return is_point and is_at_bound(figure.value, full_share(name))


def _all_figures(record: RunRecord) -> Iterator[tuple[str, Figure | GroupFigure]]:
    figures: list[Mapping[str, Figure] | Mapping[str, GroupFigure]] = [
        named for kinds in record.metrics.values() for named in kinds.values()
    ]
    figures += [
        group.metrics
        for breakdown in record.breakdowns.values()
        for groups in breakdown.results.values()
        for group in groups.values()
    ]
    for named in figures:
        yield from named.items()
