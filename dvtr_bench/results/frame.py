"""Records as pandas tables. Only this file needs pandas, which is slow to import."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.results.record import RunRecord
from dvtr_bench.results.setups import by_setup, setup_of

if TYPE_CHECKING:
    import pandas as pd


def to_frame(records: Sequence[RunRecord]) -> "pd.DataFrame":
    """Make a table with one row per figure of each record.

    Args:
        records: Runs, also of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, direction, relevance, metric, value, low, high, queries, gallery_size. ``setup`` is
        equal for runs that differ only in their seed. ``direction`` is ``both`` for mR and RSum,
        which combine both directions and so have no gallery size.
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
    """Make a table with one row per figure of each setup: mean and deviation over seeds.

    Args:
        records: Runs, also of several datasets. The same seed counts once, see `by_setup`.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, direction, relevance, metric, mean, std, count, low, high. ``std`` is the sample
        standard deviation over ``count`` runs, missing for a single run; ``low`` and ``high`` are
        the ends of the mean's bootstrap interval over videos.

    Example:
        >>> from dvtr_bench.results import load_results, seed_summary
        >>> seed_summary(load_results("results"))  # doctest: +SKIP
    """
    import pandas as pd

    rows = []
    for setup_runs in by_setup(records):
        first = setup_runs.runs[0]
        run = _run(first)
        means = SeedMeans.of([run.rank_table for run in setup_runs.runs], first.bootstrap)
        for direction, relevance, metric in means.values:
            figure = means.figure(direction, relevance, metric)
            rows.append(
                {
                    **run,
                    "seeds": setup_runs.seeds,
                    "direction": direction,
                    "relevance": relevance,
                    "metric": metric,
                    "mean": figure.mean,
                    "std": math.nan if figure.deviation is None else figure.deviation,
                    "count": len(setup_runs.runs),
                    "low": figure.low,
                    "high": figure.high,
                }
            )
    return pd.DataFrame(rows)


def breakdowns_frame(records: Sequence[RunRecord]) -> "pd.DataFrame":
    """Make a table with one row per figure of each group of each record.

    Args:
        records: Runs, also of several datasets.

    Returns:
        Columns dataset, version, split, model, kind, scoring, text_block, post_processing, setup,
        seeds, axis, group, direction, metric, value, low, high, queries, videos. Figures are those
        under strict relevance. ``low`` and ``high`` are missing for groups of too few videos; a
        group without queries has one row without a metric.

    Example:
        >>> from dvtr_bench.results import breakdowns_frame, load_results
        >>> frame = breakdowns_frame(load_results("results"))  # doctest: +SKIP
        >>> frame.query("axis == 'category' and metric == 'R@1'")  # doctest: +SKIP
    """
    import pandas as pd

    rows = []
    for record in records:
        run = _run(record)
        for axis, breakdown in record.breakdowns.items():
            for direction, groups in breakdown.results.items():
                for group, result in groups.items():
                    keys = {"axis": axis, "group": group, "direction": direction}
                    sizes = {"queries": result.queries, "videos": result.videos}
                    figures: list[dict[str, Any]] = [
                        {
                            "metric": name,
                            "value": figure_values.value,
                            "low": figure_values.low,
                            "high": figure_values.high,
                        }
                        for name, figure_values in result.metrics.items()
                    ]
                    empty_figure: dict[str, Any] = dict.fromkeys(("metric", "value", "low", "high"))
                    rows += [
                        {**run, **keys, **figure, **sizes} for figure in figures or [empty_figure]
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
