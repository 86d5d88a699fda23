"""Check once that a record agrees with itself: every figure is computed again from the ranks.

Stated figures are compared. Figures of newer metrics are added, so that a new metric applies to
existing result files. Which files passed is remembered, so that none is checked twice.
"""

import hashlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any, Final

from dvtr_bench import metrics, ranking
from dvtr_bench.catalog import METRICS
from dvtr_bench.errors import DvtrError, InputError, ResultError
from dvtr_bench.ranking import DIRECTIONS, PROTOCOL_VERSION
from dvtr_bench.ranking.bootstrap import BootstrapConfig, bound_interval, is_at_bound
from dvtr_bench.ranking.figures import (
    BOTH,
    Figure,
    compute_figures,
    figure_names,
    full_share,
    left_out,
)
from dvtr_bench.ranking.group_figures import (
    FiguresByGroup,
    GroupFigure,
    GroupFigures,
    group_figure_names,
    group_figures,
)
from dvtr_bench.ranking.rank_table import Groups
from dvtr_bench.results.build import chance_figures, count_ties
from dvtr_bench.results.record import RunRecord, Ties
from dvtr_bench.runtime.checked_marks import CheckedMarks

_MOST_GROUPS_RESAMPLED: Final = 20_000_000
"""Limit on groups times resamples: without it, a small file could demand any amount of memory."""

_NOT_DEFINED: Final = re.compile(r"(.+) of \w+ is not defined: the gallery has \d+ candidates")
"""Sentences in ``left_out`` about a single figure."""


def completed(record: RunRecord, file: str) -> RunRecord:
    """Compare the figures of a record with its ranks, and add the missing ones.

    Args:
        record: The record as read.
        file: The file's name, for messages.

    Returns:
        The record with the figures of every metric available here. Figures that cannot be checked,
        such as those of a plug-in that is not installed, are removed.

    Raises:
        ResultError: Ranks and sizes do not fit together, or a figure differs. The message names the
            field, the stated value and the computed one.
    """
    _require_sizes(record, file)
    groups = {axis: _groups(record, axis, file) for axis in record.breakdowns}
    table = record.rank_table
    config = BootstrapConfig(
        record.bootstrap.resamples, record.bootstrap.seed, record.bootstrap.level
    )
    computed = replace(
        record,
        metrics=compute_figures(table, config),
        ties=count_ties(table),
        chance=chance_figures(table),
        left_out=left_out(table),
    )
    available, stated = set(figure_names()), _names_in(record)
    new_names, unknown_names = available - stated, stated - available - _one_sided(record)
    computed_parts, stated_parts = _without(computed, new_names), _without(record, unknown_names)
    parts: dict[str, tuple[Any, Any]] = {
        part: (getattr(stated_parts, part), getattr(computed_parts, part))
        for part in ("metrics", "ties", "chance", "left_out")
    }
    by_axis = group_figures(table, groups, config)
    stated_by_axis = {axis: record.breakdowns[axis].results for axis in by_axis}
    in_groups = _names_in_groups(stated_by_axis.values())
    new_in_groups = _names_in_groups(by_axis.values()) - in_groups
    unknown_in_groups = in_groups - set(group_figure_names())
    for axis, expected in by_axis.items():
        parts[f"breakdowns.{axis}.results"] = (
            _groups_without(stated_by_axis[axis], unknown_in_groups),
            _groups_without(expected, new_in_groups),
        )
    for part, values in parts.items():
        for field, stated_value, expected_value in _differences(*values, part):
            raise ResultError(
                f"{file}: {field} says {stated_value!r}, but the ranks give {expected_value!r}: "
                "the file was "
                "changed after the run, or its ranks were: evaluate again"
            )
    if not (new_names or unknown_names or new_in_groups or unknown_in_groups):
        return record
    breakdowns = {
        axis: replace(breakdown, results=by_axis[axis])
        for axis, breakdown in record.breakdowns.items()
    }
    return replace(computed, breakdowns=breakdowns)


def _names_in(record: RunRecord) -> set[str]:
    """Return the names of figures that a record states, or lists as not defined, per direction."""
    names = {
        match[1] for sentence in record.left_out if (match := _NOT_DEFINED.fullmatch(sentence))
    }
    for direction, kinds in record.metrics.items():
        if direction != BOTH:
            names.update(*kinds.values())
    return names


def _names_in_groups(axes: Iterable[FiguresByGroup]) -> set[str]:
    return {
        name
        for results in axes
        for groups in results.values()
        for group in groups.values()
        for name in group.metrics
    }


def _groups_without(results: FiguresByGroup, names: Set[str]) -> FiguresByGroup:
    return {
        direction: {
            group: replace(
                figures,
                metrics={name: each for name, each in figures.metrics.items() if name not in names},
            )
            for group, figures in groups.items()
        }
        for direction, groups in results.items()
    }


def _one_sided(record: RunRecord) -> set[str]:
    """Return names of figures stated under only one relevance kind, which no metric produces."""
    return {
        name
        for kinds in record.metrics.values()
        for name in set(kinds["strict"]) ^ set(kinds["text_identical"])
    }


