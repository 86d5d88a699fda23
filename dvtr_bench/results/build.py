"""Make a record from ranks: figures, intervals, ties, chance and ceilings."""

from collections.abc import Mapping

import numpy as np

from dvtr_bench.dataset.contamination import Contamination
from dvtr_bench.ranking import DIRECTIONS, PROTOCOL_VERSION, Direction
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import CutCaptions, SharedText, chance
from dvtr_bench.ranking.figures import compute_figures, left_out, point_values
from dvtr_bench.ranking.group_figures import group_figures
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.ranking.rank_table import Groups, RankTable
from dvtr_bench.results.record import (
    RESULT_FORMAT_VERSION,
    Breakdown,
    DatasetFacts,
    DirectionRanks,
    Kind,
    ModelFacts,
    RankLists,
    RunRecord,
    ScoringFacts,
    Seconds,
    Ties,
)
from dvtr_bench.runtime.environment import EnvironmentFacts


def make_record(
    table: RankTable,
    *,
    kind: Kind,
    dataset: DatasetFacts,
    model: ModelFacts,
    scoring: ScoringFacts,
    environment: EnvironmentFacts,
    honesty: tuple[HonestyCheck, ...],
    seconds: Seconds,
    shared_text: SharedText,
    groups: Mapping[str, Groups],
    bootstrap: BootstrapConfig,
    contamination: Contamination | None = None,
    cut_captions: CutCaptions | None = None,
) -> RunRecord:
    """Make the record of a run from its ranks and facts.

    Args:
        table: The ranks.
        kind: Where the scores came from.
        dataset: The dataset and split.
        model: The model.
        scoring: How scores were computed.
        environment: Machine, library versions, commit and date.
        honesty: The honesty checks that it passed.
        seconds: How long each step took.
        shared_text: How many captions describe several videos.
        groups: Groups of its queries, by axis.
        bootstrap: How to make the intervals.
        contamination: Why the model may have seen clips of the split in training.
        cut_captions: Captions that the model read in part.

    Returns:
        The record, every figure computed from the ranks.
    """
    by_group = group_figures(table, groups, bootstrap)
    return RunRecord(
        format_version=RESULT_FORMAT_VERSION,
        protocol_version=PROTOCOL_VERSION,
        kind=kind,
        dataset=dataset,
        model=model,
        scoring=scoring,
        environment=environment,
        honesty=honesty,
        contamination=contamination,
        seconds=seconds,
        bootstrap=bootstrap,
        metrics=compute_figures(table, bootstrap),
        left_out=left_out(table),
        cut_captions=cut_captions,
        ties=count_ties(table),
        chance=chance_figures(table),
        shared_text=shared_text,
        breakdowns={axis: Breakdown.of(groups[axis], by_group[axis]) for axis in groups},
        caption_video_index=table.caption_video_index,
        ranks={direction: _direction_ranks(table, direction) for direction in DIRECTIONS},
    )


def count_ties(table: RankTable) -> dict[str, Ties]:
    """Count ranks that depend on the order of equal scores, and their effect on the figures.

    Args:
        table: The ranks.

    Returns:
        Ties by direction; directions without ties are left out.
    """
    tied = {name: table.ranks[name]["strict"].tied_queries for name in DIRECTIONS}
    if not any(tied.values()):
        return {}
    others = {name: point_values(table, name) for name in ("optimistic", "expected")}
    ties: dict[str, Ties] = {}
    for direction, queries in tied.items():
        if queries:
            figures = {
                assumption: {
                    name: float(value[0])
                    for (value_direction, kind, name), value in values.items()
                    if value_direction == direction and kind == "strict"
                }
                for assumption, values in others.items()
            }
            ties[direction] = Ties(queries, figures["optimistic"], figures["expected"])
    return ties


def chance_figures(table: RankTable) -> dict[str, Mapping[str, float]]:
    """Return the expected R@k of a random order of each gallery.

    Args:
        table: The ranks; only the sizes are read.

    Returns:
        R@k in percent by direction, for each k up to the gallery's size.
    """
    _, captions = np.unique(table.caption_video_index, return_counts=True)
    sizes, videos = np.unique(captions, return_counts=True)
    figures: dict[str, Mapping[str, float]] = {}
    for direction in DIRECTIONS:
        size = table.gallery_size(direction)
        relevant = sizes if direction == "v2t_caption" else np.ones_like(sizes)
        figures[direction] = {
            f"R@{k}": sum(
                chance(size, k, int(count)) * int(weight)
                for count, weight in zip(relevant, videos, strict=True)
            )
            / int(videos.sum())
            for k in (1, 5, 10)
            if k <= size
        }
    return figures


def _direction_ranks(table: RankTable, direction: Direction) -> DirectionRanks:
    ranks = table.ranks[direction]
    strict = RankLists.of(ranks["strict"])
    identical = RankLists.of(ranks["text_identical"])
    return DirectionRanks(strict, None if identical == strict else identical)
