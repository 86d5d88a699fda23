"""Records as a pandas table."""

from collections.abc import Sequence

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
        run = {
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
