"""A record must agree with itself: every figure is computed again from the ranks.

What a record states is compared. Figures of metrics that came after it are computed here, so that a
new metric applies to the result files that are there already.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass, replace
from math import isclose
from typing import Any, Final

from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import BOTH, compute_figures, figure_names, left_out
from dvtr_bench.ranking.group_figures import group_figures
from dvtr_bench.ranking.groups import Groups
from dvtr_bench.results.build import chance_figures, count_ties
from dvtr_bench.results.record import RunRecord, Ties

_MOST_GROUPS_RESAMPLED: Final = 20_000_000
"""Above it, a small file could ask for any amount of memory."""

_NOT_DEFINED: Final = re.compile(r"(.+) of \w+ is not defined: the gallery has \d+ candidates")
"""The sentences of ``left_out`` that are about one figure."""


def completed(record: RunRecord, file: str) -> RunRecord:
    """Compare what a record states with what its ranks give, and add what it lacks.

    Args:
        record: As read.
        file: Where from, for messages.

    Returns:
        The record with the figures of every metric there is here: those that it states nowhere are
        added. Figures that no metric here gives, such as those of a plug-in that is not installed,
        are left out: nothing can check them.

    Raises:
        ResultError: Ranks and sizes do not fit together, or a figure differs; names the place,
            what is stated and what the ranks give.
    """
    _require_sizes(record, file)
    groups = {axis: _groups(record, axis, file) for axis in record.breakdowns}
    table = record.rank_table
    config = BootstrapConfig(
        record.bootstrap.resamples, record.bootstrap.seed, record.bootstrap.level
    )
    given = replace(
        record,
        metrics=compute_figures(table, config),
        ties=count_ties(table),
        chance=chance_figures(table),
        left_out=left_out(table),
    )
    known, stated = set(figure_names()), _names_in(record)
    later, foreign = known - stated, stated - known - _one_sided(record)
    compared, said = _without(given, later), _without(record, foreign)
    parts: dict[str, tuple[Any, Any]] = {
        part: (getattr(said, part), getattr(compared, part))
        for part in ("metrics", "ties", "chance", "left_out")
    }
    for axis, expected in group_figures(table, groups, config).items():
        parts[f"breakdowns.{axis}.results"] = (record.breakdowns[axis].results, expected)
    for part, values in parts.items():
        for place, one, other in _differences(*values, part):
            raise ResultError(
                f"{file}: {place} says {one!r}, but the ranks give {other!r}: the file was "
                "changed after the run, or its ranks were; evaluate again"
            )
    return given if later or foreign else record


def _names_in(record: RunRecord) -> set[str]:
    """Return the figures of one direction that a record states or says are not defined."""
    names = {match[1] for line in record.left_out if (match := _NOT_DEFINED.fullmatch(line))}
    for direction, kinds in record.metrics.items():
        if direction != BOTH:
            names.update(*kinds.values())
    return names


def _one_sided(record: RunRecord) -> set[str]:
    """Return figures that stand under one relevance alone, which no metric gives."""
    return {
        name
        for kinds in record.metrics.values()
        for name in set(kinds["strict"]) ^ set(kinds["text_identical"])
    }


def _without(record: RunRecord, names: Set[str]) -> RunRecord:
    """Return a record without some figures."""

    def kept(figures: Mapping[str, Any]) -> dict[str, Any]:
        return {name: figure for name, figure in figures.items() if name not in names}

    return replace(
        record,
        metrics={
            direction: {kind: kept(figures) for kind, figures in kinds.items()}
            for direction, kinds in record.metrics.items()
        },
        ties={
            direction: Ties(ties.queries, kept(ties.optimistic), kept(ties.expected))
            for direction, ties in record.ties.items()
        },
        left_out=tuple(
            line
            for line in record.left_out
            if not ((match := _NOT_DEFINED.fullmatch(line)) and match[1] in names)
        ),
    )


def _require_sizes(record: RunRecord, file: str) -> None:
    dataset, own = record.dataset, record.caption_video_index
    if len(own) != dataset.num_captions or own.max() >= dataset.num_videos:
        raise ResultError(
            f"{file}: caption_video_index has {len(own)} captions of videos up to {own.max()}: "
            f"expected {dataset.num_captions} captions of {dataset.num_videos} videos"
        )
    table = record.rank_table
    with_captions = len(table.query_videos("v2t"))
    silent = dataset.num_videos - with_captions
    if dataset.num_videos_without_captions != silent:
        raise ResultError(
            f"{file}: dataset.num_videos_without_captions says "
            f"{dataset.num_videos_without_captions}, but caption_video_index leaves out {silent}"
        )
    if record.shared_text.captions != dataset.num_captions:
        raise ResultError(
            f"{file}: shared_text.captions says {record.shared_text.captions}, but the split has "
            f"{dataset.num_captions} captions"
        )
    num_groups = sum(len(breakdown.groups) for breakdown in record.breakdowns.values())
    if num_groups * record.bootstrap.resamples > _MOST_GROUPS_RESAMPLED:
        raise ResultError(
            f"{file}: {num_groups:,} groups with {record.bootstrap.resamples:,} resamples each: "
            f"expected at most {_MOST_GROUPS_RESAMPLED:,} groups times resamples"
        )
    queries = {"t2v": len(own)}
    for direction in DIRECTIONS:
        count = queries.get(direction, with_captions)
        size = table.gallery_size(direction)
        for kind, ranks in table.ranks[direction].items():
            for name in ("pessimistic", "optimistic"):
                values = getattr(ranks, name)
                place = f"ranks.{direction}.{kind}.{name}"
                if len(values) != count:
                    raise ResultError(
                        f"{file}: {place} has {len(values)} ranks: expected one for each of "
                        f"{count} queries"
                    )
                if values.max() > size:
                    raise ResultError(
                        f"{file}: {place}[{values.argmax()}] is {values.max()}: the gallery has "
                        f"{size} candidates"
                    )
            if (above := ranks.optimistic > ranks.pessimistic).any():
                raise ResultError(
                    f"{file}: ranks.{direction}.{kind}.optimistic[{above.argmax()}] is larger than "
                    "the pessimistic rank"
                )


def _groups(record: RunRecord, axis: str, file: str) -> Groups:
    """Return the groups of an axis; refuse those that do not sort this split."""
    place, breakdown = f"{file}: breakdowns.{axis}", record.breakdowns[axis]
    expected = (
        record.dataset.num_captions if breakdown.unit == "caption" else record.dataset.num_videos
    )
    if len(breakdown.codes) != expected:
        raise ResultError(
            f"{place}.codes has {len(breakdown.codes)} codes: expected one for each of "
            f"{expected} {breakdown.unit}s"
        )
    try:
        return breakdown.as_groups()
    except InputError as failure:
        raise ResultError(f"{place}: {failure}") from None


def _differences(stated: Any, expected: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if is_dataclass(expected) and not isinstance(expected, type):
        for field in fields(expected):
            inner = getattr(stated, field.name), getattr(expected, field.name)
            yield from _differences(*inner, f"{place}.{field.name}")
    elif isinstance(expected, Mapping):
        for name in [*expected, *(name for name in stated if name not in expected)]:
            if name not in stated or name not in expected:
                yield f"{place}.{name}", stated.get(name), expected.get(name)
            else:
                yield from _differences(stated[name], expected[name], f"{place}.{name}")
    elif isinstance(expected, float):
        # The arithmetic is the same; a tolerance this small hides no digit that a person changed.
        known = stated is not None
        if not known or not isclose(stated, expected, rel_tol=1e-12, abs_tol=1e-12):
            yield place, stated, expected
    elif stated != expected:
        yield place, stated, expected