def _without(record: RunRecord, names: Set[str]) -> RunRecord:
    """Return a copy of a record without the named figures."""

    def without_names(figures: Mapping[str, Any]) -> dict[str, Any]:
        return {name: figure for name, figure in figures.items() if name not in names}

    return replace(
        record,
        metrics={
            direction: {kind: without_names(figures) for kind, figures in kinds.items()}
            for direction, kinds in record.metrics.items()
        },
        ties={
            direction: Ties(
                ties.queries, without_names(ties.optimistic), without_names(ties.expected)
            )
            for direction, ties in record.ties.items()
        },
        left_out=tuple(
            sentence
            for sentence in record.left_out
            if not ((match := _NOT_DEFINED.fullmatch(sentence)) and match[1] in names)
        ),
    )


def _require_sizes(record: RunRecord, file: str) -> None:
    dataset, video_index = record.dataset, record.caption_video_index
    if len(video_index) != dataset.num_captions or video_index.max() >= dataset.num_videos:
        raise ResultError(
            f"{file}: caption_video_index has {len(video_index)} captions of videos up to "
            f"{video_index.max()}: "
            f"expected {dataset.num_captions} captions of {dataset.num_videos} videos"
        )
    table = record.rank_table
    with_captions = len(table.query_videos("v2t"))
    without_captions = dataset.num_videos - with_captions
    if dataset.num_videos_without_captions != without_captions:
        raise ResultError(
            f"{file}: dataset.num_videos_without_captions says "
            f"{dataset.num_videos_without_captions}, but caption_video_index leaves out "
            f"{without_captions}"
        )
    if record.shared_text.captions != dataset.num_captions:
        raise ResultError(
            f"{file}: shared_text.captions says {record.shared_text.captions}, but the split has "
            f"{dataset.num_captions} captions"
        )
    cut = record.cut_captions
    if cut is not None and max(cut.cut, cut.alike) > dataset.num_captions:
        raise ResultError(
            f"{file}: cut_captions says {cut.cut} cut and {cut.alike} alike, but the split has "
            f"{dataset.num_captions} captions"
        )
    num_groups = sum(len(breakdown.groups) for breakdown in record.breakdowns.values())
    if num_groups * record.bootstrap.resamples > _MOST_GROUPS_RESAMPLED:
        raise ResultError(
            f"{file}: {num_groups:,} groups with {record.bootstrap.resamples:,} resamples each: "
            f"expected at most {_MOST_GROUPS_RESAMPLED:,} groups times resamples"
        )
    queries = {"t2v": len(video_index)}
    for direction in DIRECTIONS:
        count = queries.get(direction, with_captions)
        size = table.gallery_size(direction)
        for kind, ranks in table.ranks[direction].items():
            for name in ("pessimistic", "optimistic"):
                values = getattr(ranks, name)
                field = f"ranks.{direction}.{kind}.{name}"
                if len(values) != count:
                    raise ResultError(
                        f"{file}: {field} has {len(values)} ranks: expected one for each of "
                        f"{count} queries"
                    )
                if values.max() > size:
                    raise ResultError(
                        f"{file}: {field}[{values.argmax()}] is {values.max()}: the gallery has "
                        f"{size} candidates"
                    )
            if (above := ranks.optimistic > ranks.pessimistic).any():
                raise ResultError(
                    f"{file}: ranks.{direction}.{kind}.optimistic[{above.argmax()}] is larger than "
                    "the pessimistic rank"
                )


def _groups(record: RunRecord, axis: str, file: str) -> Groups:
    """Return the groups of an axis; raise if they do not fit this split."""
    where, breakdown = f"{file}: breakdowns.{axis}", record.breakdowns[axis]
    expected = (
        record.dataset.num_captions if breakdown.unit == "caption" else record.dataset.num_videos
    )
    if len(breakdown.codes) != expected:
        raise ResultError(
            f"{where}.codes has {len(breakdown.codes)} codes: expected one for each of "
            f"{expected} {breakdown.unit}s"
        )
    try:
        return breakdown.as_groups()
    except InputError as failure:
        raise ResultError(f"{where}: {failure}") from None


def _differences(stated: Any, expected: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if is_dataclass(expected) and not isinstance(expected, type):
        for field in fields(expected):
            inner = getattr(stated, field.name), getattr(expected, field.name)
            yield from _differences(*inner, f"{path}.{field.name}")
    elif isinstance(expected, Mapping):
        for name in [*expected, *(name for name in stated if name not in expected)]:
            if name not in stated or name not in expected:
                yield f"{path}.{name}", stated.get(name), expected.get(name)
            else:
                yield from _differences(stated[name], expected[name], f"{path}.{name}")
    elif isinstance(expected, float):
        # The arithmetic is the same; a tolerance this small hides no digit that a person changed.
        is_stated = stated is not None
        if not is_stated or not isclose(stated, expected, rel_tol=1e-12, abs_tol=1e-12):
            yield path, stated, expected
    elif stated != expected:
        yield path, stated, expected


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
