"""A record must agree with itself: every figure is computed again from the ranks."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isclose
from typing import Any

from dvtr_bench.errors import InputError, ResultError
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.figures import compute_figures, left_out
from dvtr_bench.ranking.group_figures import group_figures
from dvtr_bench.ranking.groups import Groups
from dvtr_bench.results.build import chance_figures, count_ties
from dvtr_bench.results.record import RunRecord


def require_consistent(record: RunRecord, file: str) -> None:
    """Refuse a record in which a figure differs from what its ranks give.

    Args:
        record: As read.
        file: Where from, for messages.

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
    recomputed: dict[str, Any] = {
        "metrics": compute_figures(table, config),
        "ties": count_ties(table),
        "chance": chance_figures(table),
        "left_out": left_out(table),
    }
    stated_parts = {part: getattr(record, part) for part in recomputed}
    for axis, expected in group_figures(table, groups, config).items():
        place = f"breakdowns.{axis}.results"
        recomputed[place], stated_parts[place] = expected, record.breakdowns[axis].results
    for part, expected in recomputed.items():
        for place, stated, found in _differences(stated_parts[part], expected, part):
            raise ResultError(
                f"{file}: {place} says {stated!r}, but the ranks give {found!r}: the file was "
                "changed after the run, or its ranks were; evaluate again"
            )


def _require_sizes(record: RunRecord, file: str) -> None:
    dataset, own = record.dataset, record.caption_video_index
    if len(own) != dataset.num_captions or max(own) >= dataset.num_videos:
        raise ResultError(
            f"{file}: caption_video_index has {len(own)} captions of videos up to {max(own)}: "
            f"expected {dataset.num_captions} captions of {dataset.num_videos} videos"
        )
    silent = dataset.num_videos - len(set(own))
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
    queries = {"t2v": len(own)}
    table = record.rank_table
    for direction in DIRECTIONS:
        count = queries.get(direction, len(set(own)))
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
