"""Records as pandas tables."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dvtr_bench.results.record import RunRecord


def to_frame(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Put every figure of every record on a row of its own.

    Args:
        records: Runs; they may be of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, seeds,
        direction, relevance, metric, value, low, high, queries, gallery_size; one row a figure.
        ``direction`` is ``both`` for mR and RSum, which have no gallery of their own.
    """
    rows = []
    for record in records:
        table = record.rank_table
        sizes = {
            direction: (len(ranks["strict"].pessimistic), table.gallery_size(direction))
            for direction, ranks in table.ranks.items()
        }
        run = _run(record)
        for direction, kinds in record.metrics.items():
            queries, gallery_size = sizes.get(direction, (None, None))  # type: ignore[call-overload]
            for relevance, figures in kinds.items():
                rows += [
                    {
                        **run,
                        "direction": direction,
                        "relevance": relevance,
                        "metric": name,
                        "value": figure.value,
                        "low": figure.low,
                        "high": figure.high,
                        "queries": queries,
                        "gallery_size": gallery_size,
                    }
                    for name, figure in figures.items()
                ]
    return pd.DataFrame(rows)


def breakdowns_frame(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Put every figure of every group of every record on a row of its own.

    Args:
        records: Runs; they may be of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, seeds,
        axis, group, direction, metric, value, low, high, queries, videos; one row a figure, under
        strict relevance. ``low`` and ``high`` are missing for groups of too few videos; a group
        without queries has one row with no metric.

    Example:
        >>> from dvtr_bench.results import breakdowns_frame, load_results
        >>> frame = breakdowns_frame(load_results("results"))  # doctest: +SKIP
        >>> frame.query("axis == 'category' and metric == 'R@1'")  # doctest: +SKIP
    """
    rows = []
    for record in records:
        for axis, breakdown in record.breakdowns.items():
            for direction, groups in breakdown.results.items():
                for group, found in groups.items():
                    place = {"axis": axis, "group": group, "direction": direction}
                    sizes = {"queries": found.queries, "videos": found.videos}
                    figures: list[dict[str, Any]] = [
                        {"metric": name, "value": one.value, "low": one.low, "high": one.high}
                        for name, one in found.metrics.items()
                    ]
                    none: dict[str, Any] = dict.fromkeys(("metric", "value", "low", "high"))
                    rows += [
                        {**_run(record), **place, **figure, **sizes} for figure in figures or [none]
                    ]
    return pd.DataFrame(rows)


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "dataset": record.dataset.name,
        "version": record.dataset.version,
        "split": record.dataset.split,
        "model": record.model.name,
        "kind": record.kind,
        "scoring": record.scoring.scoring,
        "text_block": record.scoring.text_block,
        "post_processing": record.scoring.post_processing,
        "seeds": record.model.seeds,
    }
