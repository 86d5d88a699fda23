"""Records as pandas tables. Reading results does without pandas, which takes long to load."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.results.record import RunRecord
from dvtr_bench.results.setups import by_setup, setup_of

if TYPE_CHECKING:
    import pandas as pd


def to_frame(records: Sequence[RunRecord]) -> "pd.DataFrame":
    """Put every figure of every record on a row of its own.

    Args:
        records: Runs; they may be of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, direction, relevance, metric, value, low, high, queries, gallery_size; one row a
        figure. ``setup`` is equal for runs that differ in nothing but their seed. ``direction`` is
        ``both`` for mR and RSum, which have no gallery of their own.
    """
    import pandas as pd

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


def seed_summary(records: Sequence[RunRecord]) -> "pd.DataFrame":
    """Put every figure of every setup on a row of its own: mean and deviation over seeds.

    Args:
        records: Runs; they may be of several datasets. The same seed counts once, see `by_setup`.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, direction, relevance, metric, mean, std, count, low, high. ``std`` is the sample
        standard deviation over ``count`` runs, missing for one; ``low`` and ``high`` are the ends
        of the mean's bootstrap interval over videos.

    Example:
        >>> from dvtr_bench.results import load_results, seed_summary
        >>> seed_summary(load_results("results"))  # doctest: +SKIP
    """
    import pandas as pd

    rows = []
    for found in by_setup(records):
        first = found.runs[0]
        means = SeedMeans.of([run.rank_table for run in found.runs], first.bootstrap)
        for direction, relevance, metric in means.values:
            figure = means.figure(direction, relevance, metric)
            rows.append(
                {
                    **_run(first),
                    "seeds": found.seeds,
                    "direction": direction,
                    "relevance": relevance,
                    "metric": metric,
                    "mean": figure.mean,
                    "std": math.nan if figure.deviation is None else figure.deviation,
                    "count": len(found.runs),
                    "low": figure.low,
                    "high": figure.high,
                }
            )
    return pd.DataFrame(rows)


def breakdowns_frame(records: Sequence[RunRecord]) -> "pd.DataFrame":
    """Put every figure of every group of every record on a row of its own.

    Args:
        records: Runs; they may be of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, axis, group, direction, metric, value, low, high, queries, videos; one row a figure,
        under strict relevance. ``low`` and ``high`` are missing for groups of too few videos; a
        group without queries has one row with no metric.

    Example:
        >>> from dvtr_bench.results import breakdowns_frame, load_results
        >>> frame = breakdowns_frame(load_results("results"))  # doctest: +SKIP
        >>> frame.query("axis == 'category' and metric == 'R@1'")  # doctest: +SKIP
    """
    import pandas as pd

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
        "setup": setup_of(record).short_hash,
        "seeds": record.model.seeds,
    }
