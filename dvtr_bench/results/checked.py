"""Remember which result files passed their checks, so that none is checked twice.

Checking a file runs a bootstrap, which takes several times as long as reading it. A file that
passed is remembered by the SHA-256 of its bytes, the protocol version, the names of all figures and
a hash of the code that computes them. A change of any of these causes a new check.

A file is accepted without a check only if this user's cache folder says that the same bytes passed
before (`dvtr_bench.runtime.checked_marks`). Whoever can write there can make a forged file pass,
just as they could change the user's programs.
"""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from dvtr_bench import metrics, ranking
from dvtr_bench.catalog import METRICS
from dvtr_bench.errors import DvtrError
from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.ranking.bootstrap import bound_interval, is_at_bound
from dvtr_bench.ranking.figures import Figure, figure_names, full_share
from dvtr_bench.ranking.group_figures import GroupFigure, GroupFigures
from dvtr_bench.results.record import RunRecord
from dvtr_bench.runtime.checked_marks import CheckedMarks

_MARKS: Final = CheckedMarks("results", "checks of result files are")


def was_checked(content: bytes) -> bool:
    """Tell whether a file passed its checks before.

    Args:
        content: The file's bytes.

    Returns:
        True when the same bytes passed the same checks before.
    """
    return _MARKS.has(_checks(), hashlib.sha256(content).hexdigest())


def remember_checked(content: bytes) -> None:
    """Remember that a file passed its checks, if the cache folder can be written.

    Args:
        content: The file's bytes.
    """
    _MARKS.add(_checks(), hashlib.sha256(content).hexdigest())


def _checks() -> str:
    facts = "\n".join(
        (_code_sha256(tuple(METRICS.names())), str(PROTOCOL_VERSION), *figure_names())
    )
    return hashlib.sha256(facts.encode()).hexdigest()


@cache
def _code_sha256(metric_names: tuple[str, ...]) -> str:
    """Hash the code that figures and checks depend on, including metrics of plug-ins."""
    digest = hashlib.sha256()
    for file in (inspect.getfile(metrics), inspect.getfile(ranking), __file__):
        for path in sorted(Path(file).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    for name in metric_names:
        with suppress(DvtrError):  # a metric that cannot be loaded gives no figures
            digest.update(inspect.getsource(METRICS.load(name)).encode())
    return digest.hexdigest()


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
